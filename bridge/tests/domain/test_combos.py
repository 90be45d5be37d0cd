"""A combo's executions come as one of the whole and one of each leg, in any order, and not always both."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibkr_bridge.domain.combos import by_leg, combine, leg_terms
from ibkr_bridge.domain.contract import Contract, Leg
from ibkr_bridge.domain.errors import InvalidRequest
from ibkr_bridge.domain.events import Commissioned, Executed, OrderEvent, Reported
from ibkr_bridge.domain.order import BrokerIds, Order, OrderStatus
from ibkr_bridge.domain.terms import OrderType, Side, Terms
from ibkr_bridge.domain.transitions import apply, with_broker
from ibkr_bridge.domain.world import World
from ibkr_bridge.guards.chain import judge_legs
from ibkr_bridge.guards.verdict import Intent, Limits, Price, View

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
AAPL = Contract(265598, "AAPL", "STK", "SMART", "USD")
MSFT = Contract(272093, "MSFT", "STK", "SMART", "USD")
COMBO = combine((Leg(AAPL, Side.BUY, 2), Leg(MSFT, Side.SELL, 1)), "SMART")
TERMS = Terms(Side.BUY, Decimal(3), OrderType.LIMIT, Decimal(41))
BROKER = BrokerIds(order_id=7, perm_id=99, client_id=42, reference="R")


def working() -> Order:
    order = Order("01", "DU991", COMBO, TERMS, OrderStatus.WORKING, NOW, NOW)
    return replace(order, broker=with_broker((), BROKER))


def after(order: Order, *told: OrderEvent) -> Order:
    return reduce(apply, told, order)


def executed(exec_id: str, contract: Contract, side: Side, qty: int, price: int, done: int) -> Executed:
    figures = Decimal(qty), Decimal(price), Decimal(done), Decimal(price)
    return Executed(exec_id, BROKER, "DU991", contract, side, *figures, "X", NOW + timedelta(seconds=1))


WHOLE = executed("a.01", COMBO, Side.BUY, 3, 40, 3)
LONG = executed("b.01", AAPL, Side.BUY, 6, 270, 6)
SHORT = executed("c.01", MSFT, Side.SELL, 3, 500, 3)
FEES = (Commissioned("b.01", Decimal(1), "USD", None, NOW), Commissioned("c.01", Decimal("0.5"), "USD", None, NOW))


@pytest.mark.parametrize("told", [*permutations((WHOLE, LONG, SHORT))])
def test_a_combo_has_filled_by_its_own_execution_whatever_comes_first(told: tuple[Executed, ...]) -> None:
    order = after(working(), *told)
    assert (order.status, order.filled_qty, order.avg_fill_price) == (OrderStatus.FILLED, 3, 40)
    assert not order.owes_fills


def test_a_leg_alone_moves_nothing() -> None:
    order = apply(working(), LONG)
    assert (order.status, order.filled_qty) == (OrderStatus.WORKING, 0)


def test_where_only_legs_are_told_the_combo_has_filled_as_often_as_every_leg() -> None:
    order = after(working(), LONG, executed("c.01", MSFT, Side.SELL, 2, 500, 2))
    assert (order.status, order.filled_qty, order.avg_fill_price) == (OrderStatus.PARTIALLY_FILLED, 2, None)
    order = apply(order, executed("d.01", MSFT, Side.SELL, 1, 500, 3))
    assert (order.status, order.filled_qty) == (OrderStatus.FILLED, 3)


def test_commissions_come_with_the_legs() -> None:
    assert after(working(), WHOLE, LONG, SHORT, *FEES).commission == Decimal("1.5")


def test_a_corrected_leg_replaces_what_it_corrects_and_keeps_its_commission() -> None:
    corrected = replace(LONG, exec_id="b.02", price=Decimal(271))
    order = after(working(), WHOLE, LONG, SHORT, *FEES, corrected, LONG)
    assert [(fill.exec_id, fill.price) for fill in order.fills if fill.leg == AAPL.conid] == [("b.02", 271)]
    assert (order.filled_qty, order.commission) == (3, Decimal("1.5"))


def test_the_brokers_total_stands_while_fills_are_missing() -> None:
    report = Reported(OrderStatus.FILLED, BROKER, Decimal(3), Decimal(40), NOW)
    order = apply(working(), report)
    assert (order.filled_qty, order.owes_fills) == (3, True)
    assert not after(order, LONG, SHORT).owes_fills


@given(st.sampled_from(Side), st.integers(1, 500), st.integers(0, 500))
def test_the_parts_of_an_order_are_its_legs_times_their_ratios(side: Side, qty: int, filled: int) -> None:
    order = replace(working(), terms=replace(TERMS, side=side, qty=Decimal(qty)), filled_qty=Decimal(min(filled, qty)))
    parts = by_leg(order)
    assert [part.remaining_qty for part in parts] == [order.remaining_qty * 2, order.remaining_qty]
    assert [part.terms.side for part in parts] == [side, side.other]


def test_legs_of_two_currencies_or_of_one_contract_are_no_combo() -> None:
    for legs in (
        (Leg(AAPL, Side.BUY, 1),),
        (Leg(AAPL, Side.BUY, 1), Leg(AAPL, Side.SELL, 1)),
        (Leg(AAPL, Side.BUY, 1), Leg(replace(MSFT, currency="EUR"), Side.SELL, 1)),
    ):
        with pytest.raises(InvalidRequest):
            combine(legs, "SMART")


def test_each_leg_adds_to_the_exposure_that_the_next_one_meets() -> None:
    limits = Limits(base_currency="USD", max_exposure=Decimal(2000))
    one = Price(Decimal(1), 0)
    view = View(
        read_only=False,
        expected_world=World.PAPER,
        allow_live=False,
        pinned_account=None,
        session_accounts=("DU1",),
        now=NOW,
        limits=limits,
        ask=Price(Decimal(270), 0),
        bid=Price(Decimal(500), 0),
        rate=one,
    )
    intents = [Intent("DU1", leg.contract, leg_terms(replace(TERMS, qty=Decimal(2)), leg)) for leg in COMBO.legs]
    assert judge_legs([(intents[0], view)]) is None
    assert judge_legs([(intents[1], view)]) is None
    denial = judge_legs([(intent, view) for intent in intents])
    assert denial is not None
    assert denial.guard == "exposure"
    assert "Of the leg MSFT" in denial.detail
