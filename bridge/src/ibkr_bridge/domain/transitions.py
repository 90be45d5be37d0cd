"""The order's state machine: which moves are legal, and how each event changes an order. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import singledispatch

from ibkr_bridge.domain.events import (
    Answered,
    Answerer,
    AnswerLost,
    Asked,
    CancelRequested,
    Changed,
    ChangeRefused,
    ChangeRequested,
    Commissioned,
    Denied,
    Established,
    Executed,
    Forked,
    OrderEvent,
    Received,
    Reported,
    Sent,
    Warned,
)
from ibkr_bridge.domain.fills import average, charged, counted, shown_by
from ibkr_bridge.domain.order import BrokerIds, BrokerOrder, Evidence, Order, OrderStatus

S = OrderStatus

_BROKER = frozenset(
    {S.WORKING, S.PARTIALLY_FILLED, S.FILLED, S.PENDING_CANCEL, S.CANCELLED, S.REJECTED, S.EXPIRED, S.UNKNOWN}
)
"""Where the broker's word can lead an order of which a byte may have left."""

LEGAL: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    S.RECEIVED: frozenset({S.DENIED, S.AWAITING_ANSWER, S.SENT}) | _BROKER,
    S.AWAITING_ANSWER: frozenset({S.CANCELLED, S.SENT}) | _BROKER,  # a question declined too late is an order
    S.SENT: frozenset({S.AWAITING_ANSWER}) | _BROKER,
    S.WORKING: _BROKER - {S.WORKING},
    S.PARTIALLY_FILLED: _BROKER - {S.WORKING, S.REJECTED},
    S.PENDING_CANCEL: _BROKER - {S.PENDING_CANCEL},
    S.UNKNOWN: _BROKER | {S.NEVER_ARRIVED, S.AWAITING_ANSWER},
    S.NEVER_ARRIVED: _BROKER,  # the broker may still prove us wrong, and then it is right
    S.DENIED: frozenset(),
    S.FILLED: frozenset(),
    S.CANCELLED: frozenset({S.FILLED, S.PARTIALLY_FILLED}),  # a fill can cross a cancel on the wire
    S.REJECTED: frozenset({S.FILLED, S.PARTIALLY_FILLED}),
    S.EXPIRED: frozenset({S.FILLED, S.PARTIALLY_FILLED}),
}


def move(order: Order, status: OrderStatus) -> Order:
    """The order in that state if the move is legal, else as it was: late and repeated reports change nothing."""
    return replace(order, status=status, deadline=None, questions=()) if status in LEGAL[order.status] else order


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
    known = _told(order, event)
    moved = move(known, _with_fills(_together(event.status, known.broker), known))
    if moved.status is order.status:
        return known
    return replace(moved, reason=event.reason or moved.reason, reason_code=event.reason_code or moved.reason_code)


@_fold.register
def _(event: Executed, order: Order) -> Order:
    shown = counted(replace(order, broker=with_broker(order.broker, event.broker)), event)
    if shown.fills == order.fills:
        return order
    if not shown.filled_qty:  # a leg of a combo, ahead of the others
        return shown
    # Of a fork, one may fill what the terms of the other ask for: as long as one lives, it has not ended.
    forked = len(shown.broker) > 1 and shown.live_at_broker
    status = S.FILLED if shown.remaining_qty <= 0 and not forked else S.PARTIALLY_FILLED
    if order.status in (S.PENDING_CANCEL, S.CANCELLED, S.EXPIRED, S.REJECTED) and status is S.PARTIALLY_FILLED:
        return shown
    return move(shown, status)


@_fold.register
def _(event: Commissioned, order: Order) -> Order:
    return charged(order, event)


@_fold.register
def _(event: Warned, order: Order) -> Order:
    """A message moves nothing; it may say why the order ended, before or after the broker's report does."""
    if order.status in (S.REJECTED, S.CANCELLED) and order.reason is None:
        return replace(order, reason=event.text, reason_code=event.code)
    return order


@_fold.register(Forked)
@_fold.register(ChangeRefused)
def _(_event: object, order: Order) -> Order:
    return order


@_fold.register
def _(_event: ChangeRequested, order: Order) -> Order:
    """Who changes an order wants it to live: an earlier wish to cancel, which the broker refused, is over."""
    return replace(order, cancel_requested=False)


@_fold.register
def _(event: Changed, order: Order) -> Order:
    return replace(order, terms=event.terms)


@_fold.register
def _(_event: CancelRequested, order: Order) -> Order:
    """Of an order that may not have arrived, a wish to cancel it makes nothing more certain."""
    wanted = replace(order, cancel_requested=True)
    return move(wanted, S.PENDING_CANCEL) if order.status in (S.WORKING, S.PARTIALLY_FILLED) else wanted


@_fold.register
def _(event: AnswerLost, order: Order) -> Order:
    lost = replace(move(order, S.UNKNOWN), evidence=(*order.evidence, Evidence(event.at, event.text)))
    return replace(lost, deadline=event.deadline) if lost.status is S.UNKNOWN and event.deadline else lost


@_fold.register
def _(event: Asked, order: Order) -> Order:
    asked = move(order, S.AWAITING_ANSWER)
    if asked.status is not S.AWAITING_ANSWER:
        return order
    return replace(asked, questions=event.questions, deadline=event.until, attempt=order.attempt + 1)


@_fold.register
def _(event: Answered, order: Order) -> Order:
    """A no ends the order; with a caller's yes it is put to the broker anew, from then on a byte may have left."""
    if event.by is Answerer.POLICY or order.status is not S.AWAITING_ANSWER:
        return order
    if event.confirmed:
        names = dict.fromkeys((*order.confirmed, *event.question.ids))
        return replace(move(order, S.SENT), confirmed=tuple(names))
    why = "nobody answered IBKR's question in time" if event.by is Answerer.TIME else "IBKR's question was declined"
    return replace(move(order, S.CANCELLED), reason=f"{why}: {event.question.text}")


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


def with_broker(known: tuple[BrokerOrder, ...], news: BrokerIds) -> tuple[BrokerOrder, ...]:
    """Fold the broker's names in: the same order under a number it did not have yet, or a further one (a fork)."""
    index = _place(known, news)
    if index == len(known):
        return (*known, BrokerOrder(news.order_id, news.perm_id, news.client_id, news.reference))
    theirs = known[index]
    merged = replace(
        theirs,
        order_id=news.order_id or theirs.order_id,
        perm_id=news.perm_id or theirs.perm_id,
        client_id=news.client_id or theirs.client_id,
        reference=news.reference or theirs.reference,
    )
    return (*known[:index], merged, *known[index + 1 :])


def _place(known: tuple[BrokerOrder, ...], news: BrokerIds) -> int:
    """Which of them goes by these names; one past the end when none does."""
    return next((index for index, theirs in enumerate(known) if _same(theirs, news)), len(known))


def _same(one: BrokerOrder, other: BrokerIds) -> bool:
    if one.perm_id and other.perm_id:
        return one.perm_id == other.perm_id
    if one.order_id and other.order_id:
        return one.order_id == other.order_id
    return True


def _told(order: Order, event: Reported) -> Order:
    """The order with what the broker says of one of the orders behind it.

    A total only grows by a report, but for the last one: where it says what the fills say, a fill had been corrected.
    """
    index = _place(order.broker, event.broker)
    broker = with_broker(order.broker, event.broker)
    before = broker[index]
    shown = any(fill.perm_id == before.perm_id for fill in order.own_fills)
    last = event.status.terminal and shown and event.filled_qty == shown_by(order, before.perm_id)
    theirs = replace(
        before,
        status=_later(before.status, event.status),
        filled_qty=event.filled_qty if last else max(before.filled_qty, event.filled_qty),
    )
    known = replace(order, broker=(*broker[:index], theirs, *broker[index + 1 :]))
    total = sum((theirs.filled_qty for theirs in known.broker), Decimal(0))
    if total == order.filled_qty or (total < order.filled_qty and not last):
        return known
    whole = total == known.executed_qty or len(broker) > 1
    price = average(known) or event.avg_fill_price if whole else event.avg_fill_price
    return replace(known, filled_qty=total, avg_fill_price=price)


def _later(known: OrderStatus | None, told: OrderStatus) -> OrderStatus:
    """An order at the broker that has ended stays so: reports overtake each other."""
    return known if known is not None and known.terminal else told


def _together(told: OrderStatus, broker: tuple[BrokerOrder, ...]) -> OrderStatus:
    """What the orders of a fork are as one: as long as any lives, ours does."""
    if len(broker) < 2:
        return told
    newest_live = next((theirs.status for theirs in reversed(broker) if theirs.live), None)
    if newest_live is not None:
        return newest_live
    ends = [theirs.status for theirs in broker]
    return S.FILLED if S.FILLED in ends else told


def _with_fills(status: OrderStatus, order: Order) -> OrderStatus:
    """The broker says "working" also of an order that has filled in part."""
    if status is S.WORKING and order.filled_qty > 0:
        return S.PARTIALLY_FILLED
    return status
