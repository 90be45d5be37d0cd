"""When the next question for history may be asked, by what was asked before. Pure.

Sources: TWS API, "Historical Data Limitations"; Web API v1.0, "Pacing Limitations". A question counts from its
sending until its answer, and for the window after that: nobody knows when in between it arrived.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from math import inf

from ibkr_bridge.domain.bars import What
from ibkr_bridge.ports.history import HistoryLimits, Piece


@dataclass(frozen=True, slots=True)
class Question:
    """As IBKR counts it."""

    identity: Hashable
    subject: Hashable
    """Contract, exchange and kind."""
    weight: int
    small: bool


@dataclass(frozen=True, slots=True)
class Asked:
    question: Question
    answered: float | None
    """When, in monotonic seconds; None while it is under way."""


def question(piece: Piece, limits: HistoryLimits) -> Question:
    subject = (piece.contract.conid, piece.contract.exchange, piece.what)
    identity = (*subject, piece.rth, piece.bar, piece.duration, piece.end)
    weight = 2 if piece.what is What.BID_ASK else 1
    return Question(identity, subject, weight, piece.bar.seconds <= limits.small)


def wait(asked: Iterable[Asked], new: Question, now: float, limits: HistoryLimits) -> float:
    """Seconds until `new` may be asked: 0 for now, inf for not before one under way has its answer."""
    known = tuple(asked)
    free_at = max(_free_at(known, new, limits), default=0.0)
    return max(free_at - now, 0.0)


def remembered(asked: Iterable[Asked], now: float, limits: HistoryLimits) -> list[Asked]:
    """Without what can no longer make anybody wait."""
    small, other = max(limits.window, limits.identical, limits.burst), limits.burst
    return [row for row in asked if _ends(row, small if row.question.small else other) > now]


def _free_at(known: tuple[Asked, ...], new: Question, limits: HistoryLimits) -> Iterator[float]:
    """When each rule lets it pass."""
    under_way = [row for row in known if row.answered is None]
    if len(under_way) >= limits.at_once:
        yield inf
    same = [_ends(row, limits.burst) for row in known if row.question.subject == new.subject]
    yield _freed(((end, 1) for end in same), limits.burst_count - 1)
    if new.small:
        yield from (_ends(row, limits.identical) for row in known if row.question.identity == new.identity)
        small = [(_ends(row, limits.window), row.question.weight) for row in known if row.question.small]
        yield _freed(small, limits.window_count - new.weight)


def _ends(row: Asked, window: float) -> float:
    return inf if row.answered is None else row.answered + window


def _freed(rows: Iterable[tuple[float, int]], most: int) -> float:
    """When no more than `most` of the weights are left; each ends at its moment."""
    ordered = sorted(rows)
    left = sum(weight for _end, weight in ordered)
    freed = 0.0
    for end, weight in ordered:
        if left <= most:
            break
        left -= weight
        freed = end
    return freed
