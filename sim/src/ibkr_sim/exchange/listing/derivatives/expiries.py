"""The days on which futures and options end; they roll with the calendar."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from ibkr_sim.exchange.listing.calendars import before, is_business_day, nth_weekday, on_or_before

MONTH_LETTERS = "FGHJKMNQUVXZ"
_WEDNESDAY, _FRIDAY = 2, 4
_WEEKDAYS: Final = {"third_friday": _FRIDAY, "third_wednesday": _WEDNESDAY}
_COUNTED_BACK: Final = {
    "before_25th": (-1, 25, 3),
    "before_15th": (0, 15, 1),
    "before_first": (0, 1, 3),
    "third_last": (1, 1, 3),
    "eighth_last": (1, 1, 8),
}
"""From the day of a month, so many months after the contract's own, so many business days back."""
_DAILY, _WEEKLY = 10, 8
"""How many days, and weeks, are listed one by one."""
_MONTHS_AHEAD = (0, 1, 2, 3, 4, 5, 6, 9, 12, 15, 18, 24)


def future_expiry(rule: str, year: int, month: int, calendar: str) -> date:
    """The last trading day of a contract month. Raises KeyError for an unknown rule."""
    if rule in _WEEKDAYS:
        return on_or_before(nth_weekday(year, month, _WEEKDAYS[rule], 3), calendar)
    months, day, count = _COUNTED_BACK[rule]
    place = year * 12 + month - 1 + months
    return before(date(place // 12, place % 12 + 1, day), calendar, count)


def months(letters: str, first: date) -> Iterator[tuple[int, int]]:
    """Years and months in which contracts end, from that of `first` on."""
    cycle = [MONTH_LETTERS.index(letter) + 1 for letter in letters]
    for year in range(first.year, first.year + 5):
        for month in cycle:
            if (year, month) >= (first.year, first.month):
                yield year, month


def option_expiries(schedule: str, today: date, calendar: str) -> list[date]:
    """Those listed on a day: monthly ones for two years, the coming weeks, and days."""
    found = {_monthly(today, ahead, calendar) for ahead in _MONTHS_AHEAD}
    if schedule in ("weekly", "daily"):
        friday = today + timedelta(days=(_FRIDAY - today.weekday()) % 7)
        found |= {on_or_before(friday + timedelta(weeks=week), calendar) for week in range(_WEEKLY)}
    if schedule == "daily":
        days = (today + timedelta(days=offset) for offset in range(2 * _DAILY))
        found |= set([day for day in days if is_business_day(day, calendar)][:_DAILY])
    return sorted(day for day in found if day >= today)


def is_option_expiry(schedule: str, day: date, calendar: str) -> bool:
    """Whether options of a schedule may end on a day, whenever they were listed."""
    if not is_business_day(day, calendar):
        return False
    if schedule == "daily" or day == _monthly(day, 0, calendar):
        return True
    friday = day + timedelta(days=(_FRIDAY - day.weekday()) % 7)
    return schedule == "weekly" and day == on_or_before(friday, calendar)


def _monthly(today: date, ahead: int, calendar: str) -> date:
    month = today.month - 1 + ahead
    return on_or_before(nth_weekday(today.year + month // 12, month % 12 + 1, _FRIDAY, 3), calendar)
