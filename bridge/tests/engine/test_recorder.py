from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.events import AnswerLost, Received, Warned
from ibkr_bridge.domain.order import Order, OrderStatus
from ibkr_bridge.domain.terms import OrderType, Side, Terms
from ibkr_bridge.engine import recorder as module
from ibkr_bridge.engine.book import OrderBook
from ibkr_bridge.engine.recorder import Recorder
from ibkr_bridge.hub.encoded import Encoded
from ibkr_bridge.hub.hub import Hub
from ibkr_bridge.ports.journal import Entry
from ibkr_bridge.runtime.clock import SystemClock
from ibkr_bridge.storage.memory import MemoryJournal

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class Disk(MemoryJournal):
    """One that can be slow, full, or both."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False
        self.awake, self.asked = asyncio.Event(), asyncio.Event()
        self.awake.set()

    async def append(self, entries: Sequence[Entry]) -> int:
        self.asked.set()
        await self.awake.wait()
        if self.full:
            raise OSError(28, "No space left on device")
        return await super().append(entries)


def order(name: str) -> Order:
    terms = Terms(Side.BUY, Decimal(1), OrderType.LIMIT, Decimal(100))
    contract = Contract(265598, "AAPL", "STK", "SMART", "USD")
    return Order(name, "DU9912345", contract, terms, OrderStatus.RECEIVED, NOW, NOW)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def book() -> OrderBook:
    return OrderBook(lambda _before, _after: None)


@pytest.fixture
async def recorder(disk: Disk, book: OrderBook, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Recorder]:
    monkeypatch.setattr(module, "_RETRY", 0.01)
    recorder = Recorder(book, disk, Hub(lambda _topic, _message: Encoded()), SystemClock())
    running = asyncio.create_task(recorder.run())
    yield recorder
    assert not running.done(), "it writes until it is told to stop"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_who_no_longer_waits_does_not_end_the_record(recorder: Recorder, disk: Disk) -> None:
    disk.awake.clear()
    one = order("one")
    recorder.record("one", Received(one, "", NOW)).cancel()
    later = recorder.record("one", Warned(1, "as it were", NOW))
    disk.awake.set()
    assert await later == 2


async def test_what_came_to_an_order_whose_intent_was_never_kept_goes_with_it(
    recorder: Recorder, disk: Disk, book: OrderBook
) -> None:
    disk.full = True
    disk.awake.clear()
    intent = recorder.record("one", Received(order("one"), "", NOW))
    await disk.asked.wait()
    lost = recorder.record("one", AnswerLost("no word", NOW))
    other = recorder.record("two", Received(order("two"), "", NOW))
    disk.awake.set()
    for future in (intent, lost):
        with pytest.raises(OSError, match="No space"):
            await future
    assert book.get("one") is None
    disk.full = False
    told: Any = await other
    assert told == 1, "the journal knows of no other"
    assert await disk.order("one") is None
