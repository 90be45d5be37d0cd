"""Bars: their sizes, the words in which callers ask for them, and what one says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ibkr_bridge.domain.errors import InvalidRequest

_DAY: Final = 86_400


class What(StrEnum):
    """What bars are made of (TWS API, "Historical Bar whatToShow")."""

    TRADES = "TRADES"
    MIDPOINT = "MIDPOINT"
    BID = "BID"
    ASK = "ASK"
    BID_ASK = "BID_ASK"
    ADJUSTED_LAST = "ADJUSTED_LAST"
    HISTORICAL_VOLATILITY = "HISTORICAL_VOLATILITY"
    OPTION_IMPLIED_VOLATILITY = "OPTION_IMPLIED_VOLATILITY"
    FEE_RATE = "FEE_RATE"
    YIELD_BID = "YIELD_BID"
    YIELD_ASK = "YIELD_ASK"
    YIELD_BID_ASK = "YIELD_BID_ASK"
    YIELD_LAST = "YIELD_LAST"
    AGGTRADES = "AGGTRADES"


@dataclass(frozen=True, slots=True, order=True)
class BarSize:
    """`seconds` of a week are seven days, of a month thirty: lengths to plan with, not to count with."""

    seconds: int
    name: str

    @property
    def length(self) -> timedelta:
        return timedelta(seconds=self.seconds)

    @property
    def dated(self) -> bool:
        """Whether its bars have a trading day for a time, and no hour."""
        return self.seconds >= _DAY

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Duration:
    """`unit` is IBKR's: S seconds, D trading days, W weeks, M months, Y years."""

    count: int
    unit: str

    @property
    def length(self) -> timedelta:
        """By the calendar, months of thirty days."""
        return timedelta(seconds=self.count * _UNITS[self.unit])

    def before(self, end: datetime) -> datetime:
        """The moment that lies this long before `end`, by the calendar; 31 March less a month is 28 or 29 February."""
        months = self.count * {"M": 1, "Y": 12}.get(self.unit, 0)
        if not months:
            return end - self.length
        year, month = divmod(end.year * 12 + end.month - 1 - months, 12)
        following = datetime(year + month // 11, (month + 1) % 12 + 1, 1, tzinfo=UTC)
        last = (following - timedelta(days=1)).day
        return end.replace(year=year, month=month + 1, day=min(end.day, last))

    def __str__(self) -> str:
        return f"{self.count} {self.unit}"


@dataclass(frozen=True, slots=True)
class Bar:
    """One interval that begins at `time`; what the broker has not told is None, never 0.

    The time of a bar of a day and longer is midnight UTC of its trading day.
    """

    time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None = None
    wap: Decimal | None = None
    """The average price, weighted by volume."""
    count: int | None = None
    """Of trades."""


_UNITS: Final = {"S": 1, "D": _DAY, "W": 7 * _DAY, "M": 30 * _DAY, "Y": 365 * _DAY}
_MOST: Final = {"S": 10_000_000, "D": 365, "W": 520, "M": 600, "Y": 50}
SIZES: Final[Mapping[str, BarSize]] = MappingProxyType(
    {
        size.name: size
        for size in (
            *(BarSize(count, f"{count}s") for count in (1, 5, 10, 15, 30)),
            *(BarSize(count * 60, f"{count}m") for count in (1, 2, 3, 5, 10, 15, 20, 30)),
            *(BarSize(count * 3600, f"{count}h") for count in (1, 2, 3, 4, 8)),
            BarSize(_DAY, "1d"),
            BarSize(7 * _DAY, "1w"),
            BarSize(30 * _DAY, "1M"),
        )
    }
)
"""Every size that IBKR knows (TWS API, "Historical Bar Sizes")."""
_WORDS: Final = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "wk", "week", "weeks"), "w"),
    **dict.fromkeys(("mo", "mon", "month", "months"), "M"),
    **dict.fromkeys(("y", "yr", "year", "years"), "y"),
}
_FORM: Final = re.compile(r"(\d{1,8})[ _]?([A-Za-z]{1,7})", re.ASCII)
_DURATIONS: Final = {"s": (1, "S"), "m": (60, "S"), "h": (3600, "S"), "d": (1, "D"), "w": (1, "W"), "M": (1, "M")}
BAR_GRAMMAR: Final = f"a number and a unit, one of {', '.join(SIZES)} (m minutes, M months; 1 min, 5 mins, 1 day too)"
DURATION_GRAMMAR: Final = (
    "a number and a unit: s seconds, m minutes, h hours, D trading days, W weeks, M months, Y years (m is minutes)"
)


def bar_size(text: str) -> BarSize:
    """`1m`, `1 min`, `1min`, `5 mins`, `1 hour`, `1D`, `1W`, `1M`. Raises InvalidRequest with the grammar."""
    count, unit = _read(text)
    size = SIZES.get(f"{count}{unit}")
    if size is None:
        raise InvalidRequest(f"There is no bar size {text!r}.", field="bar", advice=f"Write bar as {BAR_GRAMMAR}.")
    return size


def duration(text: str) -> Duration:
    """`1Y`, `1 Y`, `30 D`, `2W`, `6M`, `90m`, `1800 S`. Raises InvalidRequest with the grammar."""
    count, word = _read(text)
    factor, unit = (1, "Y") if word == "y" else _DURATIONS.get(word, (0, ""))
    if not count * factor:
        raise InvalidRequest(
            f"{text!r} is no duration.", field="duration", advice=f"Write duration as {DURATION_GRAMMAR}: 1D, 30 D, 1Y."
        )
    if count * factor > _MOST[unit]:
        advice = f"At most {_MOST[unit]} {unit}; longer ones in a larger unit, or by start and end."
        raise InvalidRequest(f"The duration {text!r} is too long.", field="duration", advice=advice)
    return Duration(count * factor, unit)


def whole(last: Bar, size: BarSize, now: datetime) -> bool:
    """Whether a bar had ended by `now`. Weeks and months go by any of their days."""
    if size.name == "1w":
        return last.time - timedelta(days=last.time.weekday()) + size.length <= now
    if size.name == "1M":
        return (last.time.year, last.time.month) < (now.year, now.month)
    return last.time + size.length <= now


def _read(text: str) -> tuple[int, str]:
    """Count and unit; (0, "") for what has not that form. Case tells minutes from months, and nothing else."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        return 0, ""
    word = "mo" if match[2] == "M" else match[2].lower()
    return int(match[1]), _WORDS.get(word, "")
