"""An account's value over time, and its return in a period; pure arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from ibkr_sim.exchange.model import DayEnd

_EXACTNESS: Final = Decimal("0.00000001")


def _months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    first = date(year, month + 1, 1)
    following = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return min(first.replace(day=1) + timedelta(days=day.day - 1), following - timedelta(days=1))


PERIODS: Final[Mapping[str, Callable[[date], date]]] = MappingProxyType(
    {
        "1D": lambda today: today,
        "7D": lambda today: today - timedelta(days=6),
        "MTD": lambda today: today.replace(day=1),
        "1M": lambda today: _months_before(today, 1),
        "3M": lambda today: _months_before(today, 3),
        "6M": lambda today: _months_before(today, 6),
        "YTD": lambda today: today.replace(month=1, day=1),
        "12M": lambda today: _months_before(today, 12),
        "1Y": lambda today: _months_before(today, 12),
    }
)
"""The first day of each, from the last."""
SHOWN: Final = ("1D", "7D", "MTD", "1M", "YTD", "1Y")
"""Those that are told where none is asked for."""


@dataclass(frozen=True, slots=True)
class Track:
    """The value at the end of some days, oldest first, of which the first lies before the period."""

    account: str
    base: str
    first: DayEnd
    days: tuple[DayEnd, ...]

    @property
    def start(self) -> date:
        return self.days[0].date

    @property
    def end(self) -> date:
        return self.days[-1].date

    @property
    def length(self) -> int:
        """Calendar days, both ends included."""
        return (self.end - self.start).days + 1

    @property
    def returns(self) -> list[Decimal]:
        """Of each day, since the beginning. Nothing is ever paid in or out, so they are time-weighted."""
        return [_gain(self.first, day) for day in self.days]

    @property
    def monthly(self) -> dict[str, Decimal]:
        """By month, `202603`: its own return alone."""
        ends = {f"{day.date:%Y%m}": day for day in self.days}
        before, told = self.first, {}
        for month, end in ends.items():
            told[month], before = _gain(before, end), end
        return told


def track(account: str, base: str, days: Sequence[DayEnd], period: str) -> Track:
    """Of a period in PERIODS that ends with the last of at least two days, or of as much of it as there is."""
    first = PERIODS[period](days[-1].date)
    place = next((place for place, day in enumerate(days) if day.date >= first and place), len(days) - 1)
    return Track(account, base, days[place - 1], tuple(days[place:]))


def _gain(before: DayEnd, after: DayEnd) -> Decimal:
    if not before.net_liquidation:
        return Decimal(0)
    return (after.net_liquidation / before.net_liquidation - 1).quantize(_EXACTNESS)
