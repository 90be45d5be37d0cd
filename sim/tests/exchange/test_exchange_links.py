"""Brackets, one-cancels-all groups, conditions, combinations, and short sales that wait for shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from ibkr_sim.exchange.model import Executed, Order, OrderChanged, Rejected, Side, Status
from ibkr_sim.exchange.settings import ExchangeSettings
from ibkr_sim.exchange.terms import (
    ChangeCondition,
    ComboLeg,
    Condition,
    Conditions,
    ExecutionCondition,
    MarginCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)

if TYPE_CHECKING:
    from sim.tests.exchange.conftest import Trial

CENT = Decimal("0.01")
AAPL, MSFT, IBM = 265598, 272093, 8314
WORKING, WAITING, CANCELLED, FILLED = Status.SUBMITTED, Status.PRE_SUBMITTED, Status.CANCELLED, Status.FILLED


def place(trial: Trial, side: Side, quantity: int, limit: Decimal | None = None, **terms: Any) -> Order:
    return trial.exchange.place(replace(trial.request(side, quantity, limit), **terms))


def states(trial: Trial, *orders: Order) -> list[Status]:
    return [trial.order(order).status for order in orders]


def bracket(trial: Trial, limit: Decimal, **terms: Any) -> tuple[Order, Order, Order]:
    parent = place(trial, Side.BUY, 100, limit)
    target = place(trial, Side.SELL, 100, trial.bid() + 5 * CENT, parent=parent.perm_id, **terms)
    stop = place(
        trial, Side.SELL, 100, order_type="STP", stop_price=trial.bid() - 500 * CENT, parent=parent.perm_id, **terms
    )
    return parent, target, stop


def test_children_wait_for_their_parent_and_the_one_that_fills_ends_the_other(trial: Trial) -> None:
    parent, target, stop = bracket(trial, trial.bid() - 2 * CENT)
    assert (target.why_held, stop.why_held) == ("child", "child,trigger")
    assert states(trial, parent, target, stop) == [WORKING, WAITING, WAITING]
    trial.step_until(lambda: trial.order(parent).status is FILLED)
    assert trial.order(stop).why_held == "trigger"
    assert trial.order(target).status in (WORKING, FILLED)
    trial.step_until(lambda: trial.order(target).status is FILLED, 40_000)
    assert states(trial, stop) == [CANCELLED]
    held = trial.exchange.position(trial.dollars, AAPL)
    assert held is not None
    assert held.quantity == 0


def test_children_are_cancelled_with_their_parent(trial: Trial) -> None:
    orders = bracket(trial, trial.bid() - 500 * CENT)
    grandchild = place(trial, Side.BUY, 100, trial.bid() - 900 * CENT, parent=orders[1].perm_id)
    trial.exchange.cancel(orders[0].perm_id)
    assert states(trial, *orders, grandchild) == [CANCELLED] * 4


@pytest.mark.parametrize("tif", ["IOC", "FOK"])
def test_a_child_that_comes_after_its_parent_has_ended_unfilled_ends_too(trial: Trial, tif: str) -> None:
    parent = place(trial, Side.BUY, 100, trial.bid() - 500 * CENT, tif=tif)
    child = place(trial, Side.SELL, 100, trial.bid() + 5 * CENT, parent=parent.perm_id)
    assert states(trial, child) == [CANCELLED]
    assert not trial.exchange.open_orders()


def test_a_child_of_a_parent_that_has_filled_works_at_once(trial: Trial) -> None:
    parent = trial.buy(100)
    child = place(trial, Side.SELL, 100, trial.bid() + 500 * CENT, parent=parent.perm_id)
    assert child.status is WORKING


def test_a_child_needs_no_funds_while_it_waits(trial: Trial) -> None:
    parent = place(trial, Side.BUY, 7_000, trial.bid() - 300 * CENT)
    assert place(trial, Side.SELL, 7_000, trial.bid() + 5 * CENT, parent=parent.perm_id).status is WAITING


@pytest.mark.parametrize(("oca_type", "left"), [(1, None), (2, 240), (3, 240)])
def test_a_partial_fill_cancels_or_cuts_the_rest_of_its_group(trial: Trial, oca_type: int, left: int | None) -> None:
    terms = {"oca_group": "one", "oca_type": oca_type}
    other = place(trial, Side.BUY, 400, trial.bid() - 500 * CENT, **terms)
    stranger = place(trial, Side.BUY, 400, trial.bid() - 500 * CENT, oca_group="two")
    trial.step_until(lambda: trial.ask() - trial.bid() > CENT)
    first = place(trial, Side.BUY, 1_000, trial.bid() + CENT, **terms)
    trial.sell(400, trial.bid(), account=trial.francs)
    assert trial.filled(first) == (400,)
    if left is None:
        assert states(trial, other) == [CANCELLED]
    else:
        assert (trial.order(other).remaining, trial.order(other).request.quantity) == (left, left)
    assert trial.order(stranger).remaining == 400
    trial.exchange.cancel(first.perm_id)


@pytest.mark.parametrize(("oca_type", "filled"), [(1, 100), (2, 100), (3, 200)])
def test_with_block_only_one_of_a_group_fills_and_without_it_both_may(trial: Trial, oca_type: int, filled: int) -> None:
    trial.step_until(lambda: trial.ask() - trial.bid() > CENT)
    terms = {"oca_group": "one", "oca_type": oca_type}
    orders = [place(trial, Side.BUY, 100, trial.bid(), **terms)]
    orders.append(place(trial, Side.BUY, 100, trial.bid(), **terms))
    trial.sell(200, trial.bid(), account=trial.francs)
    trial.step_until(lambda: all(status.done for status in states(trial, *orders)))
    assert sum(trial.filled(*orders)) == filled


def test_a_child_that_two_things_let_in_at_once_goes_to_the_market_once(trial: Trial) -> None:
    moment = trial.exchange.now() + timedelta(seconds=1)
    parent = place(trial, Side.BUY, 10, good_after=moment)
    soon = Conditions(((TimeCondition(is_more=True, time=moment),),))
    child = place(trial, Side.BUY, 300, trial.bid() - 8 * CENT, parent=parent.perm_id, conditions=soon)
    trial.step(5)
    assert states(trial, parent, child) == [FILLED, WORKING]
    shown = [level.size for level in trial.exchange.depth(AAPL, 20).bids if level.exchange]
    assert shown == [300]


def wait_for(trial: Trial, *groups: tuple[Condition, ...], **terms: Any) -> Order:
    return place(trial, Side.BUY, 10, conditions=Conditions(groups, **terms))


def test_a_price_condition_watches_another_contract(trial: Trial) -> None:
    price = trial.quote(MSFT).last
    assert price is not None
    order = wait_for(trial, (PriceCondition(MSFT, is_more=True, price=price + 20 * CENT),))
    assert order.why_held == "condition"
    trial.step_until(lambda: trial.order(order).status is FILLED, 40_000)
    last = trial.quote(MSFT).last
    assert last is not None
    assert last >= price + 20 * CENT


def test_a_time_condition_strikes_at_its_time(trial: Trial) -> None:
    moment = trial.exchange.now() + timedelta(minutes=3)
    order = wait_for(trial, (TimeCondition(is_more=True, time=moment),))
    trial.jump(hours=2)
    assert trial.fills(order)[0].time == moment


def test_an_execution_condition_waits_for_a_trade_in_that_symbol(trial: Trial) -> None:
    order = wait_for(trial, (ExecutionCondition("STK", "SMART", "MSFT"),))
    trial.buy(10)
    assert states(trial, order) == [WAITING]
    trial.buy(10, conid=MSFT)
    assert states(trial, order) == [FILLED]


def test_volume_and_change_conditions_look_at_the_day(trial: Trial) -> None:
    volume, change = trial.quote().volume + 5_000, Decimal("0.02")
    by_volume = wait_for(trial, (VolumeCondition(AAPL, is_more=True, volume=volume),))
    by_change = wait_for(trial, (ChangeCondition(AAPL, is_more=True, percent=change),))
    trial.step_until(lambda: trial.order(by_volume).status is FILLED)
    assert trial.quote().volume >= volume
    trial.step_until(lambda: trial.order(by_change).status is FILLED, 40_000)
    quote = trial.quote()
    assert quote.last is not None
    assert quote.close is not None
    assert quote.last / quote.close > 1


def test_a_margin_condition_watches_the_accounts_cushion(trial: Trial) -> None:
    order = wait_for(trial, (MarginCondition(is_more=False, percent=Decimal(90)),))
    assert order.status is WAITING
    trial.buy(3_000)
    trial.step_until(lambda: trial.order(order).status is FILLED)
    assert Decimal(trial.value("ExcessLiquidity", "USD") / trial.value("NetLiquidation", "USD")) < Decimal("0.91")


def test_conditions_are_joined_by_and_and_or(trial: Trial) -> None:
    never = TimeCondition(is_more=True, time=trial.exchange.now() + timedelta(days=300))
    now = TimeCondition(is_more=True, time=trial.exchange.now())
    assert wait_for(trial, (never,), (now,)).status is FILLED
    assert wait_for(trial, (never, now)).status is WAITING


def test_conditions_can_cancel_an_order_instead(trial: Trial) -> None:
    soon = TimeCondition(is_more=True, time=trial.exchange.now() + timedelta(seconds=2))
    order = place(trial, Side.BUY, 10, trial.bid() - 500 * CENT, conditions=Conditions(((soon,),), cancels=True))
    assert order.status is WORKING
    trial.step(9)
    assert states(trial, order) == [CANCELLED]


def combination(trial: Trial, *legs: tuple[int, int, str]) -> int:
    return trial.exchange.combination("", "USD", [ComboLeg(*leg) for leg in legs]).conid


def test_a_combination_fills_once_as_a_whole_and_once_by_leg(trial: Trial) -> None:
    conid = combination(trial, (AAPL, 2, "BUY"), (MSFT, 1, "SELL"))
    expected = 2 * trial.ask() - trial.bid(MSFT)
    before = trial.value("TotalCashValue", "USD")
    order = place(trial, Side.BUY, 10, conid=conid)
    whole, first, second = trial.fills(order)
    assert (whole.conid, whole.shares, whole.price, order.average_price) == (conid, 10, expected, expected)
    assert [(leg.conid, leg.side, leg.shares) for leg in (first, second)] == [(AAPL, "BUY", 20), (MSFT, "SELL", 10)]
    assert len({fill.exec_id.rsplit(".", 2)[0] for fill in (whole, first, second)}) == 1
    assert [row.quantity for row in trial.exchange.positions(trial.dollars)] == [20, -10]
    charged = order.commission
    assert charged is not None
    assert trial.value("TotalCashValue", "USD") == (before - 10 * expected - charged).quantize(CENT)
    assert sum(charge.amount for _fill, charge in trial.exchange.executions()) == charged


def test_a_combination_with_a_limit_rests_until_its_legs_allow_it(trial: Trial) -> None:
    conid = combination(trial, (AAPL, 1, "BUY"), (IBM, 1, "SELL"))
    quote = trial.quote(conid)
    assert quote.ask is not None
    assert quote.ask < 0
    order = place(trial, Side.BUY, 10, quote.ask - 10 * CENT, conid=conid)
    assert order.status is WORKING
    trial.step_until(lambda: trial.order(order).status is FILLED, 40_000)
    assert trial.order(order).average_price <= quote.ask - 10 * CENT
    assert trial.exchange.cancel(place(trial, Side.SELL, 10, Decimal(99), conid=conid).perm_id).status is CANCELLED


def test_the_same_legs_are_the_same_combination_and_senseless_ones_are_none(trial: Trial) -> None:
    legs = ((AAPL, 1, "BUY"), (IBM, 1, "SELL"))
    assert combination(trial, *legs) == combination(trial, *legs)
    for senseless, code in (
        (legs[:1], 321),
        (((AAPL, 0, "BUY"), (IBM, 1, "BUY")), 321),
        (((AAPL, 1, "BUY"), (1, 1, "BUY")), 200),
        (((AAPL, 1, "BUY"), (900000006, 1, "BUY")), 10000),
    ):
        with pytest.raises(Rejected) as refusal:
            combination(trial, *senseless)
        assert refusal.value.code == code


def test_a_short_sale_waits_until_shares_can_be_borrowed(new_trial: Callable[..., Trial]) -> None:
    trial = new_trial(ExchangeSettings(shortable={AAPL: Decimal(50)}))
    trial.buy(100)
    assert trial.sell(150).status is FILLED
    assert trial.exchange.shortable(AAPL) == 0
    short = trial.sell(10)
    assert (short.status, short.why_held, short.notice and short.notice[0]) == (WAITING, "locate", 404)
    trial.exchange.lend(AAPL, Decimal(60))
    assert states(trial, short) == [FILLED]


def test_the_same_seed_tells_the_same_story(new_trial: Callable[..., Trial]) -> None:
    def story() -> list[tuple[object, ...]]:
        trial = new_trial()
        bracket(trial, trial.bid() - 2 * CENT)
        place(trial, Side.SELL, 100, order_type="TRAIL", stop_price=4 * CENT)
        place(trial, Side.BUY, 300, order_type="MIDPRICE")
        place(trial, Side.BUY, 10, conid=combination(trial, (AAPL, 1, "BUY"), (IBM, 1, "SELL")))
        wait_for(trial, (VolumeCondition(AAPL, is_more=True, volume=Decimal(20_000)),))
        trial.step(400)
        told = (event for event in trial.events if isinstance(event, Executed | OrderChanged))
        return [(type(event).__name__, event.order) for event in told]

    assert story() == story()
