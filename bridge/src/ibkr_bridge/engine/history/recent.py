"""The newest bars of a contract: how far back to ask for so many, and how live ones follow on. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ibkr_bridge.domain.bars import Bar, BarSize, Duration, What
from ibkr_bridge.domain.contract import Contract

_DAY: Final = 86_400
_SESSION: Final = 23_400
"""Seconds of a trading day at exchanges in the United States; nowhere do regular hours last much less."""
_DATED: Final = {"1d": "D", "1w": "W", "1M": "M"}


@dataclass(frozen=True, slots=True)
class Recent:
    contract: Contract
    what: What
    rth: bool
    bar: BarSize
    bars: tuple[Bar, ...]
    complete: bool
    as_of: datetime


def reach(bar: BarSize, count: int) -> Duration:
    """What holds so many bars at least."""
    if bar.dated:
        return Duration(count, _DATED[bar.name])
    seconds = bar.seconds * count
    return Duration(seconds, "S") if seconds <= _SESSION else Duration(min(-(-seconds // _SESSION) + 1, 365), "D")


def followed(past: Sequence[Bar], live: Sequence[Bar]) -> tuple[Bar, ...]:
    """Live bars behind those of the past; where both tell of a moment, the one of the past is whole."""
    last = past[-1].time if past else None
    return (*past, *(bar for bar in live if last is None or bar.time > last))
