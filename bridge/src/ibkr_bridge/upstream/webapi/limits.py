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


@dataclass(frozen=True, slots=True)
class Limits:
    per_second: int = 8
    """IBKR allows 10 through a gateway, and 50 to a user of OAuth."""
    reserved: int = 3
    """Of these, kept for orders."""
    at_once: int = 3
    """The gateway has 5 connections to IBKR and no timeout: the others are for orders and the session."""
    endpoints: Mapping[str, float] = field(default_factory=lambda: ENDPOINTS)


class Turns:
    """Who may call now."""

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self._pacer = Pacer(limits.per_second, limits.reserved, window=_MARGIN)
        self._slow = asyncio.Semaphore(limits.at_once)
        self._intervals = tuple((re.compile(pattern), wait * _MARGIN) for pattern, wait in limits.endpoints.items())
        self._free_at: dict[str, float] = {}
        self._now = now

    @asynccontextmanager
    async def turn(self, endpoint: str, lane: Lane) -> AsyncIterator[None]:
        """`endpoint` is method and path, as "GET /tickle". Orders wait for nobody but orders."""
        await self._interval(endpoint)
        if lane is not Lane.DATA:
            await self._pacer.turn(lane)
            yield
            return
        async with self._slow:
            await self._pacer.turn(lane)
            yield

    def close(self) -> None:
        self._pacer.close()

    async def _interval(self, endpoint: str) -> None:
        """Calls of one endpoint queue up, each at its time."""
        for pattern, interval in self._intervals:
            if pattern.fullmatch(endpoint):
                now = self._now()
                at = max(self._free_at.get(pattern.pattern, now), now)
                self._free_at[pattern.pattern] = at + interval
                if at > now:
                    await asyncio.sleep(at - now)
                return
