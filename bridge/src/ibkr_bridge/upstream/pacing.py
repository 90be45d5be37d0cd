"""IBKR's message budget, kept so that orders go before data."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from enum import IntEnum


class Lane(IntEnum):
    """Who goes first when the budget is short."""

    ORDERS = 0
    SESSION = 1
    DATA = 2


_LEAST = 0.001
"""Seconds until another look at the clock: what rounding makes a moment too early is not asked again at once."""


class Pacer:
    """At most `budget` turns in any `window` seconds; `reserve` of them are for orders alone.

    IBKR allows 50 messages a second (TWS API, "Limitations: Requests"); the default keeps a margin. What is `answered`
    is counted until its answer, `done`, and for the window after that: nobody knows when in between it arrived.
    """

    def __init__(self, budget: int = 45, reserve: int = 10, window: float = 1.0, *, answered: bool = False) -> None:
        self._budget = budget
        self._reserve = reserve
        self._window = window
        self._answered = answered
        self._unanswered = 0
        self._taken: deque[float] = deque()
        self._waiting: dict[Lane, deque[asyncio.Future[float]]] = {lane: deque() for lane in Lane}
        self._timer: asyncio.TimerHandle | None = None

    async def turn(self, lane: Lane) -> None:
        """Return when one message of this lane may be sent; send it before the next await."""
        if not self._ahead_of(lane) and self._free(lane):
            self._take()
            return
        waiter: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting[lane].append(waiter)
        self._schedule()
        try:
            admitted = await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and self._answered:
                self.done()  # its turn came as it gave up
            raise
        finally:
            with suppress(ValueError):  # its turn came, or it was passed over because it had given up
                self._waiting[lane].remove(waiter)
        if not self._answered:  # what counts is when it is sent: a busy loop may have kept it waiting since
            with suppress(ValueError):  # longer than a window: it counts no more
                self._taken.remove(admitted)
            self._taken.append(self._now())

    def done(self) -> None:
        """One of the turns taken has its answer, or will have none."""
        self._unanswered -= 1
        self._taken.append(self._now())
        if any(self._waiting.values()):
            self._schedule()

    def fill(self) -> None:
        """As if every turn of this window had been taken."""
        self._taken.extend([self._now()] * self._budget)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _ahead_of(self, lane: Lane) -> bool:
        return any(self._waiting[other] for other in Lane if other <= lane)

    def _free(self, lane: Lane) -> bool:
        now = self._now()
        while self._taken and now - self._taken[0] >= self._window:
            self._taken.popleft()
        allowed = self._budget if lane is Lane.ORDERS else self._budget - self._reserve
        return len(self._taken) + self._unanswered < allowed

    def _take(self) -> float:
        now = self._now()
        if self._answered:
            self._unanswered += 1
        else:
            self._taken.append(now)
        return now

    def _schedule(self) -> None:
        if self._timer is None and self._taken:
            wait = max(_LEAST, self._taken[0] + self._window - self._now())
            self._timer = asyncio.get_running_loop().call_later(wait, self._admit)

    def _admit(self) -> None:
        self._timer = None
        for lane in Lane:
            queue = self._waiting[lane]
            while queue and self._free(lane):
                waiter = queue.popleft()
                if not waiter.done():
                    waiter.set_result(self._take())
        if any(self._waiting.values()):
            self._schedule()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
