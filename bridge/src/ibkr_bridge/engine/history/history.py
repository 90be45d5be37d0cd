"""Bars of the past for callers: what they wish, resolved, planned, fetched piece by piece and told in order."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ibkr_bridge.domain.bars import SIZES, Bar, BarSize, Duration, What, whole
from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import BrokerAway, BrokerRefused, BrokerSilent
from ibkr_bridge.engine.contracts import Contracts
from ibkr_bridge.engine.history.pacing import Question, question
from ibkr_bridge.engine.history.pieces import Answered, Pieces
from ibkr_bridge.engine.history.plan import Ask, Span, between, chapters, pieces, walk
from ibkr_bridge.engine.history.wish import USUAL, Counted, Days, Stretch, Wish, kind, stretch
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.history import HistoryLimits, HistorySource, Piece

_PATIENCE: Final = 300.0
"""Seconds that a fetch under way waits for a lost session: IBKR's nightly restarts are shorter."""
_PAUSE: Final = 1.0
_DAILY: Final = SIZES["1d"]
_EVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Progress:
    """After each piece: `percent` of the time asked for, by the calendar."""

    pieces: int
    percent: int


@dataclass(frozen=True, slots=True)
class Part:
    """Bars that follow on those of the part before."""

    bars: tuple[Bar, ...]


class History:
    def __init__(self, source: HistorySource, clock: Clock, *, sessions: Sessions, contracts: Contracts) -> None:
        self._source = source
        self._clock = clock
        self._sessions = sessions
        self._contracts = contracts
        self._heads: dict[tuple[int, What, bool], datetime] = {}
        self.pieces = Pieces(source, clock)

    @property
    def limits(self) -> HistoryLimits:
        return self._source.limits

    async def open(self, wish: Wish) -> Download:
        """What is to be told; nothing of it has been asked yet.

        Raises InvalidRequest, NotSupported, BrokerAway, and what contracts raise.
        """
        self._sessions.require()
        contract = await self._contracts.resolve(wish.query)
        what = kind(wish, contract, self.limits)
        found = stretch(wish, what, self._clock.now(), self.limits)
        return Download(self, contract, what, wish, found)

    async def close(self) -> None:
        await self.pieces.close()

    async def answer(self, piece: Piece, *, patient: bool) -> Answered:
        """Who is patient waits for a lost session to return."""
        until = self._clock.monotonic() + (_PATIENCE if patient else 0)
        while True:
            try:
                return await self.pieces.get(piece)
            except BrokerAway:
                if self._clock.monotonic() >= until:
                    raise
            await self._clock.sleep(_PAUSE)
            with suppress(BrokerAway):
                await self._sessions.until_ready()

    async def head(self, contract: Contract, what: What, *, rth: bool) -> datetime:
        """Where data begin; the beginning of time where IBKR does not say."""
        key = (contract.conid, what, rth)
        if key not in self._heads:
            asking = Question(("head", *key), ("head", contract.conid), 1, small=False)
            try:
                async with self.pieces.turn(asking):
                    told = await self._source.head(contract, what, rth=rth)
            except (BrokerRefused, BrokerSilent):
                told = None
            if told is None:
                return _EVER
            self._heads[key] = told
        return self._heads[key]

    def now(self) -> datetime:
        return self._clock.now()


class Download:
    """One caller's bars. `steps` may be gone through once; `as_of` and `complete` are true to what it has told."""

    def __init__(self, history: History, contract: Contract, what: What, wish: Wish, found: Stretch) -> None:
        self._history = history
        self._found = found
        self._longest = history.limits.longest[wish.bar.name]
        self._asked = 0
        self._last: Bar | None = None
        self.contract = contract
        self.what = what
        self.wish = wish
        self.as_of = history.now()

    @property
    def bar(self) -> BarSize:
        return self.wish.bar

    @property
    def rth(self) -> bool:
        return self.wish.rth

    @property
    def duration(self) -> Duration | None:
        """None where a start was named."""
        return None if self.wish.start else self.wish.duration or USUAL

    @property
    def span(self) -> Span | None:
        """None while IBKR counts."""
        return self._found if isinstance(self._found, Span) else None

    @property
    def pieces(self) -> int:
        """At most, closed markets aside."""
        match self._found:
            case Span():
                return pieces(self._found, self._longest)
            case Days(count=count):
                return -(-timedelta(days=count) // self._longest.length)
            case _:
                return 1

    @property
    def complete(self) -> bool:
        """Whether the last bar told had ended: one under way will still change."""
        if self._last is None:
            return True
        end = self._found.end
        return whole(self._last, self.bar, self.as_of if end is None else min(end, self.as_of))

    @property
    def queue(self) -> float | None:
        """Seconds that a piece would now wait for IBKR's limits; None while that depends on an answer."""
        ask = Piece(self.contract, self.what, self.rth, self.bar, self._longest, None)
        return self._history.pieces.queue(question(ask, self._history.limits))

    async def steps(self) -> AsyncGenerator[Progress | Part, None]:
        """Bars oldest first. Raises BrokerRefused, BrokerSilent, BrokerAway, whatever has been told before."""
        if isinstance(self._found, Counted):
            bars = await self._get(self.bar, self._found.duration, self._found.end)
            yield self._told(between(bars, _EVER, self._history.now() + self.bar.length))
            return
        span = await self._begun(self._found)
        for chapter in chapters(span, self._longest):
            async for step in self._chapter(span, chapter):
                yield step

    async def _chapter(self, span: Span, chapter: Span) -> AsyncGenerator[Progress | Part, None]:
        going = walk(chapter, self.bar, self._longest)
        ask = next(going)
        while True:
            bars = await self._get(ask.bar, ask.duration, ask.end)
            yield Progress(self._asked, _percent(span, chapter, ask))
            try:
                ask = going.send(bars)
            except StopIteration as done:
                yield self._told(done.value)
                return

    async def _begun(self, found: Days | Span) -> Span:
        """No further back than data go: an empty piece alone is not their beginning."""
        start = await self._first_day(found) if isinstance(found, Days) else found.start
        if pieces(Span(start, found.end), self._longest) > self._history.limits.head_above:
            start = max(start, await self._history.head(self.contract, self.what, rth=self.rth))
        return Span(min(start, found.end), found.end)

    async def _first_day(self, found: Days) -> datetime:
        """Midnight, where the contract trades, of the first of so many trading days."""
        days = await self._get(_DAILY, Duration(found.count, "D"), found.end)
        told = sorted(row.time for row in days)[-found.count :]
        first = told[0] if told else found.end - timedelta(days=found.count)
        return first.replace(tzinfo=_zone(self.contract)).astimezone(UTC) if told else first

    async def _get(self, bar: BarSize, duration: Duration, end: datetime | None) -> tuple[Bar, ...]:
        past = end is not None and end < self._history.now()
        piece = Piece(self.contract, self.what, self.rth, bar, duration, end if past else None)
        answered = await self._history.answer(piece, patient=self._asked > 0)
        self._asked += 1
        self.as_of = answered.at
        return answered.bars

    def _told(self, bars: tuple[Bar, ...]) -> Part:
        self._last = bars[-1] if bars else self._last
        return Part(bars)


def _percent(span: Span, chapter: Span, ask: Ask) -> int:
    """Chapters before this one, and of this one what lies behind the question."""
    behind = (chapter.start - span.start) + (chapter.end - min(ask.end, chapter.end))
    return min(int(behind * 100 / (span.end - span.start)), 99)


def _zone(contract: Contract) -> ZoneInfo:
    try:
        return ZoneInfo(contract.time_zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
