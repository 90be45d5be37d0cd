"""Market, limit and stop orders; times in force; partial fills; crossing between clients."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from ibkr_sim.exchange.model import (
    CommissionCharged,
    Executed,
    OrderChanged,
    PositionChanged,
    QuoteChanged,
    Side,
    Status,
)
from ibkr_sim.exchange.settings import ExchangeSettings

if TYPE_CHECKING:
    from sim.tests.exchange.conftest import Trial

CENT = Decimal("0.01")
EUR_USD = 12087792


def test_a_market_order_fills_at_once_at_the_shown_quote(trial: Trial) -> None:
    ask = trial.ask()
    order = trial.buy(100)
    assert order.status is Status.FILLED
    assert (order.filled, order.remaining, order.average_price) == (Decimal(100), Decimal(0), ask)
    assert trial.fills(order)[0].liquidity == 2


def test_a_market_order_larger_than_the_shown_size_fills_over_several_steps(trial: Trial) -> None:
    shown = trial.quote().ask_size
    order = trial.buy(2_000)
    assert order.status is Status.SUBMITTED
    assert order.filled == shown
    trial.step_until(lambda: trial.order(order).status is Status.FILLED)
    fills = trial.fills(order)
    assert len(fills) > 2
    assert len({fill.exec_id for fill in fills}) == len(fills)
    assert [fill.cumulative for fill in fills][-1] == sum(fill.shares for fill in fills) == 2_000
    value = sum((fill.shares * fill.price for fill in fills), Decimal(0))
    assert abs(trial.order(order).average_price - value / 2_000) < Decimal("0.0000001")


def test_a_taken_level_gives_way_to_the_next_price(trial: Trial) -> None:
    before = trial.quote()
    assert before.ask is not None
    assert before.ask_size is not None
    trial.buy(int(before.ask_size))
    assert trial.ask() == before.ask + CENT


def test_a_marketable_limit_order_takes_each_level_up_to_its_limit(trial: Trial) -> None:
    ask = trial.ask()
    order = trial.buy(5_000, ask + 2 * CENT)
    assert [fill.price for fill in trial.fills(order)] == [ask, ask + CENT, ask + 2 * CENT]
    assert order.status is Status.SUBMITTED
    assert order.remaining > 0


def test_a_limit_order_gets_the_quote_when_it_is_better(trial: Trial) -> None:
    ask = trial.ask()
    assert trial.buy(100, ask + 5 * CENT).average_price == ask


def test_a_resting_limit_order_fills_when_the_price_comes(trial: Trial) -> None:
    limit = trial.bid() - CENT
    order = trial.buy(100, limit)
    assert (order.status, order.filled) == (Status.SUBMITTED, Decimal(0))
    trial.step_until(lambda: trial.order(order).status is Status.FILLED)
    assert trial.order(order).average_price <= limit
    assert {fill.liquidity for fill in trial.fills(order)} == {1}


def test_a_better_bid_is_shown_with_its_size(trial: Trial) -> None:
    trial.step_until(lambda: trial.ask() - trial.bid() > CENT)
    price = trial.bid() + CENT
    trial.buy(700, price)
    assert (trial.quote().bid, trial.quote().bid_size) == (price, Decimal(700))


def test_an_order_at_the_bid_adds_to_its_size(trial: Trial) -> None:
    size = trial.quote().bid_size
    assert size is not None
    trial.buy(300, trial.bid())
    assert trial.quote().bid_size == size + 300


def test_clients_meet_each_other_at_the_resting_price(trial: Trial) -> None:
    trial.step_until(lambda: trial.ask() - trial.bid() > CENT)
    price = trial.bid() + CENT
    resting = trial.buy(200, price)
    taking = trial.sell(200, price - CENT, account=trial.francs)
    assert taking.average_price == trial.order(resting).average_price == price
    assert [fill.liquidity for fill in trial.fills()] == [2, 1]


def test_at_one_price_the_earlier_order_is_served_first(trial: Trial) -> None:
    trial.step_until(lambda: trial.ask() - trial.bid() > CENT)
    price = trial.bid() + CENT
    early, late = trial.buy(200, price), trial.buy(200, price)
    trial.sell(300, price, account=trial.francs)
    assert trial.filled(early, late) == (200, 100)


def test_a_stop_order_waits_for_the_last_trade_and_then_fills_at_the_market(trial: Trial) -> None:
    last = trial.quote().last
    assert last is not None
    stop = last - 5 * CENT
    trial.buy(100)
    order = trial.exchange.place(trial.request(Side.SELL, 100, stop=stop))
    assert order.status is Status.PRE_SUBMITTED
    trial.step_until(lambda: trial.order(order).status is Status.FILLED)
    prints = [event.quote.last for event in trial.events if isinstance(event, QuoteChanged) and event.traded]
    assert min(price for price in prints if price is not None) <= stop


def test_a_stop_limit_order_becomes_a_limit_order_when_triggered(trial: Trial) -> None:
    last = trial.quote().last
    assert last is not None
    order = trial.exchange.place(trial.request(Side.BUY, 100, last - 20 * CENT, stop=last - CENT))
    assert (order.status, order.filled) == (Status.SUBMITTED, Decimal(0))


def test_a_stop_that_is_already_met_triggers_at_once(trial: Trial) -> None:
    last = trial.quote().last
    assert last is not None
    assert trial.exchange.place(trial.request(Side.BUY, 100, stop=last)).status is Status.FILLED


def test_a_stop_on_a_currency_listens_to_the_quote(trial: Trial) -> None:
    assert trial.quote(EUR_USD).last is None
    ask = trial.ask(EUR_USD)
    stop = ask + Decimal("0.00005")
    order = trial.exchange.place(trial.request(Side.BUY, 1_000, stop=stop, conid=EUR_USD))
    assert order.status is Status.PRE_SUBMITTED
    trial.step_until(lambda: trial.order(order).status is Status.FILLED)
    assert trial.order(order).average_price >= stop


def test_what_an_immediate_or_cancel_order_does_not_get_is_cancelled(trial: Trial) -> None:
    shown = trial.quote().ask_size
    order = trial.exchange.place(trial.request(Side.BUY, 5_000, trial.ask(), tif="IOC"))
    assert order.status is Status.CANCELLED
    assert order.filled == shown
    assert order.remaining == 5_000 - order.filled


def test_a_day_order_ends_at_midnight_of_the_exchange_and_a_gtc_order_does_not(trial: Trial) -> None:
    far = trial.bid() - 50
    day = trial.buy(100, far)
    kept = trial.exchange.place(trial.request(Side.BUY, 100, far, tif="GTC"))
    trial.jump(hours=14)
    assert trial.order(day).status is Status.CANCELLED
    assert trial.order(day).reason == ""
    assert trial.order(kept).status is Status.SUBMITTED


def test_events_of_a_fill_come_in_the_order_of_ibkr(trial: Trial) -> None:
    trial.quote()
    trial.events.clear()
    trial.buy(100)
    kinds = [OrderChanged, Executed, OrderChanged, CommissionCharged, PositionChanged, QuoteChanged]
    assert [type(event) for event in trial.events] == kinds
    statuses = [event.order.status for event in trial.events if isinstance(event, OrderChanged)]
    assert statuses == [Status.PRE_SUBMITTED, Status.FILLED]


def test_a_resting_order_goes_from_presubmitted_to_submitted(trial: Trial) -> None:
    trial.buy(100, trial.bid() - 1)
    statuses = [event.order.status for event in trial.events if isinstance(event, OrderChanged)]
    assert statuses == [Status.PRE_SUBMITTED, Status.SUBMITTED]


def test_numbers_repeat_with_the_seed_and_differ_between_seeds(new_trial: Callable[..., Trial]) -> None:
    first, again, other = new_trial(), new_trial(), new_trial(ExchangeSettings(seed=2))
    assert first.buy(100) == again.buy(100)
    assert first.fills() == again.fills()
    other.buy(100)
    assert other.fills()[0].exec_id != first.fills()[0].exec_id
    parts = first.fills()[0].exec_id.split(".")
    assert [len(part) for part in parts] == [8, 8, 2, 2]


def test_what_a_listener_causes_is_heard_after_what_it_heard(trial: Trial) -> None:
    heard: list[str] = []

    def cancel_at_once(event: object) -> None:
        if isinstance(event, OrderChanged):
            heard.append(event.order.status)
            if event.order.status is Status.SUBMITTED:
                trial.exchange.cancel(event.order.perm_id)

    unsubscribe = trial.exchange.subscribe(cancel_at_once)
    trial.buy(100, trial.bid() - 1)
    assert heard == ["PreSubmitted", "Submitted", "Cancelled"]
    unsubscribe()
    trial.buy(100, trial.bid() - 1)
    assert len(heard) == 3
