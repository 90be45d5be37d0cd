"""Deliberately broken services: each must make the books complain, or the books are no judge."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from faults.luck import lottery
from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.domain.events import Established, Executed, OrderUpdate, Received
from ibkr_bridge.domain.identity import reference
from ibkr_bridge.domain.order import BrokerIds, Order, OrderStatus
from ibkr_bridge.domain.session import SessionState
from ibkr_bridge.engine.inquiries import Absence
from ibkr_bridge.engine.topics import ORDERS
from ibkr_bridge.ports.journal import Bound
from ibkr_bridge.ports.upstream import BrokerState, OrderMessage, UpstreamEvent
from ibkr_bridge.runtime.compose import House


def resend_on_timeout(house: House) -> None:
    """No word in time: send it again."""
    sending, upstream = house.machine._sending, _upstream(house)
    lost = sending._lost

    async def send(order: Order) -> None:
        with suppress(BridgeError):
            await upstream.place(order, reference(order.id, attempt=2), sending._questions.decide(order))

    def again(order_id: str, what: str) -> None:
        order = sending._book.get(order_id)
        if order is not None and what.startswith("sent"):
            sending._tasks.add(asyncio.get_running_loop().create_task(send(order)))
        lost(order_id, what)

    _put(sending, "_lost", again)


def commit_after_send(house: House) -> None:
    """The order leaves before its intent is kept."""
    sending, upstream, journal = house.machine._sending, _upstream(house), house.journal
    append = journal.append

    async def slowly(entries: Any) -> int:
        for entry in entries:
            if isinstance(entry.event, Received):
                with suppress(BridgeError):
                    decide = sending._questions.decide(entry.order)
                    await upstream.place(entry.order, reference(entry.order.id), decide)
        await asyncio.sleep(0.2)  # the disk takes its time, and a crash may come first
        return await append(entries)

    async def already(_order: Order, sent: str, _decide: object) -> BrokerIds:
        return BrokerIds(reference=sent)

    _put(journal, "append", slowly)
    _put(sending, "_upstream", _Replaced(upstream, place=already))


def bound_too_late(house: House) -> None:
    """A client order id is remembered only once the order has been answered."""
    orders = house.machine.engine.orders
    book = orders._book
    bind = book.bind

    def later(order: Order, body: str) -> None:
        asyncio.get_running_loop().call_later(2.0, bind, order, body)

    async def nobody(_account: str, _client_order_id: str) -> Bound | None:
        return None

    _put(book, "bind", later)
    _put(house.journal, "bound", nobody)


def fills_dropped_while_the_link_is_lost(house: House) -> None:
    """What fills behind a lost link is thrown away, and never asked for."""

    def deaf(event: UpstreamEvent) -> bool:
        session = house.machine.engine.sessions.current
        return isinstance(event, Executed) and session.state is not SessionState.READY

    _filter(house, deaf)
    _state(house, lambda state: replace(state, executions=()))


def completed_orders_forgotten(house: House) -> None:
    """Only open orders are looked at: what has filled or was cancelled meanwhile seems never to have been."""
    _state(house, lambda state: replace(state, completed=(), executions=()))


def warning_moves_state(house: House) -> None:
    """Any message about an order is taken for its end."""
    reports = house.machine._reports
    message = reports.message

    def cancelled(event: OrderMessage) -> None:
        order = reports._book.named(event.broker)
        if order is not None:
            verdict = Established(OrderStatus.CANCELLED, event.message.text, event.message.at)
            reports._recorder.record(order.id, verdict)
        message(event)

    _put(reports, "message", cancelled)
    _rehear(house, OrderMessage, cancelled)


def timeout_is_a_failure(house: House) -> None:
    """No word in time: tell the world that it was rejected."""
    sending = house.machine._sending
    lost = sending._lost

    def rejected(order_id: str, what: str) -> None:
        lost(order_id, what)
        sending._recorder.record(order_id, Established(OrderStatus.REJECTED, what, sending._clock.now()))

    _put(sending, "_lost", rejected)


def duplicate_execution_delivered(house: House) -> None:
    """Fills that are told again after a reconnection are delivered again."""
    reports = house.machine._reports
    executed = reports.executed

    def again(event: Executed) -> None:
        executed(event)
        order = reports._book.named(event.broker)
        if order is not None:
            house.hub.publish(ORDERS, OrderUpdate(0, event, order))

    _put(reports, "executed", again)
    _rehear(house, Executed, again)


def unfinished_orders_forgotten(house: House) -> None:
    """After a restart nobody remembers what was under way."""

    async def nothing() -> list[Order]:
        return []

    _put(house.journal, "unfinished", nothing)


def one_look_is_enough(house: House) -> None:
    """A single look, even one that came in pieces, decides that an order never arrived."""
    inquiries = house.machine._inquiries

    def enough(_order: Order, _absence: Absence) -> bool:
        return True

    _put(inquiries, "_enough", enough)
    _state(house, lambda state: replace(state, open=(), completed=(), executions=(), complete=True))


def snapshot_trusted_when_cut_short(house: House) -> None:
    """The open orders did not come; the rest is taken for the whole."""
    _state(house, lambda state: replace(state, open=(), complete=True))


def stream_numbers_begin_anew(house: House) -> None:
    """Every life of the service counts its messages from one."""
    publish, count = house.hub.publish, itertools.count(1)

    def renumbered(topic: str, message: object) -> None:
        publish(topic, replace(message, seq=next(count)) if isinstance(message, OrderUpdate) else message)

    _put(house.hub, "publish", renumbered)


def told_before_it_is_kept(house: House) -> None:
    """Listeners hear of it while the disk still writes; a crash between the two, and it never was."""
    recorder = house.machine._recorder
    record, count = recorder.record, itertools.count(1)

    def at_once(order_id: str, event: Any) -> asyncio.Future[int]:
        if isinstance(event, Executed) and (order := recorder._book.get(order_id)) is not None:
            house.hub.publish(ORDERS, OrderUpdate(next(count), event, order))
        return record(order_id, event)

    _put(recorder, "record", at_once)


def body_not_compared(house: House) -> None:
    """Whoever names a known id gets its order, whatever he asked for."""
    orders = house.machine.engine.orders
    again = orders._again

    async def whatever(bound: Bound, _body: str) -> Any:
        return await again(bound, bound.fingerprint)

    _put(orders, "_again", whatever)


def correction_ignored(house: House) -> None:
    """What IBKR has corrected stays as it was first told."""

    def late(event: UpstreamEvent) -> bool:
        return isinstance(event, Executed) and not event.exec_id.endswith(".01")

    _filter(house, late)
    _state(house, lambda state: replace(state, executions=[one for one in state.executions if not late(one)]))


def fork_ignored(house: House) -> None:
    """A change has left two orders at the broker, and nobody stops the one too many."""
    machine: Any = house.machine
    _put(machine._forks, "look_at", lambda _order_id: None)


def change_as_a_new_order(house: House) -> None:
    """A change is sent under a new order id: two orders live."""
    sending, upstream = house.machine._sending, _upstream(house)

    async def modify(order: Order, terms: Any, decide: Any) -> None:
        await upstream.place(replace(order, terms=terms), reference(order.id), decide)

    _put(sending, "_upstream", _Replaced(upstream, modify=modify))


_BUGS: Mapping[str, Callable[[House], None]] = {
    bug.__name__: bug
    for bug in (
        resend_on_timeout,
        commit_after_send,
        bound_too_late,
        fills_dropped_while_the_link_is_lost,
        completed_orders_forgotten,
        warning_moves_state,
        timeout_is_a_failure,
        duplicate_execution_delivered,
        unfinished_orders_forgotten,
        one_look_is_enough,
        snapshot_trusted_when_cut_short,
        change_as_a_new_order,
        fork_ignored,
        correction_ignored,
        stream_numbers_begin_anew,
        told_before_it_is_kept,
        body_not_compared,
    )
}
_SHOWN_BY: Mapping[str, str] = {
    fork_ignored.__name__: "modify_forks",
    correction_ignored.__name__: "corrected_execution",
}
"""Bugs that only one kind of bad day can show."""


def planted() -> Mapping[str, Callable[[House], None]]:
    """The bugs by name; without those whose bad day is not in the lottery."""
    drawn = {day.name for day in lottery()}
    return {name: bug for name, bug in _BUGS.items() if _SHOWN_BY.get(name, "cut") in drawn}


def _upstream(house: House) -> Any:
    return house.machine._upstream


def _put(target: object, name: str, value: object) -> None:
    setattr(target, name, value)


class _Replaced:
    """Another object with some of its methods exchanged, for one holder only."""

    def __init__(self, real: object, **methods: object) -> None:
        self._real = real
        self.__dict__.update(methods)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def _state(house: House, change: Callable[[BrokerState], BrokerState]) -> None:
    upstream = _upstream(house)
    ask = upstream.broker_state

    async def changed() -> BrokerState:
        return change(await ask())

    _put(upstream, "broker_state", changed)


def _filter(house: House, deaf: Callable[[UpstreamEvent], bool]) -> None:
    hear = house.machine.hear

    def some(event: UpstreamEvent) -> None:
        if not deaf(event):
            hear(event)

    _put(house.machine, "hear", some)


def _rehear(house: House, kind: type, heard: Callable[..., None]) -> None:
    house.machine._hear[kind] = heard
