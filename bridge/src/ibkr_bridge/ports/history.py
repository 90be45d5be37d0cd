"""A door's past: one piece of bars at a time, as IBKR allows it, and bars as they come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ibkr_bridge.domain.bars import Bar, BarSize, Duration, What
from ibkr_bridge.domain.contract import Contract


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """What IBKR allows at a door; times in seconds."""

    longest: Mapping[str, Duration]
    """The longest piece of each size of bar, by its name; a size that is missing is not to be had."""
    kinds: frozenset[What]
    at_once: int
    """Questions under way."""
    points: int | None = None
    """Bars in one answer: of more, the newest are told."""
    small: int = 0
    """Bars up to so many seconds long are paced strictly, and kept for `small_kept` only."""
    small_kept: float = 183 * 86_400.0
    window: float = 600.0
    window_count: int = 58
    """Questions for small bars in a window; one for bid and ask counts twice."""
    burst: float = 2.0
    burst_count: int = 5
    """Questions about one contract and kind in a burst."""
    identical: float = 15.0
    """Between two questions for small bars that are the same."""
    head_above: int = 1
    """Pieces above which it pays to ask where a contract's data begin."""
    live: bool = False
    """Whether the door delivers bars as they come."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One question: bars of `duration` that end at `end`, None for the present."""

    contract: Contract
    what: What
    rth: bool
    """Regular trading hours alone."""
    bar: BarSize
    duration: Duration
    end: datetime | None


class PacedOut(Exception):
    """IBKR says that it was asked too often: between a door and who asks it, no caller's to see."""

    def __init__(self, ibkr_code: int, text: str) -> None:
        super().__init__(text)
        self.ibkr_code = ibkr_code
        self.text = text


@dataclass(frozen=True, slots=True)
class BarArrived:
    conid: int
    bar: Bar


@dataclass(frozen=True, slots=True)
class BarsFailed:
    """No bar comes any more until one does."""

    conid: int
    ibkr_code: int
    text: str
    passing: bool = False
    """As with quotes: the line lives."""


HearBars = Callable[[BarArrived | BarsFailed], None]


class HistorySource(Protocol):
    """Calls raise as `ports.upstream.Upstream` says; a call that is cancelled is ended at IBKR too."""

    @property
    def limits(self) -> HistoryLimits: ...

    async def bars(self, piece: Piece) -> Sequence[Bar]:
        """In any order; none where IBKR has none. The answer has no gap up to its end. Raises PacedOut."""

    async def head(self, contract: Contract, what: What, *, rth: bool) -> datetime | None:
        """Where a contract's data begin; None where IBKR does not say."""

    async def open_bars(self, contract: Contract, what: What, hear: HearBars) -> None:
        """Bars of five seconds as they come; the door keeps the line over reconnects. Raises NotSupported."""

    async def close_bars(self, conid: int) -> None: ...
