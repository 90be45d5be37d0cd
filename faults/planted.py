"""Deliberately broken services: each must make the books complain, or the books are no judge."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from faults.doors import Door
from faults.planted_webapi import BUGS
from faults.planting import Bug, Replaced, drop, put, rehear, state, upstream
from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.domain.events import Established, Executed, OrderUpdate, Received
from ibkr_bridge.domain.identity import reference
from ibkr_bridge.domain.order import BrokerIds, Order, OrderStatus
from ibkr_bridge.domain.session import SessionState
from ibkr_bridge.engine.orders.inquiries import Absence
from ibkr_bridge.engine.topics import ORDERS
from ibkr_bridge.ports.journal import Bound
from ibkr_bridge.ports.upstream import OrderMessage, UpstreamEvent
from ibkr_bridge.runtime.compose import House


def freely() -> None:
    """Nobody looks at the kill switch again."""


def resend_on_timeout(house: House) -> None:
    """No word in time: send it again."""
    sending, door = house.machine._sending, upstream(house)
    lost = sending._lost

    async def send(order: Order) -> None:
        with suppress(BridgeError):
            await door.place(order, reference(order.id, attempt=2), sending._questions.decide(order), freely)

    def again(order_id: str, what: str) -> None:
        order = sending._book.get(order_id)
        if order is not None and what.startswith("sent"):
            sending._tasks.add(asyncio.get_running_loop().create_task(send(order)))
        lost(order_id, what)

    put(sending, "_lost", again)


def commit_after_send(house: House) -> None:
    """The order leaves before its intent is kept."""
    sending, door, journal = house.machine._sending, upstream(house), house.journal
    append = journal.append

    async def slowly(entries: Any) -> int:
        for entry in entries:
            if isinstance(entry.event, Received):
                with suppress(BridgeError):
                    decide = sending._questions.decide(entry.order)
                    await door.place(entry.order, reference(entry.order.id), decide, freely)
        await asyncio.sleep(0.2)  # the disk takes its time, and a crash may come first
        return await append(entries)

    async def already(_order: Order, sent: str, _decide: object, _permit: object) -> BrokerIds:
        return BrokerIds(reference=sent)

    put(journal, "append", slowly)
    put(sending, "_upstream", Replaced(door, place=already))


def bound_too_late(house: House) -> None:
    """A client order id is remembered only once the order has been answered."""
    orders = house.machine.engine.orders
    book = orders._book
    bind = book.bind

    def later(order: Order, body: str) -> None:
        asyncio.get_running_loop().call_later(2.0, bind, order, body)

    async def nobody(_account: str, _client_order_id: str) -> Bound | None:
        return None

    put(book, "bind", later)
    put(house.journal, "bound", nobody)


def fills_dropped_while_the_link_is_lost(house: House) -> None:
    """What fills behind a lost link is thrown away, and never asked for."""

    def deaf(event: UpstreamEvent) -> bool:
        session = house.machine.engine.sessions.current
        return isinstance(event, Executed) and session.state is not SessionState.READY

    drop(house, deaf)
    state(house, lambda state: replace(state, executions=()))


def completed_orders_forgotten(house: House) -> None:
    """Only open orders are looked at: what has filled or was cancelled meanwhile seems never to have been."""
    state(house, lambda state: replace(state, completed=(), executions=()))


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

    put(reports, "message", cancelled)
    rehear(house, OrderMessage, cancelled)


def timeout_is_a_failure(house: House) -> None:
    """No word in time: tell the world that it was rejected."""
    sending = house.machine._sending
    lost = sending._lost

    def rejected(order_id: str, what: str) -> None:
        lost(order_id, what)
        sending._recorder.record(order_id, Established(OrderStatus.REJECTED, what, sending._clock.now()))

    put(sending, "_lost", rejected)


def duplicate_execution_delivered(house: House) -> None:
    """Fills that are told again after a reconnection are delivered again."""
    reports = house.machine._reports
    executed = reports.executed

    def again(event: Executed) -> None:
        executed(event)
        order = reports._book.named(event.broker)
        if order is not None:
            house.hub.publish(ORDERS, OrderUpdate(0, event, order))

    put(reports, "executed", again)
    rehear(house, Executed, again)


def unfinished_orders_forgotten(house: House) -> None:
    """After a restart nobody remembers what was under way."""

    async def nothing() -> list[Order]:
        return []

    put(house.journal, "unfinished", nothing)


def one_look_is_enough(house: House) -> None:
    """A single look, even one that came in pieces, decides that an order never arrived."""
    inquiries = house.machine._inquiries

    def enough(_order: Order, _absence: Absence) -> bool:
        return True

    put(inquiries, "_enough", enough)
    state(house, lambda state: replace(state, open=(), completed=(), executions=(), complete=True))


def snapshot_trusted_when_cut_short(house: House) -> None:
    """The open orders did not come; the rest is taken for the whole."""
    state(house, lambda state: replace(state, open=(), complete=True))


def stream_numbers_begin_anew(house: House) -> None:
    """Every life of the service counts its messages from one."""
    publish, count = house.hub.publish, itertools.count(1)

    def renumbered(topic: str, message: object) -> None:
        publish(topic, replace(message, seq=next(count)) if isinstance(message, OrderUpdate) else message)

    put(house.hub, "publish", renumbered)


def told_before_it_is_kept(house: House) -> None:
    """Listeners hear of it while the disk still writes; a crash between the two, and it never was."""
    recorder = house.machine._recorder
    record, count = recorder.record, itertools.count(1)

    def at_once(order_id: str, event: Any) -> asyncio.Future[int]:
        if isinstance(event, Executed) and (order := recorder._book.get(order_id)) is not None:
            house.hub.publish(ORDERS, OrderUpdate(next(count), event, order))
        return record(order_id, event)

    put(recorder, "record", at_once)


def body_not_compared(house: House) -> None:
    """Whoever names a known id gets its order, whatever he asked for."""
    orders = house.machine.engine.orders
    again = orders._again

    async def whatever(bound: Bound, _body: str) -> Any:
        return await again(bound, bound.fingerprint)

    put(orders, "_again", whatever)


def correction_ignored(house: House) -> None:
    """What IBKR has corrected stays as it was first told."""

    def late(event: UpstreamEvent) -> bool:
        return isinstance(event, Executed) and not event.exec_id.endswith(".01")

    drop(house, late)
    state(house, lambda state: replace(state, executions=[one for one in state.executions if not late(one)]))


def fork_ignored(house: House) -> None:
    """A change has left two orders at the broker, and nobody stops the one too many."""
    machine: Any = house.machine
    put(machine._forks, "look_at", lambda _order_id: None)


def change_as_a_new_order(house: House) -> None:
    """A change is sent under a new order id: two orders live."""
    sending, door = house.machine._sending, upstream(house)

    async def modify(order: Order, terms: Any, decide: Any, permit: Any) -> None:
        await door.place(replace(order, terms=terms), reference(order.id), decide, permit)

    put(sending, "_upstream", Replaced(door, modify=modify))


def part_of_a_bracket_left_alone(house: House) -> None:
    """The broker holds an order without what was to wait for it, and nobody takes it back."""
    put(house.machine._brackets, "_leftover", lambda _name: ())


_BUGS: Final[Mapping[str, Bug]] = {
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
        part_of_a_bracket_left_alone,
        correction_ignored,
        stream_numbers_begin_anew,
        told_before_it_is_kept,
        body_not_compared,
    )
}


def planted(door: Door) -> Mapping[str, Bug]:
    """The bugs that can be played at a door, by name; most know no door."""
    return _BUGS if door is Door.TWS else {**_BUGS, **BUGS}
