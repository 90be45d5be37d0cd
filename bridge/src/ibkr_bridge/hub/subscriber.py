"""One listener's mailbox: a slot where only the latest matters, a bounded queue where every message counts."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from ibkr_bridge.hub.closing import CloseCode, SubscriberClosed
from ibkr_bridge.hub.encoded import Encoded

Membership = Callable[[str, "Subscriber"], None]


class Subscriber:
    """Offers never wait; who reads too slowly is closed, and nobody else notices."""

    def __init__(self, join: Membership, leave: Membership, *, limit: int, flush_window: float) -> None:
        self._join = join
        self._leave = leave
        self._limit = limit
        self._flush_window = flush_window
        self._latest: dict[str, bool] = {}
        self._conditions: dict[str, str] = {}
        self._slots: dict[str, tuple[bytes, ...]] = {}
        self._queue: deque[bytes] = deque()
        self._closed: SubscriberClosed | None = None
        self._wake = asyncio.Event()
        self._flushed_at = float("-inf")

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(self._latest)

    @property
    def waiting(self) -> int:
        """Frames that all count and have not been taken yet."""
        return len(self._queue)

    def listen(self, topic: str, *, latest: bool = False, condition: str | None = None) -> None:
        """Join a topic. `latest`: only the newest frames matter; else every one counts.

        `condition` is what this listener already knows of the topic's condition.
        """
        self._latest[topic] = latest
        if condition is not None:
            self._conditions[topic] = condition
        self._join(topic, self)

    def ignore(self, topic: str) -> None:
        """Leave a topic; what still waits in its slot is dropped."""
        if self._latest.pop(topic, None) is not None:
            self._leave(topic, self)
            self._slots.pop(topic, None)
            self._conditions.pop(topic, None)

    def offer(self, topic: str, encoded: Encoded) -> None:
        if self._closed is not None or topic not in self._latest:
            return
        if encoded.condition != self._conditions.get(topic):
            self._note(topic, encoded)
        if not encoded.frames:
            return
        if self._latest[topic]:
            self._slots[topic] = encoded.frames
            self._wake.set()
        else:
            self.push(*encoded.frames)

    def _note(self, topic: str, encoded: Encoded) -> None:
        """The change of condition stays in its place: after what came before it."""
        if encoded.condition is not None:
            self._conditions[topic] = encoded.condition
            self.push(*self._slots.pop(topic, ()), encoded.notice)

    def push(self, *frames: bytes) -> None:
        """Put frames of its own into the line of what counts: answers, a first value."""
        if self._closed is not None:
            return
        if len(self._queue) + len(frames) > self._limit:
            self._end(CloseCode.SLOW, f"more than {self._limit} messages were waiting")
            return
        self._queue.extend(frames)
        self._wake.set()

    def go_away(self, reason: str) -> None:
        """What waits is still delivered, then the end."""
        if self._closed is None:
            self._closed = SubscriberClosed(CloseCode.STOPPING, reason)
            self._wake.set()

    def close(self) -> None:
        """Leave every topic and forget what waits."""
        for topic in self.topics:
            self.ignore(topic)
        self._queue.clear()

    async def next(self, timeout: float) -> list[bytes]:
        """What has come, counted messages first; an empty list after `timeout` seconds. Raises SubscriberClosed.

        Quotes are held back until the flush window since the last flush is over, so that a burst goes out as one.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._wake.wait()
                await self._gather()
        return self._take()

    async def _gather(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._queue and self._closed is None:
            left = self._flushed_at + self._flush_window - loop.time()
            if left <= 0:
                return
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._wake.wait()
        self._wake.set()

    def _take(self) -> list[bytes]:
        frames = list(self._queue)
        self._queue.clear()
        if self._slots:
            for slot in self._slots.values():
                frames.extend(slot)
            self._slots.clear()
            self._flushed_at = asyncio.get_running_loop().time()
        self._wake.clear()
        if self._closed is not None:
            self._wake.set()
            if not frames:
                raise self._closed
        return frames

    def _end(self, code: CloseCode, reason: str) -> None:
        self._closed = SubscriberClosed(code, reason)
        self._queue.clear()
        self._slots.clear()
        self._wake.set()
