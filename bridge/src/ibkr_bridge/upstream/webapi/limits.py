"""IBKR's limits for this door, kept by us: calls a second, calls at once, and calls of one endpoint."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
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
"""Calls are counted where they arrive, and two may come closer together than they left."""


_SOON: Final = 10.0


@dataclass(frozen=True, slots=True)
class Limits:
    per_second: int = 8
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
        self._pacer = Pacer(limits.per_second, limits.reserved, window=_MARGIN)
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
        """`endpoint` is method and path, as "GET /tickle". What is not slow waits for nothing that is."""
        if not slow:
            await self._next(endpoint, lane)
            yield
            return
        async with self._slow:
            await self._next(endpoint, lane)
            yield

    def close(self) -> None:
        self._pacer.close()

    async def _next(self, name: str, lane: Lane) -> None:
        """Calls of one endpoint queue up; the time between two is counted from when the first one leaves."""
        endpoint = next((known for known in self._endpoints if known.pattern.fullmatch(name)), None)
        if endpoint is None:
            await self._pacer.turn(lane)
            return
        async with endpoint.turn:
            if (wait := endpoint.free_at - self._now()) > 0:
                await asyncio.sleep(wait)
            await self._pacer.turn(lane)
            endpoint.free_at = self._now() + endpoint.interval
