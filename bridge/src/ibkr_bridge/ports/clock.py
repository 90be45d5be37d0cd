"""Time and chance, so that a test can own both."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The time of day, in UTC."""

    def monotonic(self) -> float:
        """Seconds that only ever grow."""

    async def sleep(self, seconds: float) -> None: ...

    def entropy(self, count: int) -> bytes:
        """That many unpredictable bytes."""

    def jitter(self) -> float:
        """A number from [0, 1), to spread retries."""
