"""Orders that the broker refuses, with IBKR's codes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from ibkr_sim.clock import Clock
from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.model import Rejected, Side, Status
from ibkr_sim.exchange.settings import AccountSettings, ExchangeSettings

if TYPE_CHECKING:
    from sim.tests.exchange.conftest import Trial


@pytest.mark.parametrize(
    ("fault", "code", "text"),
    [
        ({"account": ""}, 435, "You must specify an account."),
        ({"account": "U1234567"}, 435, "You must specify an account."),
        ({"conid": 1}, 200, "No security definition has been found for the request"),
        ({"order_type": "VWAP"}, 387, "Unsupported order type for this exchange and security type."),
        ({"tif": "DTC"}, 10052, "Invalid time in force"),
        ({"quantity": Decimal(0)}, 434, "The order size cannot be zero"),
        ({"quantity": Decimal(-5)}, 434, "The order size cannot be zero"),
        ({"quantity": Decimal("NaN")}, 434, "The order size cannot be zero"),
        ({"quantity": Decimal("1.5")}, 10243, "no multiple of 1"),
        ({"limit_price": None}, 201, "Order rejected - reason:"),
        ({"limit_price": Decimal("270.005")}, 110, "does not conform to the minimum price variation"),
        ({"limit_price": Decimal(-1)}, 110, "does not conform to the minimum price variation"),
        ({"order_type": "STP"}, 201, "needs a stop price"),
        ({"quantity": Decimal(10_000)}, 201, "available funds are insufficient"),
    ],
)
def test_a_faulty_order_is_refused_with_ibkrs_code(trial: Trial, fault: dict[str, Any], code: int, text: str) -> None:
    sound = trial.request(Side.BUY, 100, "270.00")
    with pytest.raises(Rejected) as refusal:
        trial.exchange.place(replace(sound, **fault))
    assert refusal.value.code == code
    assert text in refusal.value.text
    assert not trial.events, "a refused order leaves no trace"
    with pytest.raises(Rejected) as refusal:
        trial.exchange.preview(replace(sound, **fault))
    assert refusal.value.code == code


def test_an_account_at_its_limit_may_still_reduce(trial: Trial) -> None:
    order = trial.buy(7_000)
    trial.step_until(lambda: trial.order(order).remaining == 0)
    with pytest.raises(Rejected, match="available funds"):
        trial.buy(1_000)
    assert trial.sell(100).filled == 100


def test_a_limit_far_from_the_market_does_not_make_a_closing_order_dear(trial: Trial) -> None:
    order = trial.buy(7_000)
    trial.step_until(lambda: trial.order(order).remaining == 0)
    assert trial.sell(7_000, "2700.00").status is Status.SUBMITTED


@pytest.mark.parametrize("account", ["U1234567", "DU1234567", "", "du9912345"])
def test_an_account_that_could_be_real_is_not_accepted(account: str) -> None:
    with pytest.raises(ValueError, match="DU99"):
        AccountSettings(account)


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="accounts"):
        ExchangeSettings(accounts=())
    with pytest.raises(ValueError, match="accounts"):
        ExchangeSettings(accounts=(AccountSettings("DU991"), AccountSettings("DU991")))
    yen_of_the_moon = AccountSettings("DU991", "XXX", MappingProxyType({"XXX": Decimal(1)}))
    with pytest.raises(ValueError, match="no exchange rate"):
        Exchange(ExchangeSettings(accounts=(yen_of_the_moon,)), Clock(speed=0))
