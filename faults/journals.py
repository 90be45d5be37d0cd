"""Where a world keeps its journal: opened anew in every life, and let go of as the system does for a dead process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import psycopg
from sqlalchemy import event

from faults.loop import Disk, JumpingThread
from faults.postgres import backend_gone, schema
from ibkr_bridge.domain.events import OrderUpdate
from ibkr_bridge.domain.order import Order
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.journal import Journal
from ibkr_bridge.storage.memory import MemoryJournal
from ibkr_bridge.storage.sql import SqlJournal

MEMORY, SQLITE, POSTGRES = "memory", "sqlite", "postgres"
KEY = b"the key of a world that is forgotten"
_EVERYTHING = 1_000_000
_RAM = Path("/dev/shm")  # noqa: S108  where there is one, a world's disk needs no disk


@dataclass(frozen=True, slots=True)
class Kept:
    """What a journal holds for somebody who opens it afresh; `findings` are those of its audit."""

    orders: tuple[Order, ...]
    events: tuple[OrderUpdate, ...]
    findings: tuple[str, ...] = ()


class Home(Protocol):
    """One world's journal, over all lives of its service."""

    async def open(self, clock: Clock, disk: Disk) -> Journal:
        """For one life, whose threads work at this disk."""

    def kill(self) -> None:
        """The process that had it open is dead."""

    async def kept(self, clock: Clock, disk: Disk) -> Kept:
        """Read it all, when nobody else has it open."""


@contextmanager
def home(kind: str) -> Iterator[Home]:
    """A new, empty one, gone after the block. `kind` is memory, sqlite, or the URL of a PostgreSQL server."""
    if kind == MEMORY:
        yield MemoryHome()
        return
    with TemporaryDirectory(prefix="journal", dir=_RAM if _RAM.is_dir() else None) as folder:
        mark = Path(folder, "audit.mark")
        if kind == SQLITE:
            yield SqlHome(f"sqlite:///{Path(folder, 'journal.sqlite')}", mark)
            return
        with schema(kind) as url:
            yield SqlHome(url, mark)


class MemoryHome:
    """Outlives every life and keeps at once."""

    def __init__(self) -> None:
        self._journal = MemoryJournal()

    async def open(self, _clock: Clock, _disk: Disk) -> Journal:
        journal: Any = _OneLife(self._journal)
        return journal  # type: ignore[no-any-return]

    def kill(self) -> None:
        return None

    async def kept(self, _clock: Clock, _disk: Disk) -> Kept:
        page = await self._journal.orders(limit=_EVERYTHING)
        return Kept(page.orders, await self._journal.events(0, _EVERYTHING))


class _OneLife:
    """What a planted bug changes about one life's journal is gone with that life."""

    def __init__(self, journal: MemoryJournal) -> None:
        self._journal = journal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)


class SqlHome:
    """A file of SQLite, or a schema of PostgreSQL."""

    def __init__(self, url: str, mark: Path) -> None:
        self._url = url
        self._mark = mark
        self._journal: SqlJournal | None = None

    async def open(self, clock: Clock, disk: Disk) -> Journal:
        self._journal = await _at(disk).open(self._url, key=KEY, clock=clock, mark_path=self._mark)
        return self._journal

    def kill(self) -> None:
        """What the system does for a dead process: its files, its connections and its locks are let go."""
        journal, self._journal = self._journal, None
        if journal is not None:
            connection = journal._writer._connection
            driver = connection.connection.driver_connection if connection is not None else None
            backend = driver.info.backend_pid if isinstance(driver, psycopg.Connection) else None
            journal._reader.close()
            journal._writer.close()
            if backend is not None:
                backend_gone(self._url, backend)

    async def kept(self, clock: Clock, disk: Disk) -> Kept:
        journal = await _at(disk).open(self._url, key=KEY, clock=clock, mark_path=self._mark)
        try:
            return await read(journal)
        finally:
            await journal.close()


async def read(journal: SqlJournal) -> Kept:
    """Everything, its audit checked."""
    verification = await journal.verify()
    page = await journal.orders(limit=_EVERYTHING)
    events = await journal.events(0, _EVERYTHING)
    return Kept(page.orders, events, tuple(f"event {one.seq}: {one.text}" for one in verification.findings))


def _at(disk: Disk) -> type[SqlJournal]:
    """The service's own journal, with its two threads in this world, whose time jumps."""

    class JumpingJournal(SqlJournal):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self._writing, self._reading = JumpingThread(disk, writes=True), JumpingThread(disk, writes=False)
            event.listen(self._writer._engine, "connect", _hurry)

    return JumpingJournal


def _hurry(connection: Any, _record: object) -> None:
    """A killed process loses no page that it has written; only a machine without power would, and none is played."""
    if not isinstance(connection, psycopg.Connection):
        connection.execute("PRAGMA synchronous = OFF")
