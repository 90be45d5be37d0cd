"""Positions, cost, profit and loss, and the day's end."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from ibkr_sim.exchange.accounts.ledger import Holding
from ibkr_sim.exchange.model import Commission, Position, Side

if TYPE_CHECKING:
    from sim.tests.exchange.conftest import Trial

AAPL, NESN, EUR_USD, USD_CHF = 265598, 900000006, 12087792, 12087820
CENT = Decimal("0.01")


def position(trial: Trial, conid: int = AAPL, account: str = "DU9912345") -> Position:
    held = trial.exchange.position(account, conid)
    assert held is not None
    return held


def commissions(trial: Trial) -> list[Commission]:
    return [commission for _, commission in trial.exchange.executions()]


def test_the_average_cost_includes_the_commission(trial: Trial) -> None:
    order = trial.buy(100)
    assert position(trial).average_cost == order.average_price + CENT
    assert position(trial).quantity == 100


def test_an_opening_fill_realises_nothing_and_a_closing_one_does(trial: Trial) -> None:
    bought = trial.buy(100)
    sold = trial.sell(100)
    opening, closing = commissions(trial)
    assert opening.realized_pnl is None
    assert closing.realized_pnl == 100 * (sold.average_price - bought.average_price) - 2
    assert position(trial).quantity == 0
    assert position(trial).realized_pnl == closing.realized_pnl


def test_a_short_position_costs_what_its_sale_brought(trial: Trial) -> None:
    sold = trial.sell(100)
    held = position(trial)
    assert held.quantity == -100
    assert held.average_cost == sold.average_price - CENT
    assert held.market_value == -100 * held.market_price
    bought = trial.buy(100)
    assert position(trial).realized_pnl == 100 * (sold.average_price - bought.average_price) - 2


def test_a_trade_through_zero_closes_and_opens(trial: Trial) -> None:
    bought = trial.buy(100)
    sold = trial.sell(300)
    held = position(trial)
    assert held.quantity == -200
    assert held.average_cost == sold.average_price - Decimal("1.50") / 300
    assert held.realized_pnl == 100 * (sold.average_price - bought.average_price) - 1 - Decimal("0.50")


def test_a_partial_close_keeps_the_average_cost() -> None:
    held = Holding()
    held.trade(Decimal(30), Decimal(10), Decimal(1))
    before = held.average_cost
    profit = held.trade(Decimal(-10), Decimal(12), Decimal(1))
    assert held.quantity == 20
    assert held.average_cost.quantize(Decimal("1e-20")) == before.quantize(Decimal("1e-20"))
    assert profit is not None
    assert profit.quantize(CENT) == (120 - 100 - Decimal(1) / 3 - 1).quantize(CENT)


def test_the_days_profit_is_realised_plus_unrealised_for_what_was_opened_today(trial: Trial) -> None:
    trial.buy(300)
    trial.step(20)
    trial.sell(100)
    trial.step(20)
    held = position(trial)
    assert abs(held.daily_pnl - held.unrealized_pnl - held.realized_pnl) < Decimal("1e-15")
    assert trial.exchange.pnl(trial.dollars).daily == held.daily_pnl.quantize(CENT)


def test_a_new_day_values_what_is_held_at_the_previous_close(trial: Trial) -> None:
    trial.buy(100)
    trial.sell(50)
    trial.buy(10, conid=NESN)
    trial.sell(10, conid=NESN)
    trial.jump(hours=14)
    held, close = position(trial), trial.quote().close
    assert close is not None
    assert held.daily_pnl == 50 * (held.market_price - close)
    assert held.realized_pnl == 0
    assert trial.exchange.position(trial.dollars, NESN) is None
    assert not trial.exchange.executions()
    assert not trial.exchange.completed_orders()


def test_a_currency_trade_moves_both_balances_and_makes_no_position(trial: Trial) -> None:
    order = trial.buy(10_000, conid=EUR_USD)
    assert trial.exchange.position(trial.dollars, EUR_USD) is None
    assert trial.value("CashBalance", "EUR") == 10_000
    assert trial.value("CashBalance", "USD") == (1_000_000 - 10_000 * order.average_price - 2).quantize(CENT)
    assert commissions(trial)[0].realized_pnl is None


def test_a_foreign_stock_is_paid_in_its_currency_and_counted_in_the_base(trial: Trial) -> None:
    bought = trial.buy(100, conid=NESN)
    assert trial.value("CashBalance", "CHF") == -100 * bought.average_price - 5
    held, rate = position(trial, NESN), trial.value("ExchangeRate", "CHF")
    assert trial.value("StockMarketValue", "CHF") == held.market_value
    assert abs(trial.value("StockMarketValue", "BASE") - held.market_value * rate) < CENT
    assert abs(trial.exchange.pnl(trial.dollars).unrealized - held.unrealized_pnl * rate) < CENT


def test_rates_follow_the_simulated_pairs(trial: Trial) -> None:
    trial.buy(1_000, conid=NESN)
    trial.buy(10_000, conid=EUR_USD, account=trial.francs)
    dollar_in_francs = (trial.bid(USD_CHF) + trial.ask(USD_CHF)) / 2
    euro_in_dollars = (trial.bid(EUR_USD) + trial.ask(EUR_USD)) / 2
    assert abs(trial.value("ExchangeRate", "CHF") - 1 / dollar_in_francs) < Decimal("1e-6")
    assert abs(trial.value("ExchangeRate", "USD", trial.francs) - dollar_in_francs) < Decimal("1e-6")
    assert abs(trial.value("ExchangeRate", "EUR", trial.francs) - euro_in_dollars * dollar_in_francs) < Decimal("1e-6")


@pytest.mark.parametrize("account", ["DU9912345", "DU9967890"])
def test_accounts_do_not_see_each_other(trial: Trial, account: str) -> None:
    trial.exchange.place(trial.request(Side.BUY, 100, account=account))
    other = trial.francs if account == trial.dollars else trial.dollars
    assert len(trial.exchange.positions(account)) == 1
    assert not trial.exchange.positions(other)
    assert trial.exchange.net_liquidation(other) == 1_000_000


def test_a_busted_execution_leaves_no_trace_in_the_books_but_its_correction(trial: Trial) -> None:
    def books() -> list[tuple[str, dict[str, Decimal], dict[int, tuple[Decimal, Decimal]]]]:
        return [
            (
                account.id,
                {currency: amount for currency, amount in account.cash.items() if amount},
                {conid: (row.quantity, row.realized) for conid, row in account.holdings.items() if row.quantity},
            )
            for account in trial.exchange.ledger.everyone()
        ]

    before = books()
    order = trial.buy(100)
    (fill,) = trial.fills(order)
    busted = trial.exchange.backstage.bust(fill.exec_id)
    assert busted is not None
    assert (busted.exec_id[-2:], busted.shares, busted.cumulative) == ("02", 0, 0)
    assert books() == before
    assert (trial.order(order).filled, trial.order(order).average_price, trial.order(order).commission) == (0, 0, 0)
    assert trial.exchange.pnl(trial.dollars).realized == 0
    assert [row.shares for row, _charge in trial.exchange.executions()] == [0]
    assert trial.exchange.backstage.bust("none") is None
