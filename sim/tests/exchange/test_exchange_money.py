"""Commissions, margin, previews and account values."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from ibkr_sim.exchange.accounts.commissions import commission
from ibkr_sim.exchange.accounts.margin import Exposure, requirement
from ibkr_sim.exchange.accounts.previews import exposure_after
from ibkr_sim.exchange.listing.contracts import Contracts
from ibkr_sim.exchange.model import Side, Status

if TYPE_CHECKING:
    from sim.tests.exchange.conftest import Trial

AAPL, NESN, APPLE_IN_MEXICO, EUR_USD, EUR_CHF = 265598, 900000006, 38708077, 12087792, 12087817
ORIGIN = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
RATES = {("USD", "USD"): Decimal(1), ("CHF", "CHF"): Decimal(1), ("MXN", "MXN"): Decimal(1), ("CHF", "USD"): Decimal(2)}


@pytest.mark.parametrize(
    ("conid", "quantity", "value", "fee", "currency"),
    [
        (AAPL, 1_000, 270_000, "5.00", "USD"),
        (AAPL, 100, 27_000, "1.00", "USD"),
        (AAPL, 1, 50, "0.50", "USD"),
        (NESN, 1_000, 79_000, "39.50", "CHF"),
        (NESN, 10, 790, "5.00", "CHF"),
        (APPLE_IN_MEXICO, 100, 495_000, "495.00", "MXN"),
        (APPLE_IN_MEXICO, 1, 4_950, "60.00", "MXN"),
        (EUR_USD, 1_000_000, 1_160_000, "23.20", "USD"),
        (EUR_USD, 10_000, 11_600, "2.00", "USD"),
        (EUR_CHF, 1_000_000, 928_000, "37.12", "USD"),
    ],
)
def test_commissions_follow_the_schedule(conid: int, quantity: int, value: int, fee: str, currency: str) -> None:
    contract = Contracts(lambda: ORIGIN).get(conid)
    assert contract is not None
    charged = commission(contract, Decimal(quantity), Decimal(value), lambda source, target: RATES[source, target])
    assert charged == (Decimal(fee), currency)


def test_partial_fills_pay_the_minimum_once(trial: Trial) -> None:
    shown = trial.quote().ask_size
    assert shown is not None
    order = trial.buy(int(shown) + 50)
    trial.step_until(lambda: trial.order(order).status is Status.FILLED)
    fees = [charge.amount for _, charge in trial.exchange.executions()]
    assert len(fees) == 2
    assert sum(fees) == trial.order(order).commission == max(Decimal("0.005") * order.request.quantity, Decimal(1))


def test_margin_is_half_at_first_and_a_quarter_or_three_tenths_to_keep() -> None:
    needed = requirement([Exposure(Decimal(size), Decimal(size)) for size in (1_000, -500)], {"USD": Decimal(0)}, "USD")
    assert (needed.initial, needed.maintenance) == (Decimal("750.00"), Decimal("400.00"))


def test_foreign_cash_binds_three_per_cent_of_the_larger_side() -> None:
    needed = requirement([], {"USD": Decimal(9), "EUR": Decimal(1_000), "CHF": Decimal(-2_000)}, "USD")
    assert needed.initial == needed.maintenance == Decimal("60.00")


def test_a_preview_shows_margin_and_commission_and_leaves_no_trace(trial: Trial) -> None:
    outcome = trial.exchange.preview(trial.request(Side.BUY, 100, "200.00"))
    assert outcome.initial_margin_before == 0
    assert outcome.initial_margin_change == outcome.initial_margin_after == 10_000
    assert outcome.maintenance_margin_change == outcome.maintenance_margin_after == 5_000
    assert (outcome.commission, outcome.commission_currency) == (Decimal(1), "USD")
    assert outcome.equity_before == 1_000_000
    assert outcome.equity_change == -1
    assert outcome.equity_after == 999_999
    assert not trial.exchange.open_orders()
    assert not trial.events


def test_a_preview_of_a_closing_order_frees_margin(trial: Trial) -> None:
    trial.buy(100)
    outcome = trial.exchange.preview(trial.request(Side.SELL, 100))
    assert outcome.initial_margin_change < 0
    assert outcome.initial_margin_after < 10


@pytest.mark.parametrize("prefix", ["", "Full", "LookAhead"])
@pytest.mark.parametrize("name", ["AvailableFunds", "ExcessLiquidity", "InitMarginReq", "MaintMarginReq"])
def test_funds_and_margin_come_in_three_tenses(trial: Trial, prefix: str, name: str) -> None:
    trial.buy(100)
    assert trial.value(prefix + name, "USD") == trial.value(name, "USD") > 0


@pytest.mark.parametrize(
    ("held", "quantity", "value"),
    [(0, 10, 90), (5, 10, 140), (10, -4, 60), (10, -10, 0), (10, -30, -180), (-10, 4, -60)],
)
def test_what_stays_counts_at_its_mark_and_what_is_new_at_its_price(held: int, quantity: int, value: int) -> None:
    assert exposure_after(Decimal(held), Decimal(10), Decimal(quantity), Decimal(9)) == value


def test_account_values_carry_ibkrs_names_and_two_decimals(trial: Trial) -> None:
    trial.buy(100)
    rows = {(row.key, row.currency): row.value for row in trial.exchange.account_values(trial.dollars)}
    assert (rows["AccountCode", ""], rows["AccountReady", ""]) == (trial.dollars, "true")
    assert {"Cushion", "DayTradesRemaining", "Leverage", "AccountType"} <= {key for key, unit in rows if not unit}
    for key in ("BuyingPower", "EquityWithLoanValue", "GrossPositionValue", "NetLiquidation", "SMA", "TotalCashValue"):
        assert re.fullmatch(r"-?\d+\.\d\d", rows[key, "USD"]), key
    for key in ("CashBalance", "NetLiquidationByCurrency", "RealizedPnL", "StockMarketValue", "UnrealizedPnL"):
        assert re.fullmatch(r"-?\d+\.\d\d", rows[key, "USD"]), key
        assert rows[key, "USD"] == rows[key, "BASE"], key
    assert rows["TotalCashBalance", "BASE"] == rows["TotalCashValue", "USD"]
    assert Decimal(rows["ExchangeRate", "USD"]) == 1


def test_funds_are_equity_less_margin(trial: Trial) -> None:
    trial.sell(300)
    equity = trial.value("EquityWithLoanValue", "USD")
    assert trial.value("AvailableFunds", "USD") == equity - trial.value("InitMarginReq", "USD")
    assert trial.value("ExcessLiquidity", "USD") == equity - trial.value("MaintMarginReq", "USD")
    assert trial.value("GrossPositionValue", "USD") == -trial.value("StockMarketValue", "BASE")


def test_each_account_counts_in_its_own_base_currency(trial: Trial) -> None:
    assert trial.value("NetLiquidation", "CHF", trial.francs) == 1_000_000
    trial.buy(100, account=trial.francs)
    assert trial.value("CashBalance", "USD", trial.francs) < 0
    assert abs(trial.exchange.net_liquidation(trial.francs) - 1_000_000) < 100
