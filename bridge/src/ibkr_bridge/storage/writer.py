"""The one hand that writes the journal: takes its lock, upgrades it, appends to it, keeps its mark. Blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Connection, and_, bindparam, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.journal import Entry
from ibkr_bridge.storage import codec, tables
from ibkr_bridge.storage.audit import mark
from ibkr_bridge.storage.audit.chain import genesis, same
from ibkr_bridge.storage.audit.mark import Mark
from ibkr_bridge.storage.database import Location, take_session_lock, translated, writing
from ibkr_bridge.storage.errors import JournalMissing, JournalShortened, JournalUnavailable, WrongKey
from ibkr_bridge.storage.files import private_file, private_folder
from ibkr_bridge.storage.lock import FileLock, file_lock
from ibkr_bridge.storage.rows import Batch, End, batch
from ibkr_bridge.storage.schema import Schema


class Writer:
    """Used by one thread at a time."""

    def __init__(self, location: Location, key: bytes, mark_path: Path, clock: Clock, schema: Schema) -> None:
        self._location = location
        self._key = key
        self._mark_path = mark_path
        self._clock = clock
        self._schema = schema
        self._engine = writing(location)
        self._statements = Statements(self._engine.dialect.name)
        self._lock: FileLock | None = None
        self._connection: Connection | None = None
        self._journal_id = ""
        self._end = End(0, "")
        self._inode = 0

    def open(self) -> Path | None:
        """Ready to append; the path of the backup when the schema was upgraded. Raises JournalError."""
        known = mark.read(self._mark_path)
        try:
            with translated(self._location):
                return self._open(known)
        except BaseException:
            self.close()
            raise

    def append(self, entries: Sequence[Entry], given_up: Callable[[], bool] = lambda: False) -> int:
        """Keep the entries in one transaction and return the first one's number. Raises JournalUnavailable.

        Nothing is kept once nobody waits for it any more: whoever did was told so.
        """
        with translated(self._location):
            connection = self._ready()
            prepared = batch(entries, self._end, self._key)
            if not entries:
                return self._end.seq + 1
            try:
                self._keep(connection, prepared, given_up)
            except BaseException:
                self._drop()  # whatever state it is in, the next attempt begins with a new one
                raise
        first, self._end = self._end.seq + 1, prepared.end
        return first

    def remember(self, name: str, value: str) -> None:
        """Keep a switch as it is set now. Raises JournalUnavailable."""
        with translated(self._location):
            connection = self._ready()
            try:
                with connection.begin():
                    connection.execute(delete(tables.switches).where(tables.switches.c.name == name))
                    values = {"name": name, "value": value, "at": codec.moment(self._clock.now())}
                    connection.execute(insert(tables.switches), values)
            except BaseException:
                self._drop()
                raise

    def mark(self) -> None:
        """Write down elsewhere how far the journal has come. Raises OSError."""
        mark.write(self._mark_path, Mark(self._journal_id, self._end.seq, self._end.chain))

    def close(self) -> None:
        self._drop()
        self._engine.dispose()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _open(self, known: Mark | None) -> Path | None:
        file = self._location.file
        if file is not None:
            if known is not None and known.seq and not file.exists():
                raise JournalShortened(f"The journal {file} is gone; it had {known.seq} events.", str(self._mark_path))
            private_folder(file.parent)
            self._lock = file_lock(
                file
            )  # first: opening and closing the file would end the locks that SQLite has on it
            private_file(file)
            self._inode = file.stat().st_ino
        connection = self._connect()
        backup = self._schema.upgrade(connection, file)
        with connection.begin():
            self._journal_id = self._identify(connection)
            self._end = self._read_end(connection)
            if known is not None:
                self._compare(connection, known)
        self.mark()
        return backup

    def _identify(self, connection: Connection) -> str:
        """The journal's name, given when it is new. Raises WrongKey."""
        row = connection.execute(select(tables.journal.c.id, tables.journal.c.genesis)).one_or_none()
        if row is None:
            name = self._clock.entropy(16).hex()
            created = codec.moment(self._clock.now())
            values = {"id": name, "created_at": created, "genesis": genesis(self._key, name)}
            connection.execute(insert(tables.journal), values)
            return name
        if not same(row.genesis, genesis(self._key, row.id)):
            raise WrongKey
        return str(row.id)

    def _read_end(self, connection: Connection) -> End:
        seq = tables.events.c.seq
        row = connection.execute(select(seq, tables.events.c.chain).order_by(seq.desc()).limit(1)).one_or_none()
        return End(row.seq, row.chain) if row else End(0, genesis(self._key, self._journal_id))

    def _compare(self, connection: Connection, known: Mark) -> None:
        """Refuse to go on where the journal has forgotten what the mark remembers."""
        if known.seq == 0:
            return
        events = tables.events.c
        found = connection.execute(select(events.chain).where(events.seq == known.seq)).scalar()
        if known.journal_id == self._journal_id and found == known.chain:
            return
        where = f"ends at event {self._end.seq}" if found is None else f"has another event {known.seq}"
        raise JournalShortened(
            f"The journal {self._location.place} {where}; its mark knows {known.seq} events.", str(self._mark_path)
        )

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        try:
            take_session_lock(connection)
            connection.rollback()
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        self._connection = connection
        return connection

    def _ready(self) -> Connection:
        """A connection to the journal that was opened, and to no other."""
        file = self._location.file
        if file is not None and (not file.exists() or file.stat().st_ino != self._inode):
            raise JournalUnavailable(
                f"The journal {file} was removed or replaced while it was in use.",
                advice="Put it back and restart the service.",
            )
        if self._connection is not None:
            return self._connection
        connection = self._connect()
        with connection.begin():
            self._end = self._read_end(connection)
        return connection

    def _keep(self, connection: Connection, prepared: Batch, given_up: Callable[[], bool]) -> None:
        transaction = connection.begin()
        try:
            self._statements.write(connection, prepared)
            _still_awaited(given_up)
        except BaseException:
            if not connection.invalidated:
                transaction.rollback()
            raise
        try:
            transaction.commit()
        except DBAPIError:
            if not self._kept_after_all(prepared.end):
                raise

    def _kept_after_all(self, end: End) -> bool:
        """A commit whose answer was lost may have happened: the journal's end tells."""
        self._drop()
        connection = self._connect()
        with connection.begin():
            return self._read_end(connection) == end

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


def _still_awaited(given_up: Callable[[], bool]) -> None:
    if given_up():
        raise JournalUnavailable("The journal was too slow, and nobody waits for this any more.")


def upgraded(location: Location, schema: Schema) -> Path | None:
    """Upgrade a journal that nobody uses; the path of the backup, where one was made. Raises JournalError."""
    if location.file is not None and not location.file.exists():
        raise JournalMissing(location.place)
    lock = file_lock(location.file) if location.file is not None else None
    engine = writing(location)
    try:
        with translated(location), engine.connect() as connection:
            take_session_lock(connection)
            connection.rollback()
            try:
                return schema.upgrade(connection, location.file)
            finally:
                connection.invalidate()  # the session's end gives its lock back
    finally:
        engine.dispose()
        if lock is not None:
            lock.release()


class Statements:
    """What a batch does to each table, built once."""

    def __init__(self, dialect: str) -> None:
        upsert = postgresql.insert if dialect == "postgresql" else sqlite.insert
        orders = upsert(tables.orders)
        changing = ("status", "updated_at", "seq")
        self._orders = orders.on_conflict_do_update(
            index_elements=["id"], set_={name: orders.excluded[name] for name in changing}
        )
        bindings = upsert(tables.bindings)
        self._bindings = bindings.on_conflict_do_update(
            index_elements=["account", "client_order_id"],
            set_={name: bindings.excluded[name] for name in ("order_id", "fingerprint")},
        )
        bound = tables.bindings.c
        self._releases = delete(tables.bindings).where(
            and_(*(bound[name] == bindparam(f"{name}_") for name in ("account", "client_order_id", "order_id")))
        )
        self._events = insert(tables.events)
        self._executions = upsert(tables.executions).on_conflict_do_nothing()
        self._commissions = upsert(tables.commissions).on_conflict_do_nothing()
        identities = upsert(tables.broker_identities)
        known = ("perm_id", "client_id", "broker_order_id", "reference")
        self._identities = identities.on_conflict_do_update(
            index_elements=["order_id", "position"], set_={name: identities.excluded[name] for name in known}
        )

    def write(self, connection: Connection, prepared: Batch) -> None:
        releases = [{f"{name}_": value for name, value in values.items()} for values in prepared.releases]
        for statement, values in (
            (self._orders, prepared.orders),
            (self._bindings, prepared.bindings),
            (self._releases, releases),
            (self._events, prepared.events),
            (self._executions, prepared.executions),
            (self._commissions, prepared.commissions),
            (self._identities, prepared.identities),
        ):
            if values:
                connection.execute(statement, values)
