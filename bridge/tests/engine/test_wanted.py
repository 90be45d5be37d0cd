"""Who waits for whom at a line, and how often a refused one is asked for again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import BridgeError, BrokerBusy
from ibkr_bridge.domain.session import Session, SessionState
from ibkr_bridge.engine.lines import Line, Lines
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.ports.upstream import QuoteFailed

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
FULL = QuoteFailed(1, 101, "Max number of tickers has been reached")
DENIED = QuoteFailed(1, 354, "Not subscribed")
DOUBTED = QuoteFailed(1, 2103, "A farm is away", passing=True)


@dataclass
class Desk:
    """Lines that are asked for when the test says so."""

    at: float = 1000.0
    asked: list[object] = field(default_factory=list)
    ended: list[object] = field(default_factory=list)
    held: dict[object, asyncio.Event] = field(default_factory=dict)
    problem: BridgeError | None = None

    def __post_init__(self) -> None:
        upstream: Any = SimpleNamespace(session=Session(SessionState.READY, NOW))
        nobody: Any = SimpleNamespace(publish=lambda *_told: None)
        clock: Any = SimpleNamespace(monotonic=lambda: self.at, sleep=asyncio.sleep)
        sessions = Sessions(upstream, nobody, EngineSettings())
        self.lines: Lines[Line] = Lines(clock, sessions, ask=self._ask, end=self._end)

    async def acquire(self, key: int) -> Line:
        return await self.lines.acquire(key, lambda: Line(key, Contract(key, "AAPL", "STK", "SMART", "USD")))

    async def _ask(self, line: Line) -> None:
        self.asked.append(line.key)
        if line.key in self.held:
            await self.held[line.key].wait()
        if self.problem is not None:
            raise self.problem

    async def _end(self, line: Line) -> None:
        self.ended.append(line.key)


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def acquiring(desk: Desk, *keys: int) -> list[asyncio.Task[Line]]:
    """Each as far as it gets."""
    tasks = [asyncio.create_task(desk.acquire(key)) for key in keys]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_nobody_waits_for_the_line_of_another_contract(desk: Desk) -> None:
    await desk.acquire(1)
    desk.held[2] = asyncio.Event()
    [slow] = await acquiring(desk, 2)
    known, new = await acquiring(desk, 1, 3)
    assert (slow.done(), known.done(), new.done()) == (False, True, True)
    desk.held[2].set()
    await slow


async def test_many_who_want_a_line_ask_for_it_once_and_share_how_it_ends(desk: Desk) -> None:
    desk.held[1] = asyncio.Event()
    desk.problem = BrokerBusy("IBKR's message budget is used up.")
    waiting = await acquiring(desk, 1, 1, 1)
    desk.held[1].set()
    assert await asyncio.gather(*waiting, return_exceptions=True) == [desk.problem] * 3
    assert desk.asked == [1]
    desk.problem = None
    assert (await desk.acquire(1)).is_open


async def test_when_the_first_gives_up_the_next_one_asks(desk: Desk) -> None:
    desk.held[1] = asyncio.Event()
    first, second = await acquiring(desk, 1, 1)
    first.cancel()
    desk.held[1].set()
    assert (await second).listeners == 1
    assert desk.asked == [1, 1]


async def test_a_line_that_is_being_ended_is_opened_anew_afterwards(desk: Desk) -> None:
    line = await desk.acquire(1)
    line.listeners = 0
    closing = asyncio.create_task(desk.lines.close(line))
    again = await desk.acquire(1)
    await closing
    assert again.is_open
    assert desk.lines.get(1) is again
    assert len(desk.asked) == 1 + len(desk.ended)


async def test_a_line_that_is_refused_again_and_again_is_asked_for_less_and_less_often(desk: Desk) -> None:
    line = await desk.acquire(1)
    pauses = []
    for _attempt in range(7):
        desk.lines.refused(line, DENIED)
        assert line.again_at is not None
        pauses.append(line.again_at - desk.at)
        await desk.acquire(1)
        assert line.again_at is not None  # who wants it meanwhile gets no attempt of his own
        desk.at = line.again_at
        await desk.acquire(1)
    assert pauses == [2, 4, 8, 16, 30, 30, 30]
    assert len(desk.asked) == 1 + 7
    desk.lines.told(line)
    desk.at += 100
    desk.lines.refused(line, DENIED)
    assert line.again_at == desk.at + 2


async def test_what_is_known_stays_in_doubt_until_the_broker_delivers_again(desk: Desk) -> None:
    line = await desk.acquire(1)
    desk.lines.refused(line, FULL)
    await desk.lines.again(line)
    assert (line.failed, line.waiting) == (FULL, True)
    desk.lines.told(line)
    assert (line.failed, line.waiting) == (None, False)


async def test_a_freed_line_is_for_one_that_lacks_room_and_for_no_other(desk: Desk) -> None:
    lacking, denied, free = [await desk.acquire(key) for key in (1, 2, 3)]
    desk.lines.refused(lacking, FULL)
    desk.lines.refused(denied, DENIED)
    free.listeners = 0
    await desk.lines.close(free)
    assert (lacking.again_at, denied.again_at) == (desk.at, desk.at + 2)


async def test_a_doubt_that_passes_by_itself_neither_makes_nor_ends_a_refusal(desk: Desk) -> None:
    line = await desk.acquire(1)
    desk.lines.refused(line, DOUBTED)
    assert line.again_at is None
    desk.lines.refused(line, DENIED)
    desk.lines.refused(line, DOUBTED)
    assert line.again_at == desk.at + 2
