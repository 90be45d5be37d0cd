"""The two databases a journal can live in, where they differ: how they are reached, made safe, and how they fail."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from ibkr_bridge.storage.errors import (
    JournalCorrupted,
    JournalError,
    JournalFull,
    JournalLocked,
    JournalReadOnly,
    JournalUnavailable,
    JournalUnreachable,
)

BUSY_TIMEOUT = 5.0
"""Seconds that SQLite waits for another process's write to end."""
CONNECT_TIMEOUT = 5
"""Seconds for PostgreSQL to accept a connection."""
STATEMENT_TIMEOUT = 10
"""Seconds for PostgreSQL to answer a statement, and for its host to acknowledge a packet."""
_LOCK_CLASS = 0x1B4B
"""Our own half of the key of PostgreSQL's advisory lock; the other half names the schema."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where a journal is. `file` is the database of SQLite, absolute; None with PostgreSQL."""

    url: URL
    file: Path | None

    @classmethod
    def parse(cls, text: str) -> Location:
        """A URL of SQLite or PostgreSQL, or the path of a file. Raises JournalError."""
        try:
            url = make_url(text) if "://" in text else URL.create("sqlite", database=text)
        except ArgumentError as problem:
            raise JournalError("The journal's URL cannot be read.", advice=_FORMS) from problem
        if url.get_backend_name() == "sqlite" and url.database:
            return cls(url, Path(url.database).absolute())
        if url.get_backend_name() == "postgresql":
            return cls(url.set(drivername="postgresql+psycopg"), None)
        raise JournalError(f"{url.get_backend_name()} without a file is no home for a journal.", advice=_FORMS)

    @property
    def place(self) -> str:
        """For people, and without a password."""
        if self.file is not None:
            return str(self.file)
        query = {name: value for name, value in self.url.query.items() if "pass" not in name}
        names = self.url.username, None, self.url.host, self.url.port, self.url.database
        return URL.create("postgresql", *names, query).render_as_string()


_FORMS = "Write sqlite:///folder/journal.sqlite or postgresql://user@host/database."


def writing(location: Location) -> Engine:
    """One connection; what its commit returns from is on the disk."""
    if location.file is None:
        return _postgresql(location, ("SET synchronous_commit = on",))
    engine = _sqlite(
        location.file, lambda: "rw", ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", *_FULL_SYNC)
    )
    event.listen(engine, "begin", _begin("BEGIN IMMEDIATE"))
    return engine


def reading(location: Location) -> Engine:
    """One connection that cannot write; it works beside a writer in another process."""
    if location.file is None:
        return _postgresql(location, _READ_ONLY)
    engine = _sqlite(location.file, partial(_reading_mode, location.file), ("PRAGMA query_only = ON",))
    event.listen(engine, "begin", _begin("BEGIN"))
    return engine


_CACHE = "PRAGMA cache_size = -65536"
"""64 MiB a connection: the inner pages of every index of a million orders."""
_READ_ONLY = ("SET default_transaction_read_only = on", "SET default_transaction_isolation = 'repeatable read'")
_FULL_SYNC = ("PRAGMA fullfsync = ON", "PRAGMA checkpoint_fullfsync = ON")
"""macOS keeps a plain fsync in the drive's cache; elsewhere these change nothing."""


def _reading_mode(file: Path) -> str:
    """A write-ahead log needs a folder it can write to; a journal on a read-only disk has none and never changes."""
    frozen = not os.access(file.parent, os.W_OK) and not Path(f"{file}-wal").exists()
    return "ro&immutable=1" if frozen else "ro"


def _sqlite(file: Path, mode: Callable[[], str], pragmas: tuple[str, ...]) -> Engine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{file.as_uri()}?mode={mode()}",
            uri=True,
            timeout=BUSY_TIMEOUT,
            isolation_level=None,  # transactions are begun by us: the driver would begin them late
            check_same_thread=False,  # made by one thread, closed by another, used by one at a time
        )
        try:
            for pragma in ("PRAGMA foreign_keys = ON", _CACHE, *pragmas):
                connection.execute(pragma)
        except BaseException:
            connection.close()
            raise
        return connection

    return create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=1, max_overflow=0)


def _begin(statement: str) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return begin


def _postgresql(location: Location, statements: tuple[str, ...]) -> Engine:
    engine = create_engine(
        location.url,
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT,
            "application_name": f"ibkr-bridge {os.getpid()}@{socket.gethostname()}",
            "tcp_user_timeout": STATEMENT_TIMEOUT * 1000,
        },
    )
    deadlines = f"SET statement_timeout = '{STATEMENT_TIMEOUT}s'", f"SET lock_timeout = '{CONNECT_TIMEOUT}s'"

    def prepare(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            for statement in (*deadlines, *statements):
                cursor.execute(statement)
        connection.commit()

    event.listen(engine, "connect", prepare)
    return engine


def take_session_lock(connection: Connection) -> None:
    """Make this session the only writer of PostgreSQL's journal, as long as it lasts. SQLite's file has a lock already.

    Raises JournalLocked with the holder's process id.
    """
    if connection.dialect.name != "postgresql":
        return
    taken = text("SELECT pg_try_advisory_lock(:class, hashtext(current_schema()))")
    if connection.execute(taken, {"class": _LOCK_CLASS}).scalar():
        return
    holder = text(
        "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE locktype = 'advisory' AND granted AND classid = :class"
        " AND objid::bigint = hashtext(current_schema())::bit(32)::bigint AND pg_locks.database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    name = str(connection.execute(holder, {"class": _LOCK_CLASS}).scalar() or "")
    who, _, host = name.removeprefix("ibkr-bridge ").partition("@")
    said = f"process {who} on {host}" if host else "another session"
    raise JournalLocked(f"The journal is in use by {said}.", pid=int(who) if who.isdigit() else None)


@contextmanager
def translated(location: Location) -> Iterator[None]:
    """What the database raises, in our words."""
    try:
        yield
    except DBAPIError as problem:
        raise _error(problem.orig, location) from problem
    except sqlite3.Error as problem:
        raise _error(problem, location) from problem
    except (SQLAlchemyError, UnicodeEncodeError, OverflowError) as problem:
        raise JournalUnavailable(f"The journal at {location.place} refused a value: {problem}.") from problem
    except PermissionError as problem:
        raise JournalReadOnly(f"The journal at {location.place} cannot be written: {problem}.") from problem
    except OSError as problem:
        if isinstance(problem, JournalUnavailable):
            raise
        raise JournalUnavailable(f"The journal at {location.place} cannot be used: {problem}.") from problem


def _error(problem: BaseException | None, location: Location) -> JournalUnavailable:
    said = str(problem).strip().splitlines()
    detail = f"The journal at {location.place}: {said[0] if said else type(problem).__name__}."
    code = getattr(problem, "sqlite_errorname", None) or getattr(problem, "sqlstate", None)
    if code is None and location.file is None:
        return JournalUnreachable(detail)
    for prefix, kind in _KINDS.items():
        if code is not None and code.startswith(prefix):
            return kind(detail)
    return JournalUnavailable(detail)


_KINDS: Mapping[str, type[JournalUnavailable]] = MappingProxyType(
    {
        "SQLITE_FULL": JournalFull,
        "SQLITE_READONLY": JournalReadOnly,
        "SQLITE_PERM": JournalReadOnly,
        "SQLITE_BUSY": JournalLocked,
        "SQLITE_LOCKED": JournalLocked,
        "SQLITE_CORRUPT": JournalCorrupted,
        "SQLITE_NOTADB": JournalCorrupted,
        "53": JournalFull,  # 53100 disk full
        "25006": JournalReadOnly,
        "08": JournalUnreachable,
        "57P": JournalUnreachable,
        "28": JournalUnreachable,  # the login was refused
        "3D000": JournalUnreachable,  # no such database
        "XX001": JournalCorrupted,
        "XX002": JournalCorrupted,
    }
)
"""By the beginning of SQLite's error name or of PostgreSQL's SQLSTATE."""
