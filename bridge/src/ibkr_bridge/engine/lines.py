"""Lines at the broker: one a key however many want it, asked for again after a refusal, ended when nobody wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Generic, Protocol, TypeVar

import structlog

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import BridgeError, BrokerRefused, LineRefused
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.ports.clock import Clock

log = structlog.get_logger()
_SWEEP: Final = 1.0
"""How often lines that nobody wants any more, and refused ones, are looked for, in seconds."""
_AT_ONCE: Final = 10
"""Lines that are asked for at the same time: the others wait where no deadline runs."""
_RETRIES: Final = 5
"""Refused lines that are asked for again in one sweep: they must not use up the budget of others."""
_NO_ROOM: Final = frozenset({101, 309})
_LATER: Final[Mapping[int, str]] = MappingProxyType(
    {
        101: "Every market data line of this user is in use: end a subscription to another contract.",
        309: "IBKR shows three books at a time, more to larger accounts: end a subscription to another one.",
        316: "The contract is halted; its book is asked for again by itself while somebody wants it.",
        10197: "Another session of this user has the market data: log it out.",
    }
)
"""Refusals that pass, and what to do (TWS API, "Message Codes"; 10197 was observed)."""


class Failure(Protocol):
    """The broker does not deliver, in its own words."""

    @property
    def ibkr_code(self) -> int | None: ...

    @property
    def text(self) -> str: ...

    @property
    def passing(self) -> bool:
        """Whether the door sets it right by itself: then nothing is to be asked again."""


def refusal(failed: Failure, advice: str) -> BrokerRefused:
    later = _LATER.get(failed.ibkr_code or 0)
    if later is not None:
        return LineRefused(failed.ibkr_code, failed.text, advice=later)
    return BrokerRefused(failed.ibkr_code, failed.text, advice=advice)


@dataclass(slots=True, eq=False)
class Line:
    """Times in monotonic seconds."""

    key: Hashable
    contract: Contract
    listeners: int = field(default=0, init=False)
    wanted_until: float = field(default=0.0, init=False)
    failed: Failure | None = field(default=None, init=False)
    """Until the next good word, also while it is being asked for again: what is known stays in doubt."""
    waiting: bool = field(default=True, init=False)
    """Asked for, and not a word has come since."""
    changed: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    is_open: bool = field(default=False, init=False)
    problem: BridgeError | None = field(default=None, init=False)
    """Why it never came about, for those who waited with the first."""
    asked_at: float = field(default=0.0, init=False)
    pause: float = field(default=0.0, init=False)
    again_at: float | None = field(default=None, init=False)
    """When a refused line may be asked for again; None where no refusal stands."""

    @property
    def lacks_room(self) -> bool:
        """Whether it was refused because too many others are open."""
        return self.failed is not None and self.failed.ibkr_code in _NO_ROOM


Kind = TypeVar("Kind", bound=Line)


class Lines(Generic[Kind]):
    """A line has a turn of its own, so that who wants one never waits for another's."""

    def __init__(
        self,
        clock: Clock,
        sessions: Sessions,
        *,
        ask: Callable[[Kind], Awaitable[None]],
        end: Callable[[Kind], Awaitable[None]],
        first_pause: float = 2.0,
        longest_pause: float = 30.0,
    ) -> None:
        self._clock = clock
        self._sessions = sessions
        self._ask = ask
        self._end = end
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self._by_key: dict[Hashable, Kind] = {}
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._any = asyncio.Event()
        """Whether there are lines to be looked at."""

    def __iter__(self) -> Iterator[Kind]:
        return iter(tuple(self._by_key.values()))

    def get(self, key: Hashable) -> Kind | None:
        return self._by_key.get(key)

    async def opened(self, key: Hashable, make: Callable[[], Kind]) -> Kind:
        """The line, asked for if it has to be. Who returns from here says at once how long he wants it.

        Raises BrokerAway, and what asking raises: the same to all who waited for it.
        """
        while True:
            line = self._by_key.get(key)
            if line is None:
                self._sessions.require()
                line = self._by_key[key] = make()
                self._any.set()
            if line.is_open and not self._due(line):
                return line
            async with line.turn:
                if line.problem is not None:
                    raise line.problem
                if self._by_key.get(key) is not line:
                    continue  # it was being closed
                if not line.is_open:
                    await self._begin(line)
                elif self._due(line):
                    await self._again(line)

    async def acquire(self, key: Hashable, make: Callable[[], Kind]) -> Kind:
        """Count one listener more. Raises as `opened`."""
        line = await self.opened(key, make)
        line.listeners += 1
        return line

    async def close(self, line: Kind, *, idle: bool = False) -> None:
        """End it unless somebody wants it; `idle`: unless somebody listens."""
        async with line.turn:
            wanted = line.listeners > 0 if idle else self._wanted(line)
            if wanted or not line.is_open or self._by_key.get(line.key) is not line:
                return
            line.is_open = False
            try:
                await self._ended(line)
            finally:
                del self._by_key[line.key]
            self._freed()

    async def again(self, line: Kind) -> None:
        """Ask at once for a line whose refusal stands."""
        async with line.turn:
            if line.again_at is not None and self._by_key.get(line.key) is line:
                await self._again(line)

    def told(self, line: Kind) -> None:
        """The broker delivers."""
        line.failed, line.again_at, line.waiting = None, None, False
        line.changed.set()

    def refused(self, line: Kind, failed: Failure) -> None:
        line.failed, line.waiting = failed, False
        if line.again_at is None and not failed.passing:
            self._put_off(line)
        line.changed.set()

    async def run(self) -> None:
        """Close what nobody wants any more, ask again for what was refused, until cancelled."""
        while True:
            await self._any.wait()
            await self._clock.sleep(_SWEEP)
            for line in self:
                if line.is_open and not self._wanted(line):
                    await self.close(line)
            due = [line for line in self if line.listeners > 0 and self._due(line)]
            for line in sorted(due, key=lambda line: line.again_at or 0.0)[:_RETRIES]:
                await self.again(line)
            if not self._by_key:
                self._any.clear()

    async def _begin(self, line: Kind) -> None:
        try:
            await self._asked(line)
        except BridgeError as problem:
            line.problem = problem
            raise
        finally:
            if not line.is_open:
                del self._by_key[line.key]

    async def _asked(self, line: Kind) -> None:
        async with self._room:
            line.asked_at = self._clock.monotonic()
            await self._ask(line)
        line.is_open = True

    async def _again(self, line: Kind) -> None:
        """A line that IBKR has ended is ended here too, and then another."""
        await self._ended(line)
        line.waiting, line.again_at = True, None
        try:
            await self._asked(line)
        except BridgeError as problem:
            log.debug("a refused line could not be asked for again", line=line.key, detail=problem.detail)
            line.waiting = False
            self._put_off(line)
        except asyncio.CancelledError:
            line.waiting, line.again_at = False, self._clock.monotonic()
            raise

    async def _ended(self, line: Kind) -> None:
        try:
            await self._end(line)
        except BridgeError as problem:
            log.debug("a line closed while away", line=line.key, detail=problem.detail)

    def _put_off(self, line: Kind) -> None:
        """Later each time, unless it was delivered for long."""
        now = self._clock.monotonic()
        new = not line.pause or now - line.asked_at > 2 * self._longest_pause
        line.pause = self._first_pause if new else min(line.pause * 2, self._longest_pause)
        line.again_at = now + line.pause

    def _freed(self) -> None:
        """There is room for one that lacks it."""
        now = self._clock.monotonic()
        for line in self:
            if line.lacks_room and line.again_at is not None:
                line.again_at = now

    def _due(self, line: Kind) -> bool:
        at = line.again_at
        return at is not None and at <= self._clock.monotonic() and self._sessions.stale is None

    def _wanted(self, line: Kind) -> bool:
        return line.listeners > 0 or line.wanted_until > self._clock.monotonic()
