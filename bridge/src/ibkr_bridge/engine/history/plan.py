"""How a long stretch of the past is asked for in pieces. Pure.

IBKR counts a duration back from its end, now by the clock and now by trading days, so nobody knows beforehand where
an answer begins; but it has no gap. Therefore each piece ends where the one after it was found to begin: the seams
hold whatever the clocks did there. A stretch is cut into chapters, told oldest first, so that what has arrived is
always a whole beginning; within a chapter pieces are asked for from the newest to the oldest.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from ibkr_bridge.domain.bars import SIZES, Bar, BarSize, Duration

_CHAPTER: Final = 20
"""Pieces, by the calendar: so much is held in memory before it is told."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_WEEK: Final = Duration(1, "W")
_HOURS: Final = SIZES["1h"]
_SHORTEST: Final = 60
"""Seconds: shorter pieces spare IBKR nothing."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bars that begin at `start` or later, and before `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Ask:
    """A piece to ask for. An `end` that is not in the past yet is the present."""

    bar: BarSize
    duration: Duration
    end: datetime


Walk = Generator[Ask, Sequence[Bar], tuple[Bar, ...]]


def chapters(span: Span, longest: Duration) -> Iterator[Span]:
    """The span in parts, oldest first; cut at multiples of their length, so that overlapping spans share pieces."""
    length = longest.length * _CHAPTER
    start = span.start
    while start < span.end:
        following = _EPOCH + ((start - _EPOCH) // length + 1) * length
        end = min(following, span.end)
        yield Span(start, end)
        start = end


def walk(chapter: Span, bar: BarSize, longest: Duration) -> Walk:
    """Yields what to ask, is sent each answer, and returns the chapter's bars, oldest first and each once."""
    parts: list[tuple[Bar, ...]] = []
    end, until = chapter.end, chapter.end + bar.length  # the last bar is to be whole, wherever the cut lies in it
    while end > chapter.start:
        duration = reaching(until - chapter.start, bar, longest)
        answer = yield Ask(bar, duration, until)
        parts.append(between(answer, chapter.start, end))
        reached = min((row.time for row in answer), default=until)
        if reached < end:
            end = reached
        elif until > end and answer and not bar.dated:
            until = end  # nothing but what lies beyond the cut: a trading day had just begun there
            continue
        elif duration.length < _WEEK.length and not bar.dated:
            end = yield from _before_a_gap(end, duration)
        else:
            end = min(until - duration.length, end - bar.length)
        until = end + bar.length if bar.dated else end
    return tuple(row for part in reversed(parts) for row in part)


def _before_a_gap(end: datetime, duration: Duration) -> Generator[Ask, Sequence[Bar], datetime]:
    """Where data end before a stretch without any: bars of hours find it in one question, not in a night of them."""
    hours = yield Ask(_HOURS, _WEEK, end)
    last = max((row.time + _HOURS.length for row in hours if row.time < end), default=end - _WEEK.length)
    return last if last < end else end - duration.length


def between(bars: Sequence[Bar], start: datetime, end: datetime) -> tuple[Bar, ...]:
    """Those that begin in there, oldest first; of two for one moment the later told."""
    found = {row.time: row for row in bars if start <= row.time < end}
    return tuple(found[time] for time in sorted(found))


def reaching(length: timedelta, bar: BarSize, longest: Duration) -> Duration:
    """What reaches so far back however IBKR counts, or the longest that it allows.

    So many days touch one trading day more, and contain no more trading days than that.
    """
    if longest.unit == "S":
        wanted = max(-(-length // bar.length) * bar.seconds, _SHORTEST)
        return Duration(min(wanted, longest.count), "S")
    days = -(-length // _DAY) + 1
    return Duration(days, "D") if days < longest.length // _DAY else longest


def pieces(span: Span, longest: Duration) -> int:
    """How many questions a span takes at most, closed markets aside."""
    return max(-(-(span.end - span.start) // longest.length), 1)
