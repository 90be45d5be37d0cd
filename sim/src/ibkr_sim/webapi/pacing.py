"""IBKR's limits on requests, and the penalty for breaking one (Web API: "Pacing Limitations")."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests within so many seconds. `name` is what is counted: one path, or several together."""

    name: str
    requests: int
    seconds: float


class Pacing:
    """`real` counts seconds as callers do; the penalty passes on the simulated clock, `now`."""

    def __init__(self, real: Callable[[], float], now: Callable[[], datetime], penalty: timedelta) -> None:
        self._real, self._now, self._penalty = real, now, penalty
        self._seen: dict[tuple[str, str], deque[float]] = {}
        self._boxed: dict[str, datetime] = {}

    def admits(self, address: str, session: str, *limits: Limit) -> bool:
        """Whether a request may pass; one too many puts its address into the penalty box."""
        until = self._boxed.get(address)
        if until is not None and self._now() < until:
            return False
        if all(self._fits(session, limit) for limit in limits):
            for limit in limits:
                self._seen[session, limit.name].append(self._real())
            return True
        self._boxed[address] = self._now() + self._penalty
        return False

    def boxed_until(self, address: str) -> datetime | None:
        """The end of a penalty, also one that is over."""
        return self._boxed.get(address)

    def release(self, address: str) -> None:
        """End a penalty before its time."""
        self._boxed.pop(address, None)

    def _fits(self, session: str, limit: Limit) -> bool:
        seen = self._seen.setdefault((session, limit.name), deque())
        since = self._real() - limit.seconds
        while seen and seen[0] <= since:
            seen.popleft()
        return len(seen) < limit.requests
