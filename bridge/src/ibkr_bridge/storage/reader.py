"""Everything that is asked of the journal, by index; changes nothing. Blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from typing import Any

from sqlalchemy import Connection, Select, func, select, text, union_all

from ibkr_bridge.domain.events import Commissioned, Executed, OrderUpdate, Received
from ibkr_bridge.domain.order import Order, OrderStatus
from ibkr_bridge.domain.transitions import apply
from ibkr_bridge.ports.journal import Bound, Page, no_cursor
from ibkr_bridge.storage import codec
from ibkr_bridge.storage.database import Location, reading, translated
from ibkr_bridge.storage.errors import JournalCorrupted, JournalMissing
from ibkr_bridge.storage.schema import Schema, version
from ibkr_bridge.storage.tables import (
    bindings,
    broker_identities,
    commissions,
    events,
    executions,
    orders,
    switches,
)

UNFINISHED = tuple(sorted(status.value for status in OrderStatus if not status.terminal))
_CURRENT = orders.join(events, events.c.seq == orders.c.seq)


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill as it was reported; `corrects` names the execution that this one replaces."""

    seq: int
    order_id: str
    event: Executed
    commission: Commissioned | None
    corrects: str | None


@dataclass(frozen=True, slots=True)
class Info:
    """`size` in bytes, write-ahead log included; `schema` is the version found."""

    place: str
    schema: str
    orders: int
    unfinished: int
    events: int
    executions: int
    last_seq: int
    size: int


class Reader:
    """Used by one thread at a time; any number of readers beside one writer."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self._engine = reading(location)

    def require(self, schema: Schema) -> None:
        """Raises JournalMissing, JournalOlder or JournalNewer when this program cannot read what is there."""
        if self.location.file is not None and not self.location.file.exists():
            raise JournalMissing(self.location.place)
        with self.connected() as connection:
            schema.require(connection, self.location.place)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """One consistent view, for as long as it is held. Raises JournalUnavailable."""
        with translated(self.location), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def unhurried(self) -> Iterator[Connection]:
        """The same without a deadline per statement, for reading everything. Raises JournalUnavailable."""
        with self.connected() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL statement_timeout = 0"))
            yield connection

    def order(self, order_id: str) -> Order | None:
        found = self._orders(select(events.c.state).select_from(_CURRENT).where(orders.c.id == order_id))
        return found[0] if found else None

    def bound(self, account: str, client_order_id: str) -> Bound | None:
        joined = bindings.join(orders, orders.c.id == bindings.c.order_id).join(events, events.c.seq == orders.c.seq)
        wanted = (bindings.c.account == account) & (bindings.c.client_order_id == client_order_id)
        with self.connected() as connection:
            row = connection.execute(
                select(events.c.state, bindings.c.fingerprint).select_from(joined).where(wanted)
            ).one_or_none()
            return Bound(self._decoded(row.state), row.fingerprint) if row else None

    def switch(self, name: str) -> str | None:
        """How a switch was last set."""
        with self.connected() as connection:
            value = connection.execute(select(switches.c.value).where(switches.c.name == name)).scalar()
            return None if value is None else str(value)

    def known_as(self, perm_id: int) -> Order | None:
        """The order that the broker gave this permanent id."""
        wanted = select(broker_identities.c.order_id).where(broker_identities.c.perm_id == perm_id)
        statement = select(events.c.state).select_from(_CURRENT).where(orders.c.id.in_(wanted)).limit(1)
        found = self._orders(statement)
        return found[0] if found else None

    def page(
        self, account: str | None, statuses: frozenset[OrderStatus] | None, cursor: str | None, limit: int
    ) -> Page:
        """Newest first, from after `cursor`. Raises InvalidRequest for a cursor that no page has given."""
        if cursor is not None and not self._given(cursor):
            raise no_cursor("orders")
        if statuses is not None and not statuses:
            return Page((), None)
        found = self._orders(paging(account, statuses, cursor, limit + 1))
        more = len(found) > limit
        return Page(found[:limit], found[limit - 1].id if more else None)

    def _given(self, cursor: str) -> bool:
        with self.connected() as connection:
            return connection.execute(select(orders.c.id).where(orders.c.id == cursor)).first() is not None

    def unfinished(self) -> Sequence[Order]:
        """Oldest first."""
        wanted = orders.c.status.in_(UNFINISHED)
        return self._orders(select(events.c.state).select_from(_CURRENT).where(wanted).order_by(orders.c.id))

    def events(self, after: int, limit: int) -> tuple[OrderUpdate, ...]:
        """In order, from the first one past `after`, each with the order as it stood then."""
        columns = (events.c.seq, events.c.kind, events.c.body, events.c.state)
        statement = select(*columns).where(events.c.seq > after).order_by(events.c.seq).limit(limit)
        with self.connected() as connection:
            rows = connection.execute(statement).all()
        return tuple(OrderUpdate(row.seq, self._event(row.kind, row.body), self._decoded(row.state)) for row in rows)

    def executions(self, order_id: str) -> tuple[Execution, ...]:
        """In order; a correction comes after what it corrects, and both are there."""
        return tuple(self._executions(executions.c.order_id == order_id))

    def all_executions(self, after: int, limit: int) -> tuple[Execution, ...]:
        """Of every order, in order, from the first one past `after`."""
        return tuple(self._executions(executions.c.seq > after, limit))

    def last_seq(self) -> int:
        with self.connected() as connection:
            return _count(connection, select(func.max(events.c.seq)))

    def info(self) -> Info:
        with self.connected() as connection:
            return Info(
                place=self.location.place,
                schema=version(connection) or "",
                orders=_count(connection, select(func.count()).select_from(orders)),
                unfinished=_count(connection, select(func.count()).where(orders.c.status.in_(UNFINISHED))),
                events=_count(connection, select(func.count()).select_from(events)),
                executions=_count(connection, select(func.count()).select_from(executions)),
                last_seq=_count(connection, select(func.max(events.c.seq))),
                size=self._size(connection),
            )

    def close(self) -> None:
        self._engine.dispose()

    def _orders(self, statement: Select[Any]) -> tuple[Order, ...]:
        with self.connected() as connection:
            states = connection.execute(statement).scalars().all()
        return tuple(self._decoded(state) for state in states)

    def _executions(self, wanted: Any, limit: int | None = None) -> Iterator[Execution]:
        charged = events.alias("charged")
        earlier = executions.alias("earlier")
        corrects = (
            select(earlier.c.exec_id)
            .where((earlier.c.fill == executions.c.fill) & (earlier.c.seq < executions.c.seq))
            .order_by(earlier.c.seq.desc())
            .limit(1)
            .scalar_subquery()
        )
        joined = (
            executions.join(events, events.c.seq == executions.c.seq)
            .outerjoin(commissions, commissions.c.exec_id == executions.c.exec_id)
            .outerjoin(charged, charged.c.seq == commissions.c.seq)
        )
        found = (executions.c.seq, executions.c.order_id, events.c.body)
        statement = select(*found, charged.c.body.label("commission"), corrects.label("corrects"))
        statement = statement.select_from(joined).where(wanted).order_by(executions.c.seq).limit(limit)
        with self.connected() as connection:
            rows = connection.execute(statement).all()
        for row in rows:
            executed = self._event("executed", row.body)
            commission = self._event("commissioned", row.commission) if row.commission else None
            assert isinstance(executed, Executed)
            assert commission is None or isinstance(commission, Commissioned)
            yield Execution(row.seq, row.order_id, executed, commission, row.corrects)

    def _decoded(self, state: str) -> Order:
        try:
            order = codec.order(state)
            return self._retold(order.id) if codec.older(state) else order
        except ValueError as problem:
            raise JournalCorrupted(f"An order in {self.location.place} cannot be read: {problem}.") from problem

    def _retold(self, order_id: str) -> Order:
        """The order as its events make it: they are the record, and a state is only their sum."""
        statement = select(events.c.kind, events.c.body).where(events.c.order_id == order_id).order_by(events.c.seq)
        with self.connected() as connection:
            first, *later = [self._event(row.kind, row.body) for row in connection.execute(statement).all()]
        if not isinstance(first, Received):
            raise JournalCorrupted(f"Order {order_id} in {self.location.place} does not begin with its intent.")
        return reduce(apply, later, first.order)

    def _event(self, kind: str, body: str) -> Any:
        try:
            return codec.event(kind, body)
        except ValueError as problem:
            raise JournalCorrupted(f"An event in {self.location.place} cannot be read: {problem}.") from problem

    def _size(self, connection: Connection) -> int:
        if self.location.file is None:
            return _count(connection, select(func.pg_database_size(func.current_database())))
        files = (self.location.file, self.location.file.with_name(f"{self.location.file.name}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())


def paging(account: str | None, statuses: frozenset[OrderStatus] | None, cursor: str | None, limit: int) -> Select[Any]:
    """States of the newest orders before `cursor`.

    Each status is looked up by itself, newest first, and cut at `limit` before they are merged: a state that few
    orders are in is found as fast among a million as among a thousand, which no planner promises for a list of states.
    """
    wanted = (None,) if statuses is None else tuple(sorted(status.value for status in statuses))
    parts = [_newest(account, status, cursor, limit).subquery(f"part_{index}") for index, status in enumerate(wanted)]
    found = union_all(*(select(part) for part in parts)).subquery("found")
    return (
        select(events.c.state)
        .select_from(found.join(events, events.c.seq == found.c.seq))
        .order_by(found.c.id.desc())
        .limit(limit)
    )


def _newest(account: str | None, status: str | None, cursor: str | None, limit: int) -> Select[Any]:
    statement = select(orders.c.id, orders.c.seq).order_by(orders.c.id.desc()).limit(limit)
    if account is not None:
        statement = statement.where(orders.c.account == account)
    if status is not None:
        statement = statement.where(orders.c.status == status)
    return statement if cursor is None else statement.where(orders.c.id < cursor)


def _count(connection: Connection, statement: Select[Any]) -> int:
    return int(connection.execute(statement).scalar() or 0)
