"""A day at the Web API's door in virtual time: sessions end, midnight comes, and IBKR's limits hold all the while."""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from time import perf_counter
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

import aiohttp

from faults.books import Complaint, Wrong, complaints
from faults.callers import Pace, programs
from faults.doors import Door, simulated
from faults.journals import SQLITE, Home, home
from faults.loop import START, JumpingLoop, world_time
from faults.records import Json, Ledger, Outcome, ledger
from faults.service import Service
from faults.wire import Wire
from faults.world import Subject, World, opened
from ibkr_sim.control.ledger import ledger as books_of
from ibkr_sim.server import Simulator, SimulatorSettings

HOURS: Final = 25
_HOUR: Final = 3600.0
_NEW_YORK: Final = ZoneInfo("America/New_York")
_PACE: Final = Pace(think=2700.0, tries=12, answers=4.0)
_ORDERS_AN_HOUR: Final = 6
"""More than any caller has the time for."""
_READERS: Final = 3
_READ_EVERY: Final = 15.0
_READS: Final = (
    "/orders",
    "/positions",
    "/account/summary",
    "/pnl",
    "/market/quote/AAPL",
    "/ib/handshake",
    "/reconciliation",
)
_LOOK_EVERY: Final = 20.0
_COMES_AFTER: Final = 600.0
"""Seconds in which a person is called who has to log in, and does."""
_RESETS: Final[Mapping[time, tuple[str, Json]]] = MappingProxyType(
    {
        time(0, 40): ("nightly_restart", {"seconds": 90}),
        time(2, 30): ("midnight_reset", {"seconds": 60}),
        time(6, 0): ("accounts_first", {}),
        time(8, 0): ("login_lost", {"seconds": 300}),
        time(11, 30): ("unauthorized", {}),
        time(14, 0): ("competing", {"seconds": 120}),
        time(17, 30): ("no_bridge", {}),
        time(20, 0): ("socket_drops", {"tries": 1}),
    }
)
"""Beside the end of all sessions at midnight, which is the simulator's own; by New York's clock."""
_JUST: Final = 0.001
_KEYS: Final = (("orders", "perm_id"), ("executions", "exec_id"))
_ANSWER: Final = b"HTTP/1.1 "
_TOO_MANY: Final = 429
_TRUE: Final = frozenset({200, 503, 504})
"""How a reader may be answered: with what is known, or with the reason why nothing is."""


@dataclass(frozen=True, slots=True)
class Day:
    """`calls` are the gateway's answers by status; `sessions` how often one was opened, `logins` by hand."""

    hours: float
    orders: int
    reads: Counter[int]
    calls: Counter[int]
    sessions: int
    logins: int
    complaints: tuple[Complaint, ...]
    seconds: float

    def __str__(self) -> str:
        statuses = ", ".join(f"{count} with {status}" for status, count in sorted(self.calls.items()))
        reads = ", ".join(f"{count} with {status}" for status, count in sorted(self.reads.items()))
        return "\n".join(
            (
                f"{self.hours:g} hours in {self.seconds:.0f} s",
                f"{self.orders} orders asked for, {self.reads.total()} reads ({reads})",
                f"{self.calls.total()} calls to IBKR ({statuses}), {self.calls[_TOO_MANY]} of them refused for pacing",
                f"{self.sessions} sessions opened, {self.logins} logins by hand",
                *(map(str, self.complaints) if self.complaints else ("the books balance",)),
            )
        )


def play(hours: float = HOURS, begins: datetime = START, journal: str = SQLITE, seed: int = 1) -> Day:
    """So many hours of the service, with everybody who uses it. `journal` is as for worlds."""
    began = perf_counter()
    loop = partial(JumpingLoop, (begins - START).total_seconds())
    with home(journal) as kept, asyncio.Runner(loop_factory=loop) as runner:
        world, outcome = runner.run(_lived(seed, hours, kept))
    return Day(
        hours=hours,
        orders=len(outcome.asked.places),
        reads=world.reads,
        calls=world.calls,
        sessions=len(world.sessions),
        logins=world.logins,
        complaints=(*complaints(outcome), *world.untold()),
        seconds=perf_counter() - began,
    )


async def _lived(seed: int, hours: float, kept: Home) -> tuple[LongWorld, Outcome]:
    calls: Counter[int] = Counter()
    async with opened(Door.WEBAPI, _simulated(seed), partial(_count, calls)) as (simulator, wire):
        world = LongWorld(seed, hours, simulator, wire, Service(seed, Door.WEBAPI, kept, wire, None), calls)
        return world, await world.run()


def _simulated(seed: int) -> SimulatorSettings:
    """Prices move once a second: a day has many."""
    settings = simulated(Door.WEBAPI, seed)
    return replace(settings, exchange=replace(settings.exchange, step=timedelta(seconds=1)))


def _count(calls: Counter[int], piece: bytes) -> None:
    """Answers of the gateway's; no caller of ours puts a second question behind an unanswered one."""
    if piece.startswith(_ANSWER):
        calls[int(piece[len(_ANSWER) : len(_ANSWER) + 3])] += 1


class LongWorld(World):
    """Callers take their time, others read all day long, and a person logs in where nothing else helps."""

    def __init__(
        self, seed: int, hours: float, simulator: Simulator, wire: Wire, subject: Subject, calls: Counter[int]
    ) -> None:
        super().__init__(seed, Door.WEBAPI, simulator, wire, subject)
        most = math.ceil(hours * _ORDERS_AN_HOUR)
        self._programs = programs(seed, Door.WEBAPI, most, most)
        self._pace = _PACE
        self._hours = hours
        self._closed: Json = {"orders": [], "executions": []}
        self._midnights: list[datetime] = []
        self.calls = calls
        self.reads: Counter[int] = Counter()
        self.sessions: set[str] = set()
        self.logins = 0

    def untold(self) -> Iterator[Complaint]:
        """What a reader was told that is neither what is known nor the reason why nothing is."""
        for status in sorted(self.reads.keys() - _TRUE):
            yield Complaint(Wrong.FALSE, f"{self.reads[status]} reads were answered with {status}")
        if self.calls[_TOO_MANY]:
            yield Complaint(Wrong.LIMITS, f"{self.calls[_TOO_MANY]} calls were refused for pacing")

    async def _live(self) -> None:
        """Until the hours are over, whatever anybody is in the middle of."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._hours * _HOUR), asyncio.TaskGroup() as tasks:
                for number in range(len(self._programs)):
                    tasks.create_task(self._caller(number).run())
                for number in range(_READERS):
                    tasks.create_task(self._read(random.Random(f"reader {self._seed} {number}")))
                tasks.create_task(self._watch())
                tasks.create_task(self._end_days())
                for clock, (name, options) in _RESETS.items():
                    tasks.create_task(self._reset_daily(clock, name, options))

    async def _read(self, chance: random.Random) -> None:
        while True:
            await asyncio.sleep(chance.expovariate(1 / _READ_EVERY))
            status, _content = await self._subject.ask("GET", chance.choice(_READS))
            self.reads[status] += 1

    async def _watch(self) -> None:
        """What the service's health says of its session; who has to log in does so, late."""
        called: float | None = None
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            _status, health = await self._subject.ask("GET", "/health")
            ibkr, now = health["ibkr"], asyncio.get_running_loop().time()
            if ibkr["authenticated"]:
                self.sessions.add(ibkr["since"])
            if ibkr["authenticated"] or ibkr["code"] != "session.login_needed":
                called = None
            elif called is None:
                called = now
            elif now - called >= _COMES_AFTER:
                await self._log_in()
                called = now

    async def _log_in(self) -> None:
        """As in a browser, which keeps cookies also for an address in numbers."""
        jar = aiohttp.CookieJar(unsafe=True)
        url = f"http://127.0.0.1:{self._simulator.webapi_port}"
        async with (
            aiohttp.ClientSession(url, cookie_jar=jar) as person,
            person.post("/sso/Login", data={"user_name": "somebody"}) as answer,
        ):
            self.logins += "Client login succeeds" in await answer.text()

    async def _end_days(self) -> None:
        """The broker forgets at midnight what has ended until then; its books of the day are closed just before."""
        while True:
            midnight = await self._until(time(), early=_JUST)
            books = books_of(self._simulator.exchange)
            self._closed = {name: [*rows, *books[name]] for name, rows in self._closed.items()}
            self._midnights.append(midnight)
            await asyncio.sleep(1)

    async def _reset_daily(self, clock: time, name: str, options: Json) -> None:
        while True:
            await self._until(clock)
            self._tell(name)
            self._struck.append(self._simulator.faults.inject(name, "now", options=options, seed=self._seed))
            await asyncio.sleep(1)

    async def _until(self, clock: time, early: float = 0.0) -> datetime:
        """Sleep until the next time that New York's clock shows this; that moment."""
        now = world_time(asyncio.get_running_loop())
        there = now.astimezone(_NEW_YORK)
        at = datetime.combine(there.date(), clock, _NEW_YORK)
        at = (at if at > there else at + timedelta(days=1)).astimezone(UTC)
        await asyncio.sleep((at - now).total_seconds() - early)
        return at

    def _ledger(self) -> Ledger:
        """All days' books in one: an order that lives on is as it stands now."""
        books = books_of(self._simulator.exchange)
        return ledger({name: _latest(self._closed[name], books[name], key) for name, key in _KEYS}, self._midnights)


def _latest(before: list[Json], now: list[Json], key: str) -> list[Json]:
    return list({row[key]: row for row in (*before, *now)}.values())
