"""The hours at which something happens to an order although no price moves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from heapq import heappop, heappush


class Alarms:
    """An alarm that no longer means anything still rings: whoever hears it looks again."""

    def __init__(self) -> None:
        self._rows: list[tuple[datetime, int]] = []
        self._known: set[tuple[datetime, int]] = set()

    @property
    def next(self) -> datetime | None:
        return self._rows[0][0] if self._rows else None

    def set(self, moment: datetime, perm_id: int) -> None:
        """The same one again is one alarm."""
        if (moment, perm_id) not in self._known:
            self._known.add((moment, perm_id))
            heappush(self._rows, (moment, perm_id))

    def due(self, now: datetime) -> Iterator[int]:
        """Take out those whose hour has come, the earliest first."""
        while self._rows and self._rows[0][0] <= now:
            row = heappop(self._rows)
            self._known.discard(row)
            yield row[1]
