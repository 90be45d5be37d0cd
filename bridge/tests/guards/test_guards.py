from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.order import OrderType, Side, Terms
from ibkr_bridge.domain.world import World
from ibkr_bridge.guards.chain import judge
from ibkr_bridge.guards.verdict import Intent, View

INTENT = Intent(
    "DU1234567",
    Contract(265598, "AAPL", "STK", "SMART", "USD"),
    Terms(Side.BUY, Decimal(1), OrderType.LIMIT, Decimal(1)),
)
OPEN = View(
    read_only=False,
    expected_world=World.PAPER,
    allow_live=False,
    pinned_account=None,
    session_accounts=("DU1234567",),
)


def denied_by(intent: Intent, view: View) -> str | None:
    denial = judge(intent, view)
    return denial.guard if denial else None


def test_an_order_in_the_expected_world_passes() -> None:
    assert denied_by(INTENT, OPEN) is None


def test_a_read_only_service_denies_every_order() -> None:
    assert denied_by(INTENT, replace(OPEN, read_only=True)) == "read_only"


def test_an_account_of_another_world_is_denied_even_when_only_the_session_holds_it() -> None:
    assert denied_by(replace(INTENT, account="U1234567"), OPEN) == "world"
    assert denied_by(INTENT, replace(OPEN, session_accounts=("DU1234567", "U7654321"))) == "world"


def test_live_needs_its_own_switch() -> None:
    live = replace(OPEN, expected_world=World.LIVE, session_accounts=("U1234567",))
    intent = replace(INTENT, account="U1234567")
    assert denied_by(intent, live) == "world"
    assert denied_by(intent, replace(live, allow_live=True)) is None


def test_a_pinned_service_trades_no_other_account() -> None:
    view = replace(OPEN, pinned_account="DU7654321", session_accounts=("DU1234567", "DU7654321"))
    assert denied_by(INTENT, view) == "account_pin"
    assert denied_by(replace(INTENT, account="DU7654321"), view) is None


def test_a_denial_says_what_to_do() -> None:
    denial = judge(INTENT, replace(OPEN, read_only=True))
    assert denial is not None
    assert "IBKR_SERVICE_READ_ONLY" in denial.advice
