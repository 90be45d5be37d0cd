"""The journal in a database: SQLite in a file, or PostgreSQL. The event loop never waits for either."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import TypeVar

from ibkr_bridge.domain.events import OrderUpdate
from ibkr_bridge.domain.order import Order, OrderStatus
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.journal import Bound, Entry, Page
from ibkr_bridge.storage.audit import mark
from ibkr_bridge.storage.audit.verify import Verification, verify
from ibkr_bridge.storage.database import Location
from ibkr_bridge.storage.errors import JournalUnavailable
from ibkr_bridge.storage.reader import Execution, Info, Reader
from ibkr_bridge.storage.schema import Schema
from ibkr_bridge.storage.writer import Writer

T = TypeVar("T")
WRITE_DEADLINE = 15.0
READ_DEADLINE = 10.0
MARK_INTERVAL = 1.0
"""Seconds. The databases have shorter deadlines of their own; these catch a disk that hangs.

The high-water mark follows the journal at its interval: writing it costs as much as a commit, and nobody waits for it.
"""


class SqlJournal:
    """One thread writes and one reads. `open` makes it; `close` ends both threads."""

    def __init__(self, location: Location, key: bytes, mark_path: Path, clock: Clock, schema: Schema) -> None:
        self._key = key
        self._mark_path = mark_path
        self._writer = Writer(location, key, mark_path, clock, schema)
        self._reader = Reader(location)
        self._writing = ThreadPoolExecutor(1, "journal-writer")
        self._reading = ThreadPoolExecutor(1, "journal-reader")
        self._closed = False
        self._due: asyncio.TimerHandle | None = None
        self.backup: Path | None = None
        """The copy that was made before the schema was upgraded, if it was."""
        self.mark_problem: str | None = None
        """Why the high-water mark could not be written last time; the events themselves are kept."""

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        key: bytes,
        clock: Clock,
        mark_path: Path | None = None,
        schema: Schema | None = None,
    ) -> SqlJournal:
        """Open the journal, make it or upgrade it. Raises JournalError.

        `url` is sqlite:///file or postgresql://..., or the path of a file. `key` seals the events. `mark_path` is
        where the high-water mark is kept, by default in this user's state folder.
        """
        location = Location.parse(url)
        # Upgrading takes as long as it takes: there is nobody to answer yet.
        journal = cls(location, key, mark_path or mark.default_path(location.place), clock, schema or Schema())
        try:
            journal.backup = await journal._write(journal._writer.open, None)
        except BaseException:
            await journal.close()
            raise
        return journal

    @property
    def warning(self) -> str | None:
        if self.mark_problem is None:
            return None
        return f"The journal's mark cannot be written, so a cut tail would go unnoticed: {self.mark_problem}."

    async def append(self, entries: Sequence[Entry]) -> int:
        """Raises JournalUnavailable, and then none of the entries was kept.

        One exception: a commit that a disk has begun and hangs in past the deadline, it may still finish when it wakes.
        The next batch is numbered behind it either way.
        """
        given_up = Event()
        try:
            first = await self._write(lambda: self._writer.append(entries, given_up.is_set), WRITE_DEADLINE)
        except BaseException:
            given_up.set()
            raise
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(MARK_INTERVAL, self._mark_now)
        return first

    async def order(self, order_id: str) -> Order | None:
        return await self._read(lambda: self._reader.order(order_id))

    async def bound(self, account: str, client_order_id: str) -> Bound | None:
        return await self._read(lambda: self._reader.bound(account, client_order_id))

    async def known_as(self, perm_id: int) -> Order | None:
        """The order that the broker gave this permanent id."""
        return await self._read(lambda: self._reader.known_as(perm_id))

    async def orders(
        self,
        *,
        account: str | None = None,
        statuses: frozenset[OrderStatus] | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page:
        return await self._read(lambda: self._reader.page(account, statuses, cursor, limit))

    async def remember(self, name: str, value: str) -> None:
        """Raises JournalUnavailable."""
        await self._write(lambda: self._writer.remember(name, value), WRITE_DEADLINE)

    async def recall(self, name: str) -> str | None:
        return await self._read(lambda: self._reader.switch(name))

    async def unfinished(self) -> Sequence[Order]:
        return await self._read(self._reader.unfinished)

    async def events(self, after: int, limit: int = 1000) -> tuple[OrderUpdate, ...]:
        """In order, from the first one past `after`, each with the order as it stood then."""
        return await self._read(lambda: self._reader.events(after, limit))

    async def last_seq(self) -> int:
        return await self._read(self._reader.last_seq)

    async def executions(self, order_id: str) -> tuple[Execution, ...]:
        """In order; a correction comes after what it corrects, and both are there."""
        return await self._read(lambda: self._reader.executions(order_id))

    async def info(self) -> Info:
        return await self._read(self._reader.info)

    async def verify(self) -> Verification:
        """Check the whole journal; other readers wait meanwhile. Raises WrongKey."""
        self._mark_now()
        # By the writer, so behind that mark; before the view is taken, because it must not lead.
        known = await self._write(lambda: mark.read(self._mark_path), WRITE_DEADLINE)

        def check() -> Verification:
            with self._reader.unhurried() as connection:
                return verify(connection, self._key, known)

        return await self._in(self._reading, check, None)

    async def close(self) -> None:
        """End both threads; to close twice changes nothing."""
        if self._closed:
            return
        self._closed = True
        if self._due is not None:
            self._mark_now()
        # The reader first: the last to leave a SQLite file folds its write-ahead log in, and a reader could not.
        for executor, end in ((self._reading, self._reader.close), (self._writing, self._writer.close)):
            ended = executor.submit(end)
            executor.shutdown(wait=False)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.wrap_future(ended), WRITE_DEADLINE)

    def _mark_now(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        self._writing.submit(self._mark)

    def _mark(self) -> None:
        try:
            self._writer.mark()
        except OSError as problem:
            self.mark_problem = str(problem)
        else:
            self.mark_problem = None

    async def _write(self, work: Callable[[], T], deadline: float | None) -> T:
        return await self._in(self._writing, work, deadline)

    async def _read(self, work: Callable[[], T]) -> T:
        return await self._in(self._reading, work, READ_DEADLINE)

    async def _in(self, executor: ThreadPoolExecutor, work: Callable[[], T], deadline: float | None) -> T:
        try:
            async with asyncio.timeout(deadline):
                return await asyncio.get_running_loop().run_in_executor(executor, work)
        except TimeoutError as problem:
            raise JournalUnavailable(f"The journal did not answer within {deadline:g} s.") from problem
