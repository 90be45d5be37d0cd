"""What is to be done later, by simulated or by real time, in order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Generic, TypeVar

Call = Callable[[], None]
When = TypeVar("When", datetime, float)


class _Queue(Generic[When]):
    def __init__(self) -> None:
        self._calls: list[tuple[When, int, Call]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, due: When, call: Call) -> None:
        self._count += 1
        heappush(self._calls, (due, self._count, call))

    def take(self, now: When) -> list[Call]:
        due = []
        while self._calls and self._calls[0][0] <= now:
            due.append(heappop(self._calls)[2])
        return due


class Agenda:
    """Calls that are due at the same time come out in the order in which they went in."""

    def __init__(self, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._now, self._monotonic = now, monotonic
        self._simulated: _Queue[datetime] = _Queue()
        self._real: _Queue[float] = _Queue()

    def __bool__(self) -> bool:
        return bool(self._simulated) or bool(self._real)

    def add(self, delay: timedelta, call: Call, *, real: bool = False) -> None:
        if real:
            self._real.add(self._monotonic() + delay.total_seconds(), call)
        else:
            self._simulated.add(self._now() + delay, call)

    def take(self) -> list[Call]:
        """Those that are due."""
        return [*self._real.take(self._monotonic()), *self._simulated.take(self._now())]
