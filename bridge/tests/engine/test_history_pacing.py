"""No question for history leaves before IBKR's rules allow it, and none waits longer than they ask."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import inf, isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibkr_bridge.domain.bars import SIZES, Bar, Duration, What
from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import BrokerSilent
from ibkr_bridge.engine.history.pacing import Asked, Question, question, remembered, wait
from ibkr_bridge.engine.history.pieces import Pieces
from ibkr_bridge.ports.history import HearBars, HistoryLimits, PacedOut, Piece
from ibkr_bridge.runtime.clock import SystemClock
from ibkr_bridge.upstream.tws.history import LIMITS

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
APPLE = Contract(265598, "AAPL", "STK", "SMART", "USD")
PIECE = Piece(APPLE, What.TRADES, True, SIZES["5s"], Duration(3600, "S"), NOW)
ONE = Decimal(1)
BAR = Bar(NOW, ONE, ONE, ONE, ONE)
_ROUNDING = 1e-6


def asking(number: int, subject: int = 0, *, small: bool = True, weight: int = 1) -> Question:
    return Question((subject, number), subject, weight, small)


questions = st.builds(asking, st.integers(0, 30), st.integers(0, 3), small=st.booleans(), weight=st.integers(1, 2))


def allowed(sent: Sequence[tuple[float, Question]]) -> bool:
    """IBKR's rules as they stand in its documentation, looked at once everything has been sent."""
    for at, new in sent:
        before = [(when, row) for when, row in sent if when < at or (when == at and row is not new)]
        if not new.small:
            continue
        window = sum(row.weight for when, row in before if row.small and when > at - 600 + _ROUNDING) + new.weight
        if window > 60 or any(
            row.identity == new.identity and when > at - 15 + _ROUNDING for when, row in before if row.small
        ):
            return False
    return all(
        sum(1 for when, row in sent if row.subject == new.subject and at - 2 + _ROUNDING < when <= at) < 6
        for at, new in sent
    )


@given(st.lists(st.tuples(questions, st.floats(0, 3)), max_size=150))
@settings(max_examples=60, deadline=None)
def test_whoever_waits_as_long_as_he_is_told_never_breaks_a_rule(wishes: list[tuple[Question, float]]) -> None:
    now, known, sent = 0.0, list[Asked](), list[tuple[float, Question]]()
    for new, took in wishes:
        pause = wait(known, new, now, LIMITS)
        assert isfinite(pause)
        assert pause <= LIMITS.window
        now += pause
        assert wait(known, new, now + 1e-6, LIMITS) == 0
        sent.append((now, new))
        now += took
        known = remembered([*known, Asked(new, now)], now, LIMITS)
    assert allowed(sent)


def test_what_is_under_way_holds_back_until_it_is_answered() -> None:
    one = asking(1)
    assert wait([Asked(one, None)], one, 100.0, LIMITS) == inf
    assert wait([Asked(one, 100.0)], one, 100.0, LIMITS) == 15.0
    crowd = [Asked(asking(number, number, small=False), None) for number in range(LIMITS.at_once)]
    assert wait(crowd, asking(99, 99), 100.0, LIMITS) == inf


def test_bars_of_a_minute_and_longer_wait_for_no_window() -> None:
    known = [Asked(asking(number, number), 0.0) for number in range(60)]
    assert wait(known, asking(99, 99), 1.0, LIMITS) == 599.0
    assert wait(known, asking(99, 99, small=False), 1.0, LIMITS) == 0.0


def test_bid_and_ask_weigh_twice() -> None:
    assert question(PIECE, LIMITS).weight == 1
    assert question(replace(PIECE, what=What.BID_ASK), LIMITS).weight == 2


@dataclass
class Source:
    """A door that answers when it is told to."""

    limits: HistoryLimits = LIMITS
    problems: list[Exception] = field(default_factory=list)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[Piece] = field(default_factory=list)
    ended: int = 0

    async def bars(self, piece: Piece) -> Sequence[Bar]:
        self.asked.append(piece)
        try:
            await self.held.wait()
        except asyncio.CancelledError:
            self.ended += 1
            raise
        if self.problems:
            raise self.problems.pop(0)
        return (BAR,)

    async def head(self, contract: Contract, what: What, *, rth: bool) -> datetime | None:  # noqa: ARG002
        return None

    async def open_bars(self, contract: Contract, what: What, hear: HearBars) -> None:
        """Not asked for here."""

    async def close_bars(self, conid: int) -> None:
        """Nor this."""


async def soon(pieces: Pieces, source: Source, count: int) -> list[asyncio.Task[object]]:
    """So many callers who ask the same, all of them waiting."""
    callers: list[asyncio.Task[object]] = [asyncio.create_task(pieces.get(PIECE)) for _ in range(count)]
    async with asyncio.timeout(5):
        while not source.asked:  # noqa: ASYNC110
            await asyncio.sleep(0)
    return callers


async def test_who_asks_the_same_shares_the_answer_and_who_leaves_takes_nothing_from_the_others() -> None:
    source = Source()
    pieces = Pieces(source, SystemClock())
    first, second, third = await soon(pieces, source, 3)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert source.ended == 0
    source.held.set()
    assert await second == await third
    assert len(source.asked) == 1
    await pieces.close()


async def test_when_the_last_caller_leaves_the_question_is_ended() -> None:
    source = Source()
    pieces = Pieces(source, SystemClock())
    callers = await soon(pieces, source, 2)
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    await pieces.close()
    assert source.ended == 1


async def test_the_same_small_question_again_is_answered_from_memory_for_as_long_as_ibkr_would_refuse_it() -> None:
    source = Source()
    source.held.set()
    pieces = Pieces(source, SystemClock())
    assert await pieces.get(PIECE) == await pieces.get(PIECE)
    assert len(source.asked) == 1
    large = replace(PIECE, bar=SIZES["1m"])
    assert await pieces.get(large) != await pieces.get(large)
    assert len(source.asked) == 3
    await pieces.close()


async def test_a_silent_broker_is_asked_three_times_and_no_more() -> None:
    source = Source(problems=[BrokerSilent("bars", 1) for _ in range(5)])
    source.held.set()
    pieces = Pieces(source, SystemClock())
    large = replace(PIECE, bar=SIZES["1m"])
    with pytest.raises(BrokerSilent):
        await pieces.get(large)
    assert len(source.asked) == 3
    await pieces.close()


async def test_a_refusal_for_pacing_makes_everybody_wait_and_is_asked_again() -> None:
    source = Source(problems=[PacedOut(162, "pacing violation")])
    source.held.set()
    pieces = Pieces(source, SystemClock())
    caller = asyncio.create_task(pieces.get(PIECE))
    async with asyncio.timeout(5):
        while source.problems:  # noqa: ASYNC110
            await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    queue = pieces.queue(asking(7, 7, small=False))
    assert queue is not None
    assert 14 < queue <= 15
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    await pieces.close()


@given(st.lists(st.tuples(st.integers(0, 3), st.timedeltas(timedelta(0), timedelta(hours=1))), max_size=30))
@settings(max_examples=30, deadline=None)
def test_what_is_forgotten_would_have_held_back_nobody(rows: list[tuple[int, timedelta]]) -> None:
    known = [Asked(asking(number, subject), ago.total_seconds()) for number, (subject, ago) in enumerate(rows)]
    new, now = asking(99, 1), 3700.0
    assert wait(known, new, now, LIMITS) == wait(remembered(known, now, LIMITS), new, now, LIMITS)
