"""An event loop whose time jumps: sockets are real, waiting is not."""

from __future__ import annotations

import asyncio
import random
import selectors
import time
from datetime import UTC, datetime, timedelta
from typing import NoReturn

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for no timer: when no byte is on its way, the clock is moved to the next one."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        time.sleep(0)  # bytes on their way through loopback get their chance before time jumps
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise RuntimeError("nothing is left to wait for: the world hangs")
        self.now += timeout
        return []


class JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(self, *_arguments: object) -> NoReturn:
        """A thread takes real time, which would make the world differ from run to run."""
        raise RuntimeError("no thread may work in virtual time")


class WorldClock:
    """Fills ports.clock.Clock: the loop's time, and chance from a seed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seed: str) -> None:
        self._loop = loop
        self._random = random.Random(seed)

    def now(self) -> datetime:
        return START + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def entropy(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def jitter(self) -> float:
        return self._random.random()
