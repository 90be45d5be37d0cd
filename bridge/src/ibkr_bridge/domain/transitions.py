"""The order's state machine: which moves are legal, and how each event changes an order. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import singledispatch

from ibkr_bridge.domain.events import (
    AnswerLost,
    CancelRequested,
    Changed,
    ChangeRefused,
    ChangeRequested,
    Commissioned,
    Denied,
    Established,
    Executed,
    OrderEvent,
    Received,
    Reported,
    Sent,
    Warned,
)
from ibkr_bridge.domain.order import BrokerIds, Evidence, Order, OrderStatus

S = OrderStatus

_BROKER = frozenset(
    {S.WORKING, S.PARTIALLY_FILLED, S.FILLED, S.PENDING_CANCEL, S.CANCELLED, S.REJECTED, S.EXPIRED, S.UNKNOWN}
)
"""Where the broker's word can lead an order of which a byte may have left."""

LEGAL: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    S.RECEIVED: frozenset({S.DENIED, S.AWAITING_ANSWER, S.SENT}) | _BROKER,
    S.AWAITING_ANSWER: frozenset({S.CANCELLED, S.SENT}),
    S.SENT: _BROKER,
    S.WORKING: _BROKER - {S.WORKING},
    S.PARTIALLY_FILLED: _BROKER - {S.WORKING, S.REJECTED},
    S.PENDING_CANCEL: _BROKER - {S.PENDING_CANCEL},
    S.UNKNOWN: _BROKER | {S.NEVER_ARRIVED},
    S.NEVER_ARRIVED: _BROKER,  # the broker may still prove us wrong, and then it is right
    S.DENIED: frozenset(),
    S.FILLED: frozenset(),
    S.CANCELLED: frozenset({S.FILLED, S.PARTIALLY_FILLED}),  # a fill can cross a cancel on the wire
    S.REJECTED: frozenset({S.FILLED, S.PARTIALLY_FILLED}),
    S.EXPIRED: frozenset({S.FILLED, S.PARTIALLY_FILLED}),
}


def move(order: Order, status: OrderStatus) -> Order:
    """The order in that state if the move is legal, else as it was: late and repeated reports change nothing."""
    return replace(order, status=status) if status in LEGAL[order.status] else order


def apply(order: Order, event: OrderEvent) -> Order:
    """The order after the event; the same object when the event says nothing new."""
    changed = _fold(event, order)
    return order if changed == order else replace(changed, updated_at=event.at)


@singledispatch
def _fold(event: object, _order: Order) -> Order:
    raise TypeError(f"no rule for {type(event).__name__}")


@_fold.register
def _(event: Received, _order: Order) -> Order:
    return event.order


@_fold.register
def _(event: Denied, order: Order) -> Order:
    return replace(move(order, S.DENIED), reason=event.reason)


@_fold.register
def _(event: Sent, order: Order) -> Order:
    return replace(move(order, S.SENT), broker=with_broker(order.broker, event.broker))


@_fold.register
def _(event: Reported, order: Order) -> Order:
    known = replace(order, broker=with_broker(order.broker, event.broker))
    if event.filled_qty > known.filled_qty:
        known = replace(known, filled_qty=event.filled_qty, avg_fill_price=event.avg_fill_price)
    moved = move(known, _with_fills(event.status, known))
    if moved.status is order.status:
        return known
    return replace(moved, reason=event.reason or moved.reason, reason_code=event.reason_code or moved.reason_code)


@_fold.register
def _(event: Executed, order: Order) -> Order:
    if event.exec_id in order.executions:
        return order
    counted = _count_fill(order, event)
    status = S.FILLED if counted.remaining_qty <= 0 else S.PARTIALLY_FILLED
    if order.status in (S.PENDING_CANCEL, S.CANCELLED, S.EXPIRED, S.REJECTED) and status is S.PARTIALLY_FILLED:
        return counted
    return move(counted, status)


@_fold.register
def _(event: Commissioned, order: Order) -> Order:
    if event.exec_id in order.commissioned:
        return order
    return replace(
        order,
        commission=(order.commission or Decimal(0)) + event.amount,
        commission_currency=event.currency,
        commissioned=(*order.commissioned, event.exec_id),
    )


@_fold.register
def _(event: Warned, order: Order) -> Order:
    """A message moves nothing; it may say why the order ended, before or after the broker's report does."""
    if order.status in (S.REJECTED, S.CANCELLED) and order.reason is None:
        return replace(order, reason=event.text, reason_code=event.code)
    return order


@_fold.register(ChangeRequested)
@_fold.register(ChangeRefused)
def _(_event: object, order: Order) -> Order:
    return order


@_fold.register
def _(event: Changed, order: Order) -> Order:
    return replace(order, terms=event.terms)


@_fold.register
def _(_event: CancelRequested, order: Order) -> Order:
    """Of an order that may not have arrived, a wish to cancel it makes nothing more certain."""
    return move(order, S.PENDING_CANCEL) if order.status in (S.WORKING, S.PARTIALLY_FILLED) else order


@_fold.register
def _(event: AnswerLost, order: Order) -> Order:
    return replace(move(order, S.UNKNOWN), evidence=(*order.evidence, Evidence(event.at, event.text)))


@_fold.register
def _(event: Established, order: Order) -> Order:
    moved = move(order, event.status)
    if event.filled_qty is not None and event.filled_qty > moved.filled_qty:
        moved = replace(moved, filled_qty=event.filled_qty, avg_fill_price=event.avg_fill_price)
    return replace(
        moved,
        evidence=(*order.evidence, Evidence(event.at, event.text)),
        reason=event.reason or order.reason,
        reason_code=event.reason_code or order.reason_code,
    )


def with_broker(known: tuple[BrokerIds, ...], news: BrokerIds) -> tuple[BrokerIds, ...]:
    """Fold the broker's names in: the same order under a number it did not have yet, or a further one (a fork)."""
    if not known:
        return (news,)
    for index, ids in enumerate(known):
        if _same(ids, news):
            merged = BrokerIds(
                order_id=news.order_id or ids.order_id,
                perm_id=news.perm_id or ids.perm_id,
                client_id=news.client_id or ids.client_id,
                reference=news.reference or ids.reference,
            )
            return (*known[:index], merged, *known[index + 1 :])
    return (*known, news)


def _same(one: BrokerIds, other: BrokerIds) -> bool:
    if one.perm_id and other.perm_id:
        return one.perm_id == other.perm_id
    if one.order_id and other.order_id:
        return one.order_id == other.order_id
    return True


def _with_fills(status: OrderStatus, order: Order) -> OrderStatus:
    """The broker says "working" also of an order that has filled in part."""
    if status is S.WORKING and order.filled_qty > 0:
        return S.PARTIALLY_FILLED
    return status


def _count_fill(order: Order, event: Executed) -> Order:
    order = replace(order, executed_qty=order.executed_qty + event.qty)
    counted = (*order.executions, event.exec_id)
    if event.cum_qty > order.filled_qty:  # a report may have told the total before the fill itself arrived
        order = replace(order, filled_qty=event.cum_qty, avg_fill_price=event.avg_price)
    return replace(order, executions=counted)
