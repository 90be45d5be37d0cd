"""Every event of every order passes here: applied, journalled, then told; one at a time, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from ibkr_bridge.domain.events import (
    Answered,
    CancelRequested,
    ChangeRefused,
    ChangeRequested,
    Forked,
    OrderEvent,
    OrderUpdate,
    Received,
    Warned,
)
from ibkr_bridge.domain.transitions import apply
from ibkr_bridge.engine.book import OrderBook
from ibkr_bridge.engine.topics import ORDERS
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.journal import Entry, Journal
from ibkr_bridge.ports.publisher import Publisher

log = structlog.get_logger()
_RETRY = 1.0
"""Seconds until a journal that could not be written is tried again."""
_TOLD_WITHOUT_CHANGE = (Warned, Answered, Forked, ChangeRequested, ChangeRefused, CancelRequested)


@dataclass(frozen=True, slots=True)
class _Waiting:
    entry: Entry
    kept: asyncio.Future[int]


class Recorder:
    """Whatever has gathered while the journal was busy is kept with its next write."""

    def __init__(
        self, book: OrderBook, journal: Journal, publisher: Publisher, clock: Clock, pinned: str | None = None
    ) -> None:
        """`pinned` is the account whose orders alone are told of; all are kept."""
        self._pinned = pinned
        self._book = book
        self._clock = clock
        self._problem: OSError | None = None
        self._journal = journal
        self._publisher = publisher
        self._waiting: list[_Waiting] = []
        self._listeners: list[Callable[[OrderUpdate], None]] = []
        self._arrived = asyncio.Event()

    @property
    def problem(self) -> str | None:
        """Why nothing can be kept at the moment; None: it can."""
        return None if self._problem is None else str(self._problem)

    def listen(self, listener: Callable[[OrderUpdate], None]) -> None:
        """Be told of each event once it is kept. Listeners live as long as the engine."""
        self._listeners.append(listener)

    def record(self, order_id: str, event: OrderEvent) -> asyncio.Future[int]:
        """Apply an event at once and queue it for the journal.

        The future holds the event's `seq` once it is kept, and 0 for an event that says nothing new.
        """
        kept: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        before = event.order if isinstance(event, Received) else self._book.get(order_id)
        after = apply(before, event) if before else None
        if after is None or (after is before and not isinstance(event, (Received, *_TOLD_WITHOUT_CHANGE))):
            kept.set_result(0)
            return kept
        self._book.put(after)
        self._waiting.append(_Waiting(Entry(event, after), kept))
        self._arrived.set()
        self._book.wake(after)  # who waits for the broker's word has it now; listeners, once it is kept
        return kept

    async def run(self) -> None:
        """Write until cancelled. What cannot be kept now is kept later, but for new orders: those fail at once."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            batch, self._waiting = self._waiting, []
            while batch and not await self._keep(batch):
                batch = self._postponed(batch)
                await self._clock.sleep(_RETRY)
                batch, self._waiting = [*batch, *self._waiting], []

    async def _keep(self, batch: list[_Waiting]) -> bool:
        try:
            first = await self._journal.append([waiting.entry for waiting in batch])
        except OSError as problem:
            if self._problem is None:
                log.warning("the journal cannot be written; new orders are refused", problem=str(problem))
            self._problem = problem
            return False
        if self._problem is not None:
            log.warning("the journal is written again")
            self._problem = None
        for seq, waiting in enumerate(batch, start=first):
            if not waiting.kept.done():  # who waited for it may have been called off
                waiting.kept.set_result(seq)
            self._tell(seq, waiting.entry)
        return True

    def _postponed(self, batch: list[_Waiting]) -> list[_Waiting]:
        """A new order without its intent on record is not sent; what the broker says is true all the same.

        Whatever came to such an order meanwhile goes with it: it never was.
        """
        never = {waiting.entry.order.id for waiting in batch if isinstance(waiting.entry.event, Received)}
        later, since = list[_Waiting](), self._waiting
        self._waiting = []
        for tried, waiting in [*((True, one) for one in batch), *((False, one) for one in since)]:
            order = waiting.entry.order
            if order.id in never:
                self._book.drop(order)
                self._give_up(waiting)
            elif tried and isinstance(waiting.entry.event, ChangeRequested):
                self._give_up(waiting)
            else:
                (later if tried else self._waiting).append(waiting)
        return later

    def _give_up(self, waiting: _Waiting) -> None:
        if not waiting.kept.done():
            waiting.kept.set_exception(self._problem or OSError("the journal cannot be written"))
            waiting.kept.exception()  # whoever waits is told; nobody waiting is not an error of its own

    def _tell(self, seq: int, entry: Entry) -> None:
        update = OrderUpdate(seq, entry.event, entry.order)
        for listener in self._listeners:
            listener(update)
        if self._pinned in (None, entry.order.account):
            self._publisher.publish(ORDERS, update)
