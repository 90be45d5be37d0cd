"""The real time and real chance."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from datetime import UTC, datetime


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def entropy(self, count: int) -> bytes:
        return secrets.token_bytes(count)

    def jitter(self) -> float:
        return random.random()  # noqa: S311  spreads retries, guards nothing
