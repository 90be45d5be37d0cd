"""Modifying and cancelling."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from ibkr_sim.exchange.model import Order, Rejected, Side, Status

if TYPE_CHECKING:
    from sim.tests.exchange.conftest import Trial

CENT = Decimal("0.01")


@pytest.fixture
def queue(trial: Trial) -> tuple[Order, Order]:
    """Two bids of 100 at one price inside the street's quote."""
    trial.step_until(lambda: trial.ask() - trial.bid() > CENT)
    price = trial.bid() + CENT
    return trial.buy(100, price), trial.buy(100, price)


def test_a_change_keeps_the_perm_id(trial: Trial) -> None:
    order = trial.buy(100, trial.bid() - 1)
    changed = trial.modify(order, limit=trial.bid() - 2)
    assert changed.perm_id == order.perm_id
    assert changed.request.limit_price == trial.bid() - 2
    assert trial.exchange.open_orders() == [changed]


def test_a_changed_price_that_is_marketable_fills(trial: Trial) -> None:
    order = trial.buy(100, trial.bid() - 1)
    assert trial.modify(order, limit=trial.ask()).status is Status.FILLED


def test_a_limit_order_can_become_a_market_order(trial: Trial) -> None:
    order = trial.buy(100, trial.bid() - 1)
    request = replace(order.request, order_type="MKT", limit_price=None)
    assert trial.exchange.modify(order.perm_id, request).status is Status.FILLED


def test_less_quantity_keeps_the_place_in_the_queue(trial: Trial, queue: tuple[Order, Order]) -> None:
    first, second = queue
    trial.modify(first, quantity=60)
    trial.sell(60, trial.bid(), account=trial.francs)
    assert trial.filled(first, second) == (60, 0)


def test_more_quantity_loses_the_place_in_the_queue(trial: Trial, queue: tuple[Order, Order]) -> None:
    first, second = queue
    trial.modify(first, quantity=200)
    trial.sell(100, trial.bid(), account=trial.francs)
    assert trial.filled(first, second) == (0, 100)


def test_another_price_and_back_loses_the_place_in_the_queue(trial: Trial, queue: tuple[Order, Order]) -> None:
    first, second = queue
    price = first.request.limit_price
    assert price is not None
    trial.modify(first, limit=price - CENT)
    trial.modify(first, limit=price)
    trial.sell(100, price, account=trial.francs)
    assert trial.filled(first, second) == (0, 100)


def test_a_stop_moved_away_waits_at_its_new_price(trial: Trial) -> None:
    last = trial.quote().last
    assert last is not None
    order = trial.exchange.place(trial.request(Side.BUY, 100, stop=last + CENT))
    moved = replace(order.request, stop_price=last + 50)
    assert trial.exchange.modify(order.perm_id, moved).status is Status.PRE_SUBMITTED
    trial.step(40)
    assert trial.order(order).status is Status.PRE_SUBMITTED


def test_a_filled_order_cannot_be_changed(trial: Trial) -> None:
    order = trial.buy(100)
    with pytest.raises(Rejected, match="Cannot modify a filled order") as refusal:
        trial.modify(order, quantity=200)
    assert refusal.value.code == 104


def test_a_change_must_be_of_the_same_order(trial: Trial) -> None:
    order = trial.buy(100, trial.bid() - 1)
    for other in ({"side": Side.SELL}, {"conid": 272093}, {"account": trial.francs}):
        with pytest.raises(Rejected) as refusal:
            trial.exchange.modify(order.perm_id, replace(order.request, **other))
        assert refusal.value.code == 105


def test_a_quantity_below_what_has_filled_is_refused(trial: Trial) -> None:
    order = trial.buy(2_000)
    assert order.filled > 0
    with pytest.raises(Rejected) as refusal:
        trial.modify(order, quantity=order.filled)
    assert refusal.value.code == 201


def test_a_change_that_binds_less_needs_no_funds(trial: Trial) -> None:
    other = trial.buy(7_300, trial.bid() - 1)
    order = trial.buy(6_000)
    trial.step_until(lambda: trial.order(order).remaining == 0)
    assert trial.modify(other, quantity=7_000).request.quantity == 7_000
    with pytest.raises(Rejected, match="available funds"):
        trial.modify(other, quantity=7_300)


def test_a_refused_change_leaves_the_order_as_it_was(trial: Trial) -> None:
    order = trial.buy(100, trial.bid() - 1)
    with pytest.raises(Rejected):
        trial.modify(order, limit=Decimal("100.001"))
    with pytest.raises(Rejected):
        trial.modify(order, quantity=1_000_000)
    assert trial.order(order) == order


def test_a_cancelled_order_is_off_the_book(trial: Trial, queue: tuple[Order, Order]) -> None:
    first, second = queue
    cancelled = trial.exchange.cancel(first.perm_id)
    assert (cancelled.status, cancelled.reason) == (Status.CANCELLED, "")
    trial.sell(100, trial.bid(), account=trial.francs)
    assert trial.order(second).filled == 100
    assert trial.exchange.completed_orders()[0] == cancelled


def test_an_unknown_order_cannot_be_cancelled(trial: Trial) -> None:
    with pytest.raises(Rejected, match="Can't find order with id") as refusal:
        trial.exchange.cancel(4_711)
    assert refusal.value.code == 135


def test_an_order_that_ended_cannot_be_cancelled_or_changed(trial: Trial) -> None:
    order = trial.buy(100, trial.bid() - 1)
    trial.exchange.cancel(order.perm_id)
    with pytest.raises(Rejected) as refusal:
        trial.exchange.cancel(order.perm_id)
    assert refusal.value.code == 10148
    with pytest.raises(Rejected) as refusal:
        trial.modify(order, quantity=50)
    assert refusal.value.code == 10148
