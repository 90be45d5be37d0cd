"""Every event of every order passes here: applied, journalled, then told; one at a time, in order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ibkr_bridge.domain.events import (
    CancelRequested,
    ChangeRefused,
    ChangeRequested,
    OrderEvent,
    OrderUpdate,
    Received,
    Warned,
)
from ibkr_bridge.domain.order import Order
from ibkr_bridge.domain.transitions import apply
from ibkr_bridge.engine.book import OrderBook
from ibkr_bridge.engine.topics import ORDERS
from ibkr_bridge.ports.journal import Entry, Journal
from ibkr_bridge.ports.publisher import Publisher

_TOLD_WITHOUT_CHANGE = (Warned, ChangeRequested, ChangeRefused, CancelRequested)


@dataclass(frozen=True, slots=True)
class _Waiting:
    entry: Entry
    kept: asyncio.Future[int]


class Recorder:
    """Whatever has gathered while the journal was busy is kept with its next write."""

    def __init__(self, book: OrderBook, journal: Journal, publisher: Publisher) -> None:
        self._book = book
        self._journal = journal
        self._publisher = publisher
        self._waiting: list[_Waiting] = []
        self._arrived = asyncio.Event()

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
        return kept

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            batch, self._waiting = self._waiting, []
            await self._keep(batch)

    async def _keep(self, batch: list[_Waiting]) -> None:
        try:
            first = await self._journal.append([waiting.entry for waiting in batch])
        except OSError as problem:
            for waiting in batch:
                waiting.kept.set_exception(problem)
                waiting.kept.exception()  # whoever waits is told; nobody waiting is not an error of its own
            return
        for seq, waiting in enumerate(batch, start=first):
            waiting.kept.set_result(seq)
            self._tell(seq, waiting.entry)

    def _tell(self, seq: int, entry: Entry) -> None:
        self._publisher.publish(ORDERS, OrderUpdate(seq, entry.event, entry.order))
        self._book.wake(_latest(self._book, entry.order))


def _latest(book: OrderBook, order: Order) -> Order:
    return book.get(order.id) or order
