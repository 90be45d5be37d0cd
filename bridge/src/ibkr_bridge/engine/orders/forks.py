"""A change that left two orders at the broker: shown at once, and the surplus cancelled until one is left, or none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.domain.events import Forked
from ibkr_bridge.domain.order import Order
from ibkr_bridge.engine.book import OrderBook
from ibkr_bridge.engine.recorder import Recorder
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.upstream import Upstream

log = structlog.get_logger()


class Forks:
    def __init__(
        self,
        upstream: Upstream,
        clock: Clock,
        settings: EngineSettings,
        *,
        book: OrderBook,
        recorder: Recorder,
        sessions: Sessions,
        settled: Callable[[], None],
    ) -> None:
        """`settled` is called when nothing is too much any more: what is left has terms of its own."""
        self._upstream = upstream
        self._clock = clock
        self._settings = settings
        self._book = book
        self._recorder = recorder
        self._sessions = sessions
        self._settled = settled
        self._stopping: dict[str, asyncio.Task[None]] = {}

    def look_at(self, order_id: str) -> None:
        """Begin to stop what is too much of this order at the broker, if anything is."""
        order = self._book.get(order_id)
        if order is None or not order.surplus or order_id in self._stopping:
            return
        task = asyncio.create_task(self._stop(order), name=f"fork of {order_id}")
        self._stopping[order_id] = task
        task.add_done_callback(lambda _task: self._stopping.pop(order_id, None))

    async def close(self) -> None:
        tasks = list(self._stopping.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _stop(self, order: Order) -> None:
        names = tuple(theirs.perm_id for theirs in order.live_at_broker)
        log.warning("an order has forked at IBKR", order=order.id, perm_ids=names)
        text = f"IBKR holds {len(names)} live orders for this one (perm ids {', '.join(map(str, names))})"
        self._recorder.record(order.id, Forked(f"{text}; what is too much is being cancelled.", self._clock.now()))
        while surplus := self._surplus(order.id):
            if self._sessions.current.ready:
                await self._cancel(order.id)
            await self._changed(order.id, len(surplus))
        self._settled()

    async def _cancel(self, order_id: str) -> None:
        order = self._book.get(order_id)
        if order is None or not order.surplus:
            return
        try:
            await self._upstream.cancel(order, order.surplus[0])
        except BridgeError as problem:
            log.warning("a fork could not be cancelled", order=order_id, code=problem.code, detail=problem.detail)

    async def _changed(self, order_id: str, count: int) -> None:
        """Until the surplus is another, or it is time to try again."""
        try:
            async with asyncio.timeout(self._settings.inquiry_interval):
                while len(self._surplus(order_id)) == count:
                    await self._book.next(order_id)
        except TimeoutError:
            return

    def _surplus(self, order_id: str) -> tuple[object, ...]:
        order = self._book.get(order_id)
        return order.surplus if order else ()
