"""An event loop whose time jumps: sockets are real, waiting is not."""

from __future__ import annotations

import asyncio
import os
import random
import selectors
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar

T = TypeVar("T")
START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
_LATE = 1e-6
"""Seconds by which a timer strikes late, as real ones do: one that rounding lets strike early would strike for ever."""


_give_way: Callable[[], None] = getattr(os, "sched_yield", lambda: time.sleep(0))
"""Where it exists, it costs a hundredth of a sleep, which Linux makes 50 microseconds longer than it was asked for."""


_ROUNDS: Final = 20_000
"""Of the loop at one instant of virtual time (a sound world needs about 100): beyond, two sides answer each other."""


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for no timer: when no byte is on its way, the clock is moved to the next one."""

    now = 0.0
    rounds = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.rounds += 1
        if self.rounds > _ROUNDS:
            self.rounds = 0
            raise RuntimeError("time stands still: the world spins")
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        _give_way()  # bytes on their way through loopback get their chance before time jumps
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise RuntimeError("nothing is left to wait for: the world hangs")
        self.now += timeout + _LATE
        self.rounds = 0
        return []


class JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self, begin: float = 0.0) -> None:
        """`begin`: seconds after START."""
        self._jumping = _JumpingSelector()
        self._jumping.now = begin
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """A thread of the machine's takes real time, which would make the world differ from run to run.

        What asks for any thread at all (compression, by web servers) is done at once, and takes no time.
        """
        if isinstance(executor, JumpingThread):
            return super().run_in_executor(executor, func, *args)
        if executor is not None:
            raise TypeError("only a thread of this world may work in virtual time")
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as problem:  # noqa: BLE001  a thread hands on whatever its work raised
            done.set_exception(problem)
        return done


class Moment(StrEnum):
    """Where a killed process may stand with what it writes."""

    BEFORE = "before the commit"
    AFTER = "after the commit"


class Disk:
    """How long the work of one process's threads takes in virtual time, and where it stands when that is killed.

    Work is done whole at one instant between its beginning and its answer: a process that dies before that instant
    has not committed, one that dies behind it has, and does not know.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seed: str) -> None:
        self.loop = loop
        self.dead = False
        self._random = random.Random(seed)
        self._armed: tuple[Moment, Callable[[], None]] | None = None

    def pause(self) -> float:
        """Seconds; now and then a disk that takes its time."""
        return self._random.expovariate(1 / 0.2 if self._random.random() < 0.03 else 1 / 0.002)

    def kill(self) -> None:
        """What was not done yet is never done, and nobody hears of what was."""
        self.dead = True

    def arm(self, moment: Moment, struck: Callable[[], None]) -> None:
        """Kill it at its next write."""
        self._armed = (moment, struck)

    def pass_by(self, moment: Moment) -> bool:
        """Whether the process lives on behind this moment of a write."""
        if self._armed is not None and self._armed[0] is moment and not self.dead:
            self.dead = True
            self._armed[1]()
        return not self.dead


class JumpingThread(ThreadPoolExecutor):
    """One thread of a process in virtual time; it works on the loop, one thing after the other."""

    def __init__(self, disk: Disk, *, writes: bool) -> None:
        super().__init__(1)
        self._disk = disk
        self._writes = writes
        self._free = 0.0

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        done: Future[T] = Future()
        loop = self._disk.loop
        self._free = max(loop.time(), self._free) + self._disk.pause()
        loop.call_at(self._free, self._do, done, lambda: fn(*args, **kwargs))
        return done

    def _do(self, done: Future[T], work: Callable[[], T]) -> None:
        if not self._goes_on(Moment.BEFORE) or not done.set_running_or_notify_cancel():
            return
        try:
            result = work()
        except Exception as problem:  # noqa: BLE001  a thread hands on whatever its work raised
            self._answer(done.set_exception, problem)
        else:
            self._answer(done.set_result, result)

    def _answer(self, tell: Callable[[Any], None], what: object) -> None:
        def answer() -> None:
            if not self._disk.dead:
                tell(what)

        if self._goes_on(Moment.AFTER):
            self._free += self._disk.pause()
            self._disk.loop.call_at(self._free, answer)

    def _goes_on(self, moment: Moment) -> bool:
        return self._disk.pass_by(moment) if self._writes else not self._disk.dead


def world_time(loop: asyncio.AbstractEventLoop) -> datetime:
    """What a world's clocks show."""
    return START + timedelta(seconds=loop.time())


class WorldClock:
    """Fills ports.clock.Clock: the loop's time, and chance from a seed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seed: str) -> None:
        self._loop = loop
        self._random = random.Random(seed)

    def now(self) -> datetime:
        return world_time(self._loop)

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def entropy(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def jitter(self) -> float:
        return self._random.random()
