"""Whether the tables by which events are found say what the events say: the events are sealed, those tables are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, exists, func, select, text

from ibkr_bridge.storage import codec
from ibkr_bridge.storage.errors import JournalError
from ibkr_bridge.storage.tables import bindings, commissions, events, executions, orders

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written; `seq` is the event it was seen at, 0 where it is at none."""

    seq: int
    text: str


def disagreements(connection: Connection) -> Iterator[Finding]:
    yield from _orders(connection)
    yield from _bindings(connection)
    yield from _fills(connection, executions, "executed")
    yield from _fills(connection, commissions, "commissioned")
    if connection.dialect.name == "sqlite":
        for damage in connection.execute(text("PRAGMA integrity_check(10)")).scalars():
            if damage != "ok":
                yield Finding(0, f"the file is damaged: {damage}")


def _orders(connection: Connection) -> Iterator[Finding]:
    all_events = events.alias()
    latest = select(func.max(all_events.c.seq)).where(all_events.c.order_id == orders.c.id).scalar_subquery()
    joined = orders.outerjoin(events, events.c.seq == orders.c.seq)
    for row in _streamed(connection, select(orders, events.c.state, latest.label("latest")).select_from(joined)):
        if row.seq != row.latest or not _same_order(row):
            yield Finding(row.seq, f"order {row.id} does not stand as its latest event says")
    unlisted = select(events.c.seq, events.c.order_id).where(
        ~exists().where(orders.c.id == events.c.order_id), events.c.kind == "received"
    )
    for row in _streamed(connection, unlisted):
        yield Finding(row.seq, f"order {row.order_id} is missing from the orders")


def _same_order(row: Row[Any]) -> bool:
    try:
        said = codec.columns(codec.order(row.state), row.seq)
    except (ValueError, TypeError):
        return False
    return all(getattr(row, name) == value for name, value in said.items())


def _bindings(connection: Connection) -> Iterator[Finding]:
    """A client order id that came loose could place its order a second time."""
    named = orders.outerjoin(
        bindings,
        and_(bindings.c.account == orders.c.account, bindings.c.client_order_id == orders.c.client_order_id),
    )
    of_order = events.c.order_id == orders.c.id
    loose = (
        select(orders.c.id, orders.c.seq)
        .select_from(named)
        .where(orders.c.client_order_id.is_not(None), bindings.c.order_id.is_(None))
        .where(exists().where(of_order, events.c.kind == "received"))
        .where(~exists().where(of_order, events.c.kind == "denied"))
    )
    for row in _streamed(connection, loose):
        yield Finding(row.seq, f"order {row.id} has lost its client order id")
    joined = bindings.join(events, events.c.order_id == bindings.c.order_id)
    intents = select(bindings, events.c.seq, events.c.body, events.c.state).select_from(joined)
    for row in _streamed(connection, intents.where(events.c.kind == "received")):
        if not _same_binding(row):
            yield Finding(row.seq, f"client order id {row.client_order_id} is bound otherwise than its intent says")


def _same_binding(row: Row[Any]) -> bool:
    try:
        order, intent = codec.order(row.state), codec.event("received", row.body)
    except ValueError:
        return False
    said = (order.account, order.client_order_id, getattr(intent, "fingerprint", None))
    return said == (row.account, row.client_order_id, row.fingerprint)


def _fills(connection: Connection, table: Table, kind: str) -> Iterator[Finding]:
    """Each event has its row, unless it repeats an id that has one; each row has its event."""
    at_event = and_(table.c.order_id == events.c.order_id, table.c.seq == events.c.seq)
    told = select(events.c.seq, events.c.body, table.c.exec_id).select_from(events.outerjoin(table, at_event))
    for row in _streamed(connection, told.where(events.c.kind == kind)):
        exec_id = _exec_id(kind, row.body)
        known = row.exec_id or connection.execute(select(table.c.exec_id).where(table.c.exec_id == exec_id)).scalar()
        if known is None or known != exec_id:
            yield Finding(row.seq, f"{table.name} does not have {exec_id}")
    stray = select(table.c.exec_id, table.c.seq).where(~exists().where(at_event, events.c.kind == kind))
    for row in _streamed(connection, stray):
        yield Finding(row.seq, f"{table.name} has {row.exec_id}, of which no event tells")


def _exec_id(kind: str, body: str) -> str | None:
    try:
        return getattr(codec.event(kind, body), "exec_id", None)
    except (ValueError, JournalError):
        return None


def _streamed(connection: Connection, statement: Any) -> Iterator[Row[Any]]:
    yield from connection.execute(statement.execution_options(yield_per=_AT_ONCE))
