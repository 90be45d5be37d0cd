"""How fast a user may ask: messages by the second, and history (TWS API: "Historical Data Limitations")."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Final

_SECOND: Final = 1.0
_IDENTICAL: Final = timedelta(seconds=15)
_BURST: Final = timedelta(seconds=2)
_MOST_IN_BURST: Final = 5
_WINDOW: Final = timedelta(minutes=10)
_MOST_IN_WINDOW: Final = 60


class HistoryPacing:
    """What one user has asked for of late, over all clients; by simulated time."""

    def __init__(self) -> None:
        self._asked: deque[tuple[datetime, Hashable, Hashable, int]] = deque()

    def admits(self, request: Hashable, subject: Hashable, now: datetime, weight: int = 1) -> bool:
        """Whether a request may be made now; if so it is counted.

        The same `request` once in 15 seconds, fewer than six of a `subject` (contract, exchange, kind) in two seconds,
        60 in ten minutes by `weight`.
        """
        while self._asked and self._asked[0][0] <= now - _WINDOW:
            self._asked.popleft()
        identical = any(row[1] == request and row[0] > now - _IDENTICAL for row in self._asked)
        burst = sum(row[2] == subject and row[0] > now - _BURST for row in self._asked)
        whole = sum(row[3] for row in self._asked) + weight
        if identical or burst >= _MOST_IN_BURST or whole > _MOST_IN_WINDOW:
            return False
        self._asked.append((now, request, subject, weight))
        return True


class MessageRate:
    """The messages of one connection; by real time, in seconds of any clock."""

    def __init__(self, most: int) -> None:
        """`most` in a second; 0 for as many as come."""
        self.most = most
        self.broken = 0
        """How often there were too many."""
        self._times: deque[float] = deque(maxlen=most + 1)

    def delay(self, now: float) -> float:
        """How long a message would have to wait so as not to be one too many; 0 when it need not."""
        if not self.most or len(self._times) < self.most:
            return 0.0
        return max(self._times[-self.most] + _SECOND - now, 0.0)

    def note(self, now: float) -> None:
        self._times.append(now)
