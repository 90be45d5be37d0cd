"""Dividends, splits, margin calls, and the hours of exchanges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from ibkr_sim.exchange.listing.contracts import Wanted
from ibkr_sim.exchange.listing.hours import trading_day
from ibkr_sim.exchange.model import ActionKind, CorporateAction, Rejected, Side, Status
from ibkr_sim.exchange.settings import AccountSettings, ExchangeSettings

if TYPE_CHECKING:
    from sim.tests.exchange.conftest import Trial

AAPL, EUR_USD = 265598, 12087792
ACCOUNT = "DU9912345"
START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def dividend(amount: str, at: datetime | None = None) -> CorporateAction:
    return CorporateAction(AAPL, ActionKind.DIVIDEND, Decimal(amount), at)


def split(ratio: str) -> CorporateAction:
    return CorporateAction(AAPL, ActionKind.SPLIT, Decimal(ratio))


@pytest.mark.parametrize(("side", "sign"), [(Side.BUY, 1), (Side.SELL, -1)])
def test_a_dividend_is_paid_to_who_holds_and_by_who_is_short(trial: Trial, side: Side, sign: int) -> None:
    trial.exchange.place(trial.request(side, 100))
    cash, bid, worth = trial.value("CashBalance", "USD"), trial.bid(), trial.exchange.net_liquidation(ACCOUNT)
    trial.exchange.announce(dividend("2.50"))
    assert trial.value("CashBalance", "USD") - cash == sign * 250
    assert trial.bid() == pytest.approx(bid - Decimal("2.5"), abs=Decimal("0.05"))
    trial.jump(seconds=5)
    assert trial.exchange.net_liquidation(ACCOUNT) == pytest.approx(worth, abs=20)


def test_a_dividend_can_be_announced_for_later(new_trial: Callable[..., Trial]) -> None:
    trial = new_trial(ExchangeSettings(corporate_actions=(dividend("1", START + timedelta(minutes=5)),)))
    trial.buy(10)
    trial.exchange.announce(dividend("2", START + timedelta(minutes=10)))
    cash = trial.value("CashBalance", "USD")
    trial.jump(minutes=6)
    assert trial.value("CashBalance", "USD") - cash == 10
    trial.jump(minutes=6)
    assert trial.value("CashBalance", "USD") - cash == 30


def test_a_split_changes_shares_and_price_and_ends_open_orders(trial: Trial) -> None:
    trial.buy(100)
    resting = trial.buy(10, "200")
    worth, bid = trial.exchange.net_liquidation(ACCOUNT), trial.bid()
    trial.exchange.announce(split("4"))
    position = trial.exchange.position(ACCOUNT, AAPL)
    assert position is not None
    assert position.quantity == 400
    assert trial.bid() == pytest.approx(bid / 4, abs=Decimal("0.05"))
    assert trial.exchange.net_liquidation(ACCOUNT) == pytest.approx(worth, abs=20)
    ended = trial.order(resting)
    assert (ended.status, ended.reason) == (Status.CANCELLED, "Cancelled by System: the shares have been split")
    trial.jump(hours=1)
    assert trial.bid() == pytest.approx(bid / 4, abs=Decimal(1))
    assert position.average_cost * 400 == pytest.approx(trial.fills()[0].price * 100 + 1, abs=1)


@pytest.mark.parametrize("wrong", [dividend("0"), dividend("500"), split("-1"), replace(split("2"), conid=EUR_USD)])
def test_what_no_company_does_is_refused(trial: Trial, wrong: CorporateAction) -> None:
    with pytest.raises(Rejected):
        trial.exchange.announce(wrong)


def test_who_cannot_keep_the_margin_is_sold_out_until_he_can(new_trial: Callable[..., Trial]) -> None:
    trial = new_trial(ExchangeSettings(accounts=(AccountSettings(ACCOUNT, "USD", {"USD": Decimal(20_000)}),)))
    trial.buy(140)
    (pair,) = trial.exchange.find_contracts(symbol="KO", sec_type="STK")
    trial.exchange.place(replace(trial.request(Side.BUY, 10), conid=pair.conid))
    trial.exchange.charge(ACCOUNT, Decimal(11_000), "USD")
    trial.jump(minutes=16)
    held = {row.conid: row.quantity for row in trial.exchange.positions(ACCOUNT)}
    assert (held[AAPL], held[pair.conid]) == (0, 10)
    sold = trial.fills()[-1]
    assert (sold.side, sold.liquidation) == (Side.SELL, True)
    assert trial.value("ExcessLiquidity", "USD") > 0


def test_every_exchange_keeps_its_own_hours(new_trial: Callable[..., Trial]) -> None:
    trial = new_trial(ExchangeSettings(always_open=False), start=datetime(2026, 3, 3, 3, 0, tzinfo=UTC))
    (future,) = trial.exchange.search(Wanted(symbol="ES", sec_type="FUT", expiry="202606"))
    (coin,) = trial.exchange.find_contracts(symbol="BTC", sec_type="CRYPTO")
    (japanese,) = trial.exchange.find_contracts(symbol="7203")
    orders = {
        conid: trial.exchange.place(replace(trial.request(Side.BUY, 100), conid=conid, outside_rth=True, quantity=size))
        for conid, size in ((future.conid, Decimal(1)), (coin.conid, Decimal(1)), (japanese.conid, Decimal(100)))
    }
    assert [order.status for order in orders.values()] == [Status.FILLED] * 3
    asleep = trial.exchange.place(trial.request(Side.BUY, 1))
    assert asleep.status is Status.PRE_SUBMITTED


def test_holidays_and_early_closes_are_in_the_calendar(trial: Trial) -> None:
    apple = trial.exchange.contract(AAPL)
    (german,) = trial.exchange.find_contracts(symbol="SIE")
    (coin,) = trial.exchange.find_contracts(symbol="BTC", sec_type="CRYPTO")
    assert apple is not None
    good_friday, eve = datetime(2026, 4, 3, tzinfo=UTC).date(), datetime(2026, 12, 24, tzinfo=UTC).date()
    assert trading_day(apple, good_friday) is trading_day(german, good_friday) is None
    assert trading_day(coin, good_friday) is not None
    early = trading_day(apple, eve)
    assert early is not None
    assert early.liquid_to == datetime(2026, 12, 24, 18, tzinfo=UTC)
