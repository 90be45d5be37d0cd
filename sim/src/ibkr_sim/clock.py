"""The simulator's own time: real, faster, or standing still until it is moved by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """Simulated time that starts at `start` and runs `speed` seconds per second of `monotonic`; 0 stands still."""

    def __init__(
        self, start: datetime | None = None, speed: float = 1.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._anchor = (start or datetime.now(UTC)).astimezone(UTC)
        self._monotonic = monotonic
        self._real_anchor = monotonic()
        self._speed = speed

    @property
    def speed(self) -> float:
        return self._speed

    def now(self) -> datetime:
        return self._anchor + timedelta(seconds=(self._monotonic() - self._real_anchor) * self._speed)

    def set_speed(self, speed: float) -> None:
        """Change the pace from now on. Raises ValueError for a negative speed."""
        if speed < 0:
            raise ValueError("a clock cannot run backwards")
        self._anchor, self._real_anchor, self._speed = self.now(), self._monotonic(), speed

    def advance(self, step: timedelta) -> None:
        """Jump forward at once. Raises ValueError for a negative step."""
        if step < timedelta(0):
            raise ValueError("a clock cannot run backwards")
        self._anchor += step
