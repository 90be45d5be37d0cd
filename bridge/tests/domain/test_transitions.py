"""The order's state machine, judged by what an order looks like after a history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.events import (
    AnswerLost,
    CancelRequested,
    Changed,
    Commissioned,
    Denied,
    Established,
    Executed,
    OrderEvent,
    Reported,
    Sent,
    Warned,
)
from ibkr_bridge.domain.order import BrokerIds, Order, OrderStatus
from ibkr_bridge.domain.terms import OrderType, Side, Terms
from ibkr_bridge.domain.transitions import LEGAL, apply, with_broker

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
AAPL = Contract(265598, "AAPL", "STK", "SMART", "USD")
TERMS = Terms(Side.BUY, Decimal(10), OrderType.LIMIT, Decimal(150))
BROKER = BrokerIds(order_id=7, perm_id=99, client_id=42, reference="R")
KNOWN = with_broker((), BROKER)


def received() -> Order:
    return Order("01", "DU991", AAPL, TERMS, OrderStatus.RECEIVED, NOW, NOW)


def reported(status: OrderStatus, filled: int = 0, reason: str | None = None) -> Reported:
    return Reported(status, BROKER, Decimal(filled), Decimal(150) if filled else None, LATER, reason)


def executed(exec_id: str, qty: int, cumulative: int) -> Executed:
    return Executed(
        exec_id,
        BROKER,
        "DU991",
        AAPL,
        Side.BUY,
        Decimal(qty),
        Decimal(150),
        Decimal(cumulative),
        Decimal(150),
        "X",
        LATER,
    )


def after(*events: OrderEvent, start: Order | None = None) -> Order:
    return reduce(apply, events, start or received())


SENT = Sent(BROKER, LATER)


def test_an_order_walks_from_received_to_filled() -> None:
    order = after(SENT, reported(OrderStatus.WORKING), executed("a", 4, 4))
    assert (order.status, order.filled_qty, order.remaining_qty) == (OrderStatus.PARTIALLY_FILLED, 4, 6)
    order = after(executed("b", 6, 10), start=order)
    assert (order.status, order.remaining_qty, order.avg_fill_price) == (OrderStatus.FILLED, 0, Decimal(150))


def test_an_execution_delivered_twice_counts_once() -> None:
    once = after(SENT, executed("a", 4, 4))
    assert apply(once, executed("a", 4, 4)) is once


def test_a_report_that_knew_the_total_first_is_not_added_to() -> None:
    order = after(SENT, reported(OrderStatus.WORKING, filled=4), executed("a", 4, 4))
    assert order.filled_qty == 4


def test_a_late_working_report_does_not_wake_a_filled_order() -> None:
    order = after(SENT, executed("a", 10, 10), reported(OrderStatus.WORKING))
    assert order.status is OrderStatus.FILLED


def test_a_working_report_of_a_partly_filled_order_keeps_it_partly_filled() -> None:
    assert after(SENT, executed("a", 4, 4), reported(OrderStatus.WORKING, filled=4)).status is (
        OrderStatus.PARTIALLY_FILLED
    )


def test_a_fill_that_crosses_a_cancel_wins() -> None:
    assert after(SENT, reported(OrderStatus.CANCELLED), executed("a", 10, 10)).status is OrderStatus.FILLED


def test_a_partial_fill_after_the_cancel_is_counted_and_the_order_stays_cancelled() -> None:
    order = after(SENT, reported(OrderStatus.CANCELLED), executed("a", 3, 3))
    assert (order.status, order.filled_qty) == (OrderStatus.CANCELLED, 3)


@pytest.mark.parametrize("status", [OrderStatus.SENT, OrderStatus.WORKING, OrderStatus.PENDING_CANCEL])
def test_a_warning_moves_nothing(status: OrderStatus) -> None:
    order = replace(received(), status=status)
    assert apply(order, Warned(399, "held until the open", LATER)) is order


def test_a_message_after_a_rejection_tells_its_reason() -> None:
    order = after(SENT, reported(OrderStatus.REJECTED), Warned(201, "no funds", LATER))
    assert (order.reason, order.reason_code) == ("no funds", 201)


def test_a_lost_answer_makes_an_order_unknown_and_the_broker_can_still_tell_the_truth() -> None:
    unknown = after(SENT, AnswerLost("silence", LATER))
    assert (unknown.status, [one.text for one in unknown.evidence]) == (OrderStatus.UNKNOWN, ["silence"])
    assert after(executed("a", 10, 10), start=unknown).status is OrderStatus.FILLED


def test_only_an_unknown_order_can_be_said_never_to_have_arrived() -> None:
    verdict = Established(OrderStatus.NEVER_ARRIVED, "three complete looks", LATER)
    assert after(SENT, verdict).status is OrderStatus.SENT
    assert after(SENT, AnswerLost("silence", LATER), verdict).status is OrderStatus.NEVER_ARRIVED


def test_a_denied_order_never_moves_again() -> None:
    order = after(Denied("guard.read_only", "read-only", LATER))
    assert after(SENT, reported(OrderStatus.WORKING), executed("a", 10, 10), start=order).status is OrderStatus.DENIED


def test_commissions_add_up_and_count_once_each() -> None:
    first = Commissioned("a", Decimal("1.05"), "USD", None, LATER)
    second = Commissioned("b", Decimal("0.30"), "USD", None, LATER)
    order = after(SENT, executed("a", 4, 4), first, first, executed("b", 2, 6), second)
    assert (order.commission, order.commission_currency) == (Decimal("1.35"), "USD")


def test_confirmed_new_terms_replace_the_old() -> None:
    order = after(SENT, Changed(replace(TERMS, limit=Decimal(151)), LATER))
    assert order.terms.limit == 151


def test_a_second_permanent_id_is_kept_beside_the_first() -> None:
    fork = BrokerIds(order_id=8, perm_id=100, client_id=42, reference="R")
    assert [theirs.perm_id for theirs in with_broker(KNOWN, fork)] == [99, 100]


def test_what_the_broker_adds_to_an_id_is_merged() -> None:
    sent = with_broker((), BrokerIds(order_id=7, client_id=42, reference="R"))
    assert with_broker(sent, BrokerIds(order_id=7, perm_id=99, client_id=42)) == KNOWN


def test_a_correction_replaces_what_it_corrects() -> None:
    filled = after(SENT, reported(OrderStatus.FILLED, 10), executed("ab.1.01", 10, 10))
    corrected = replace(executed("ab.1.02", 8, 8), price=Decimal("149.5"))
    order = after(corrected, start=filled)
    assert (order.filled_qty, order.executed_qty, order.avg_fill_price) == (8, 8, Decimal("149.5"))
    assert [fill.exec_id for fill in order.fills] == ["ab.1.02"]
    assert after(executed("ab.1.01", 10, 10), corrected, start=order) == order


def test_a_correction_of_one_fill_leaves_the_others() -> None:
    start = after(SENT, executed("a.01", 4, 4), executed("b.01", 6, 10))
    order = after(replace(executed("a.02", 3, 3), price=Decimal(160)), start=start)
    assert (order.filled_qty, order.avg_fill_price) == (9, Decimal("153.33333333"))


def test_a_total_that_was_told_before_its_correction_is_not_counted_twice() -> None:
    start = after(SENT, executed("a.01", 4, 4), reported(OrderStatus.WORKING, 5))
    assert after(executed("a.02", 5, 5), start=start).filled_qty == 5


def test_the_last_report_lowers_a_total_that_was_told_before_a_correction() -> None:
    start = after(SENT, executed("a.02", 97, 100), executed("b.01", 600, 700))
    assert start.filled_qty == 700
    assert after(reported(OrderStatus.WORKING, 697), start=start).filled_qty == 700
    assert after(reported(OrderStatus.CANCELLED, 697), start=start).filled_qty == 697


def test_the_commission_of_a_correction_replaces_the_earlier_one() -> None:
    first, second = (Commissioned(f"a.0{number}", Decimal(number), "USD", None, LATER) for number in (1, 2))
    order = after(SENT, executed("a.01", 4, 4), first, executed("a.02", 5, 5))
    assert order.commission == 1
    assert after(second, start=order).commission == 2


FORK = BrokerIds(order_id=7, perm_id=100, client_id=42, reference="R")


def forked(*events: OrderEvent) -> Order:
    working = after(SENT, reported(OrderStatus.WORKING))
    return after(replace(reported(OrderStatus.WORKING), broker=FORK), *events, start=working)


def test_a_fork_is_shown_and_all_but_one_of_its_orders_are_too_many() -> None:
    order = forked()
    assert [theirs.perm_id for theirs in order.broker] == [99, 100]
    assert [theirs.perm_id for theirs in order.surplus] == [100]


def test_a_forked_order_lives_while_one_of_its_orders_does() -> None:
    order = forked(replace(reported(OrderStatus.CANCELLED), broker=FORK))
    assert (order.status, order.surplus) == (OrderStatus.WORKING, ())
    assert after(reported(OrderStatus.CANCELLED), start=order).status is OrderStatus.CANCELLED


def test_of_a_forked_order_that_is_to_end_all_must_go() -> None:
    order = forked(CancelRequested(LATER))
    assert [theirs.perm_id for theirs in order.surplus] == [100, 99]
    order = after(replace(reported(OrderStatus.CANCELLED), broker=FORK), start=order)
    assert [theirs.perm_id for theirs in order.surplus] == [99]


def test_an_order_found_alive_after_its_twin_was_cancelled_is_too_much() -> None:
    cancelled = after(SENT, reported(OrderStatus.WORKING), reported(OrderStatus.CANCELLED))
    order = after(replace(reported(OrderStatus.WORKING), broker=FORK), start=cancelled)
    assert order.status is OrderStatus.CANCELLED
    assert [theirs.perm_id for theirs in order.surplus] == [100]


def test_fills_of_both_orders_of_a_fork_add_up() -> None:
    order = forked(executed("a", 10, 10), replace(executed("b", 4, 4), broker=FORK))
    assert (order.filled_qty, order.remaining_qty, order.status) == (14, 0, OrderStatus.PARTIALLY_FILLED)
    ended = replace(reported(OrderStatus.CANCELLED, 4), broker=FORK)
    assert after(reported(OrderStatus.FILLED, 10), ended, start=order).status is OrderStatus.FILLED


def test_an_unknown_order_has_a_deadline_until_its_fate_is_known() -> None:
    order = after(SENT, AnswerLost("silence", LATER, LATER + timedelta(minutes=1)))
    assert order.deadline == LATER + timedelta(minutes=1)
    assert after(reported(OrderStatus.WORKING), start=order).deadline is None


EVENTS = st.one_of(
    st.just(SENT),
    st.sampled_from(OrderStatus).map(reported),
    st.integers(1, 10).map(lambda qty: executed(f"e{qty}", 1, qty)),
    st.just(AnswerLost("silence", LATER)),
    st.just(CancelRequested(LATER)),
    st.just(Warned(399, "text", LATER)),
    st.just(Denied("x", "y", LATER)),
)


@given(st.lists(EVENTS, max_size=12))
def test_no_history_makes_an_illegal_move_or_loses_a_fill(history: list[OrderEvent]) -> None:
    order = received()
    for event in history:
        changed = apply(order, event)
        assert changed.status is order.status or changed.status in LEGAL[order.status]
        assert changed.filled_qty >= order.filled_qty
        assert {fill.exec_id for fill in order.fills} <= {fill.exec_id for fill in changed.fills}
        order = changed


@given(st.lists(EVENTS, max_size=12))
def test_saying_everything_twice_changes_nothing(history: list[OrderEvent]) -> None:
    facts = [event for event in history if isinstance(event, Executed)]
    once = after(SENT, *facts)
    assert after(*facts, start=once) == once
