"""An order and its children go whole or not at all: where the broker has taken only a part, the part is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from ibkr_bridge.domain.brackets import leftover
from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.domain.events import OrderUpdate, Warned
from ibkr_bridge.domain.order import Order
from ibkr_bridge.engine.book import OrderBook
from ibkr_bridge.engine.orders.sending import Sending
from ibkr_bridge.engine.recorder import Recorder
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.journal import Journal

log = structlog.get_logger()


async def with_relatives(journal: Journal) -> list[Order]:
    """The orders that have not ended, and the children of theirs that have. Raises OSError."""
    unfinished = {order.id: order for order in await journal.unfinished()}
    children = {child for order in unfinished.values() for child in order.children} - unfinished.keys()
    ended = [await journal.order(child) for child in sorted(children)]
    return [*unfinished.values(), *(order for order in ended if order is not None)]


class Brackets:
    def __init__(
        self,
        clock: Clock,
        settings: EngineSettings,
        *,
        book: OrderBook,
        recorder: Recorder,
        sessions: Sessions,
        sending: Sending,
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._book = book
        self._recorder = recorder
        self._sessions = sessions
        self._sending = sending
        self._undoing: dict[str, asyncio.Task[None]] = {}

    def hear(self, update: OrderUpdate) -> None:
        """Begin to undo a bracket as soon as a part of it is known to be missing at the broker."""
        order = update.order
        name = order.parent_id or (order.id if order.children else None)
        if name is None or name in self._undoing or not self._leftover(name):
            return
        task = asyncio.create_task(self._undo(name), name=f"bracket of {name}")
        self._undoing[name] = task
        task.add_done_callback(lambda _task: self._undoing.pop(name, None))

    async def close(self) -> None:
        tasks = list(self._undoing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _undo(self, name: str) -> None:
        log.warning("IBKR has taken only a part of a bracket", order=name)
        text = "IBKR has taken only a part of this order and its children; what it has taken is being cancelled."
        self._recorder.record(name, Warned(0, text, self._clock.now()))
        while left := self._leftover(name):
            if self._sessions.current.ready:
                await self._cancel(left)
            if self._leftover(name):
                await self._clock.sleep(self._settings.inquiry_interval)

    async def _cancel(self, left: Sequence[Order]) -> None:
        for order in left:
            try:
                await self._sending.cancel(order)
            except BridgeError as problem:
                log.warning("a part of a bracket could not be cancelled", order=order.id, detail=problem.detail)

    def _leftover(self, name: str) -> tuple[Order, ...]:
        parent = self._book.get(name)
        if parent is None:
            return ()
        children = (self._book.get(child) for child in parent.children)
        return leftover(parent, [child for child in children if child is not None])
