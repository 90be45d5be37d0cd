from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from ibkr_bridge.domain.events import Commissioned
from ibkr_bridge.engine.orders.commissions import Unclaimed


def charge(name: str) -> Commissioned:
    return Commissioned(name, Decimal(1), "USD", None, datetime(2026, 3, 2, tzinfo=UTC))


def test_a_commission_waits_for_its_execution_and_is_claimed_once() -> None:
    unclaimed = Unclaimed()
    unclaimed.keep(charge("a"))
    assert unclaimed.claim("a") == charge("a")
    assert unclaimed.claim("a") is None


def test_of_commissions_that_nobody_claims_the_oldest_are_forgotten() -> None:
    unclaimed = Unclaimed(most=2)
    for name in ("a", "b", "a", "c"):
        unclaimed.keep(charge(name))
    assert [unclaimed.claim(name) is not None for name in "abc"] == [True, False, True]
