"""The books at the end: what the broker really did, what the journal says, and what each caller was told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from faults.world import Outcome
from ibkr_bridge.domain.identity import order_of
from ibkr_bridge.domain.order import Order, OrderStatus
from ibkr_sim.exchange.model import Order as BrokerOrder
from ibkr_sim.exchange.model import Status

_HONEST = {OrderStatus.UNKNOWN}
_NOWHERE = {OrderStatus.DENIED, OrderStatus.NEVER_ARRIVED, OrderStatus.REJECTED, *_HONEST}
_AGREES = {
    Status.PRE_SUBMITTED: {OrderStatus.WORKING, OrderStatus.PARTIALLY_FILLED},
    Status.SUBMITTED: {OrderStatus.WORKING, OrderStatus.PARTIALLY_FILLED},
    Status.PENDING_CANCEL: {OrderStatus.PENDING_CANCEL},
    Status.CANCELLED: {OrderStatus.CANCELLED},
    Status.FILLED: {OrderStatus.FILLED},
    Status.INACTIVE: {OrderStatus.REJECTED},
}


def complaints(outcome: Outcome) -> list[str]:
    """Every way in which the books do not balance; none is what we want."""
    return [*_orders(outcome), *_fills(outcome), *_callers(outcome)]


def _at_broker(outcome: Outcome) -> list[BrokerOrder]:
    exchange = outcome.simulator.exchange
    return [*exchange.open_orders(), *exchange.completed_orders()]


def _orders(outcome: Outcome) -> Iterator[str]:
    ours = {order.id: order for order in outcome.orders}
    placed = Counter(order_of(order.request.order_ref) or "?" for order in _at_broker(outcome))
    for order_id, count in placed.items():
        if order_id not in ours:
            yield f"lost: the broker holds {order_id}, which the journal does not know"
        elif count > 1:
            yield f"doubled: the broker holds {count} orders for {order_id}"
    theirs = {order_of(order.request.order_ref): order for order in _at_broker(outcome)}
    for order in outcome.orders:
        yield from _disagreement(order, theirs.get(order.id))


def _disagreement(order: Order, theirs: BrokerOrder | None) -> Iterator[str]:
    if theirs is None:
        if order.status not in _NOWHERE:
            yield f"false: {order.id} is {order.status}, and the broker has no such order"
        return
    if order.status not in _AGREES[theirs.status] | _HONEST:
        yield f"false: {order.id} is {order.status}, and the broker says {theirs.status}"
    if order.status not in _HONEST and order.filled_qty != theirs.filled:
        yield f"false: {order.id} has {order.filled_qty} filled, and the broker says {theirs.filled}"
    if order.status is OrderStatus.UNKNOWN:
        yield f"unresolved: {order.id} is unknown although the broker says {theirs.status}"


def _fills(outcome: Outcome) -> Iterator[str]:
    really = {execution.exec_id for execution, _commission in outcome.simulator.exchange.executions()}
    delivered = Counter(fill.exec_id for fill in outcome.delivered)
    for exec_id in sorted(really - set(delivered)):
        yield f"lost: the fill {exec_id} was never delivered"
    for exec_id, count in delivered.items():
        if exec_id not in really:
            yield f"false: the fill {exec_id} never happened"
        elif count > 1:
            yield f"doubled: the fill {exec_id} was delivered {count} times"


def _callers(outcome: Outcome) -> Iterator[str]:
    ours = {order.id: order for order in outcome.orders}
    by_client = Counter(order.client_order_id for order in outcome.orders if order.status is not OrderStatus.DENIED)
    for client_order_id, told in outcome.told.items():
        if len(told.order_ids) > 1:
            yield f"false: {client_order_id} was told of {len(told.order_ids)} orders"
        for order_id in told.order_ids - set(ours):
            yield f"lost: {client_order_id} was told of {order_id}, which the journal does not know"
        if by_client[client_order_id] > 1:
            yield f"doubled: the journal has {by_client[client_order_id]} orders for {client_order_id}"
        refused = told.answers and all(answer is not None and answer[0] in (422, 503) for answer in told.answers)
        if refused and not told.order_ids and by_client[client_order_id]:
            yield f"false: {client_order_id} was told of a failure, and there is an order"
