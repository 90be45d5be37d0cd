"""A year of minute bars through the TWS door, with IBKR's pacing in force, in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from math import inf
from time import perf_counter
from typing import Any, Final

from fastapi import FastAPI

from bench.report import Report, Row
from faults.doors import Door, settings, simulated
from faults.loop import JumpingLoop, WorldClock
from faults.wire import Tap, Wire
from faults.world import opened
from ibkr_bridge.runtime.compose import House, compose
from ibkr_bridge.storage.memory import MemoryJournal

LINES: Final = "application/x-ndjson"
_PACED: Final = b"pacing violation"
_BARS_FRAME: Final = b"17\0"
YEAR: Final = "/market/history/AAPL?bar=1m&start=2025-03-01&end=2026-03-01"


@dataclass(frozen=True, slots=True)
class Reply:
    """`whole` is False for a transfer that was broken off."""

    status: int
    body: bytes
    whole: bool

    @property
    def lines(self) -> tuple[dict[str, Any], ...]:
        return tuple(json.loads(line) for line in self.body.splitlines())


@dataclass(frozen=True, slots=True)
class Fetched:
    """Of one answer in lines: `virtual` seconds by the clock that service and simulator share, `seconds` by ours."""

    records: tuple[dict[str, Any], ...]
    pieces: int
    violations: int
    virtual: float
    seconds: float

    @property
    def times(self) -> list[datetime]:
        return [datetime.fromisoformat(record["time"]) for record in self.records if "time" in record]

    @property
    def ordered(self) -> bool:
        return all(before < after for before, after in pairwise(self.times))


def fetch(*paths: str) -> tuple[Fetched, ...]:
    """Answers to these questions, asked at the same time, from a service and a simulator in virtual time."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(_fetched(paths))


@asynccontextmanager
async def served(door: Door, hearing: Tap | None = None) -> AsyncIterator[tuple[House, Wire]]:
    """A service that is ready, on the virtual time of this loop."""
    async with opened(door, simulated(door, 1), hearing) as (_simulator, wire):
        clock = WorldClock(asyncio.get_running_loop(), "history")
        house = compose(settings(door, wire.port), _admit, clock, MemoryJournal())
        machine = asyncio.create_task(house.machine.run())
        try:
            while not house.machine.engine.sessions.current.ready:
                await house.machine.engine.sessions.until_ready()
            yield house, wire
        finally:
            machine.cancel()
            await asyncio.gather(machine, return_exceptions=True)
            wire.cut()
            await asyncio.sleep(1)


async def asked(app: FastAPI, path: str, accept: str = LINES, hear: Tap | None = None, most: float = inf) -> Reply:
    """As a reader who takes what comes, up to `most` messages, and never goes; `hear` is told each piece."""
    where, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": where,
        "raw_path": where.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"127.0.0.1"), (b"accept", accept.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    requests = [{"type": "http.request", "body": b"", "more_body": False}]
    told: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not requests:
            await asyncio.Future()
        return requests.pop()

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message)
        if hear is not None:
            hear(message.get("body", b""))
        if len(told) >= most:
            await asyncio.Future()

    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in told)
    return Reply(told[0]["status"], body, whole=not told[-1].get("more_body", False))


async def _fetched(paths: tuple[str, ...]) -> tuple[Fetched, ...]:
    heard: Counter[bytes] = Counter()
    async with served(Door.TWS, partial(_hear, heard)) as (house, _wire):
        loop = asyncio.get_running_loop()
        began, real = loop.time(), perf_counter()
        replies = await asyncio.gather(*(asked(house.app, path) for path in paths))
        virtual, seconds = loop.time() - began, perf_counter() - real
    return tuple(Fetched(reply.lines, heard[_BARS_FRAME], heard[_PACED], virtual, seconds) for reply in replies)


def _hear(heard: Counter[bytes], piece: bytes) -> None:
    """Behind the length of a frame stands the number of its message."""
    heard[_PACED] += _PACED in piece
    heard[_BARS_FRAME] += piece[4:].startswith(_BARS_FRAME)


async def _admit(_accounts: tuple[str, ...], _our_end: tuple[str, int]) -> None:
    return None


async def measure(report: Report) -> None:
    """In a thread, which has a loop of its own for virtual time."""
    (year,) = await asyncio.to_thread(fetch, YEAR)
    end = year.records[-1].get("end", {})
    bars = end.get("count", 0)
    days = len({at.date() for at in year.times})
    whole = year.ordered and bars == len(year.times) and bars >= days * 210
    in_time = timedelta(seconds=year.virtual) < timedelta(minutes=10)
    report.add(
        Row("a year of minute bars: bars", bars, "bars", target="each once, in order", met=whole),
        Row("  pieces asked for", year.pieces, "requests"),
        Row("  refused for pacing", year.violations, "requests", target="0", met=year.violations == 0),
        Row("  by IBKR's clock", year.virtual, "s", target="below 10 min", met=in_time),
        Row("  on this machine", year.seconds, "s"),
    )
