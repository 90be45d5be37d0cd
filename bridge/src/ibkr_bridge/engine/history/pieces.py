"""Pieces of history on their way: queued within IBKR's pacing, shared by all who ask the same, each with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from math import inf, isfinite
from typing import Final

import structlog

from ibkr_bridge.domain.bars import Bar
from ibkr_bridge.domain.errors import BrokerRefused, BrokerSilent, NotSupported
from ibkr_bridge.engine.history.pacing import Asked, Question, question, remembered, wait
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.history import HistorySource, PacedOut, Piece

log = structlog.get_logger()
_ATTEMPTS: Final = 3
"""Of a piece that IBKR is silent about: to read twice harms nobody."""
_PENALTIES: Final = (15.0, 60.0, 150.0, 300.0, 600.0)
"""Seconds without any question after each refusal for pacing: another program of this user asks as well."""
_LEAST: Final = 0.001
"""Seconds until another look at the clock: what rounding makes a moment too early is not asked again at once."""


@dataclass(frozen=True, slots=True)
class Answered:
    bars: tuple[Bar, ...]
    at: datetime


@dataclass(slots=True)
class _Shared:
    task: asyncio.Task[Answered]
    callers: int = 0


@dataclass(slots=True)
class _Waiting:
    question: Question
    admitted: asyncio.Future[Asked]


class Pieces:
    def __init__(self, source: HistorySource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._asked: list[Asked] = []
        self._waiting: list[_Waiting] = []
        self._timer: asyncio.TimerHandle | None = None
        self._barred_until = 0.0
        self._under_way: dict[Piece, _Shared] = {}
        self._leaving: set[asyncio.Task[Answered]] = set()
        self._recent: dict[Piece, tuple[float, Answered]] = {}

    async def get(self, piece: Piece) -> Answered:
        """Who stops waiting ends his part, and the last one the question.

        Raises BrokerRefused, BrokerSilent, BrokerAway.
        """
        recent = self._known(piece)
        if recent is not None:
            return recent
        shared = self._under_way.get(piece)
        if shared is None:
            shared = _Shared(asyncio.create_task(self._fetch(piece), name=f"history of {piece.contract.symbol}"))
            self._under_way[piece] = shared
            shared.task.add_done_callback(lambda done: self._done(piece, done))
        shared.callers += 1
        try:
            return await asyncio.shield(shared.task)
        finally:
            shared.callers -= 1
            if not shared.callers and not shared.task.done():
                self._under_way.pop(piece, None)
                self._leaving.add(shared.task)
                shared.task.cancel()

    @asynccontextmanager
    async def turn(self, asking: Question) -> AsyncIterator[None]:
        """Inside, the question may be asked; one that the door cannot carry counts for nothing."""
        row = await self._admitted(asking)
        counted = True
        try:
            yield
        except NotSupported:
            counted = False
            raise
        finally:
            self._asked.remove(row)
            if counted:
                self._asked.append(Asked(asking, self._clock.monotonic()))
            self._admit()

    def queue(self, asking: Question) -> float | None:
        """Seconds that a question of this kind would wait; None while that depends on an answer under way."""
        left = self._wait(asking)
        return left if isfinite(left) else None

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        tasks = [*(shared.task for shared in self._under_way.values()), *self._leaving]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _known(self, piece: Piece) -> Answered | None:
        """IBKR refuses the same question for small bars within 15 seconds; the answer is still what it would be."""
        now, limits = self._clock.monotonic(), self._source.limits
        self._recent = {key: row for key, row in self._recent.items() if row[0] + limits.identical > now}
        known = self._recent.get(piece)
        return known[1] if known else None

    async def _fetch(self, piece: Piece) -> Answered:
        attempts, refusals = 0, 0
        asking = question(piece, self._source.limits)
        while True:
            try:
                async with self.turn(asking):
                    bars = await self._source.bars(piece)
            except PacedOut as refused:
                if refusals == len(_PENALTIES):
                    advice = "Another program of this user asks too. Try again in ten minutes."
                    raise BrokerRefused(refused.ibkr_code, refused.text, advice=advice) from refused
                log.warning("IBKR paced history out", text=refused.text, pause=_PENALTIES[refusals])
                self._barred_until = self._clock.monotonic() + _PENALTIES[refusals]
                refusals += 1
            except BrokerSilent as silent:
                attempts += 1
                if attempts == _ATTEMPTS:
                    raise
                log.info("history is asked for again", detail=silent.detail)
            else:
                answered = Answered(tuple(bars), self._clock.now())
                if asking.small:
                    self._recent[piece] = (self._clock.monotonic(), answered)
                return answered

    def _done(self, piece: Piece, done: asyncio.Task[Answered]) -> None:
        self._leaving.discard(done)
        shared = self._under_way.get(piece)
        if shared is not None and shared.task is done:
            del self._under_way[piece]
        if not done.cancelled():
            done.exception()  # told to whoever still waits; when nobody does, it is nobody's

    async def _admitted(self, asking: Question) -> Asked:
        """First come, first served, among those whom the same rule holds back."""
        waiting = _Waiting(asking, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._admit()
        try:
            return await waiting.admitted
        except asyncio.CancelledError:
            if waiting.admitted.done() and not waiting.admitted.cancelled():
                self._asked.remove(waiting.admitted.result())  # its turn came as it gave up
                self._admit()
            raise
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)

    def _admit(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._asked = remembered(self._asked, self._clock.monotonic(), self._source.limits)
        pauses = [inf]
        for waiting in tuple(self._waiting):
            left = self._wait(waiting.question)
            if left > 0:
                pauses.append(left)
                continue
            self._waiting.remove(waiting)
            if not waiting.admitted.done():
                row = Asked(waiting.question, None)
                self._asked.append(row)
                waiting.admitted.set_result(row)
        if isfinite(pause := min(pauses)):
            self._timer = asyncio.get_running_loop().call_later(max(pause, _LEAST), self._admit)

    def _wait(self, asking: Question) -> float:
        now = self._clock.monotonic()
        return max(wait(self._asked, asking, now, self._source.limits), self._barred_until - now)
