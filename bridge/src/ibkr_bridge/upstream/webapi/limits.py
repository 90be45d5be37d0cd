"""IBKR's limits for this door, kept by us: calls a second, calls at once, and calls of one endpoint."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from ibkr_bridge.upstream.pacing import Lane, Pacer

ENDPOINTS: Final[Mapping[str, float]] = MappingProxyType(
    {
        r"GET /iserver/account/orders": 5.0,
        r"GET /iserver/account/trades": 5.0,
        r"GET /iserver/account/pnl/partitioned": 5.0,
        r"GET /portfolio/(sub)?accounts": 5.0,
        r"\w+ /sso/validate": 60.0,
        r"\w+ /tickle": 1.0,
        r"POST /iserver/scanner/run": 1.0,
        r"GET /iserver/scanner/params": 900.0,
        r"GET /iserver/marketdata/snapshot": 0.1,
        r"\w+ /fyi/.*": 1.0,
        r"POST /pa/(performance|summary|transactions)": 900.0,
    }
)
"""Seconds from one call to the next (Web API v1.0, "Pacing Limitations")."""
_MARGIN: Final = 1.05
"""IBKR's clock and ours need not agree on a second."""
_SOON: Final = 10.0
_OFTEN: Final = 1.0
"""Seconds; of an endpoint that may be asked more often, several calls may be under way."""


@dataclass(frozen=True, slots=True)
class Limits:
    per_second: int = 9
    """IBKR allows 10 through a gateway, and 50 to a user of OAuth."""
    reserved: int = 3
    """Of these, kept for orders."""
    at_once: int = 3
    """The gateway has 5 connections to IBKR and no timeout: the others are for orders and the session."""
    endpoints: Mapping[str, float] = field(default_factory=lambda: ENDPOINTS)
    wary: bool = True
    """Begin as if everything had just been asked: a service that was killed a second ago may have asked it, and one
    call too many is answered with a quarter of an hour of silence."""


@dataclass(slots=True)
class _Endpoint:
    pattern: re.Pattern[str]
    interval: float
    free_at: float = 0.0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


def _endpoint(pattern: str, interval: float, asked_at: float | None) -> _Endpoint:
    """Those that may be asked once in minutes are not asked at a start."""
    waits = asked_at is not None and interval <= _SOON
    return _Endpoint(re.compile(pattern), interval, (asked_at or 0.0) + interval if waits else 0.0)


class Turns:
    """Who may call now."""

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self._pacer = Pacer(limits.per_second, limits.reserved, window=_MARGIN, answered=True)
        self._slow = asyncio.Semaphore(limits.at_once)
        if limits.wary:
            self._pacer.fill()
        self._endpoints = tuple(
            _endpoint(pattern, every * _MARGIN, now() if limits.wary else None)
            for pattern, every in limits.endpoints.items()
        )
        self._now = now

    @asynccontextmanager
    async def turn(self, endpoint: str, lane: Lane, *, slow: bool) -> AsyncIterator[None]:
        """`endpoint` is method and path, as "GET /tickle". What is not slow waits for nothing that is.

        A call is counted where it arrives, which may be at any moment until its answer.
        """
        async with self._slow if slow else nullcontext():
            known = next((known for known in self._endpoints if known.pattern.fullmatch(endpoint)), None)
            async with self._counted(lane) if known is None else self._apart(known, lane):
                yield

    def close(self) -> None:
        self._pacer.close()

    @asynccontextmanager
    async def _counted(self, lane: Lane) -> AsyncIterator[None]:
        await self._pacer.turn(lane)
        try:
            yield
        finally:
            self._pacer.done()

    @asynccontextmanager
    async def _apart(self, endpoint: _Endpoint, lane: Lane) -> AsyncIterator[None]:
        """Calls of one endpoint queue up; of one that is asked seldom, each until the one before has its answer."""
        async with AsyncExitStack() as alone:
            await alone.enter_async_context(endpoint.turn)
            if (wait := endpoint.free_at - self._now()) > 0:
                await asyncio.sleep(wait)
            async with self._counted(lane):
                endpoint.free_at = self._now() + endpoint.interval
                if endpoint.interval < _OFTEN:
                    await alone.aclose()
                try:
                    yield
                finally:
                    endpoint.free_at = max(endpoint.free_at, self._now() + endpoint.interval)
