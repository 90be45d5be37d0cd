"""What is to happen at a moment although nobody trades: expiries, dividends, a look at the margin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from heapq import heappop, heappush
from itertools import count


class Agenda:
    """Entries of one moment are taken in the order in which they were made."""

    def __init__(self) -> None:
        self._rows: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._numbers = count()

    @property
    def next(self) -> datetime | None:
        return self._rows[0][0] if self._rows else None

    def at(self, moment: datetime, act: Callable[[datetime], None]) -> None:
        """`act` is told when it is done, which may be a step later."""
        heappush(self._rows, (moment, next(self._numbers), act))

    def work(self, now: datetime) -> None:
        """Do all that is due."""
        while self._rows and self._rows[0][0] <= now:
            _moment, _number, act = heappop(self._rows)
            act(now)
