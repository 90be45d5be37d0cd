"""The days on which exchanges stay closed, by rules that hold for any year."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Final

_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6
ALWAYS: Final = "always"
"""Of an exchange that knows no weekend."""


def is_business_day(day: date, calendar: str) -> bool:
    """`us`, `europe`, `britain`, `always`, or empty for weekends alone."""
    if calendar == ALWAYS:
        return True
    return day.weekday() < _SATURDAY and day not in holidays(calendar, day.year)


def closes_early(day: date, calendar: str) -> bool:
    """Whether US exchanges close at 13:00: the day after Thanksgiving, and before Independence Day and Christmas."""
    if calendar != "us":
        return False
    thanksgiving = _weekday_of_month(day.year, 11, _THURSDAY, 4)
    return day in (date(day.year, 7, 3), thanksgiving + timedelta(days=1), date(day.year, 12, 24))


@cache
def holidays(calendar: str, year: int) -> frozenset[date]:
    match calendar:
        case "us":
            return _american(year)
        case "europe":
            return frozenset({date(year, 5, 1), *_western(year)})
        case "britain":
            banks = (_weekday_of_month(year, 5, _MONDAY, 1), _last(year, 5, _MONDAY), _last(year, 8, _MONDAY))
            return frozenset({*_western(year), *banks})
        case _:
            return frozenset()


def before(day: date, calendar: str, count: int = 1) -> date:
    """So many business days earlier."""
    while count:
        day -= timedelta(days=1)
        count -= is_business_day(day, calendar)
    return day


def on_or_before(day: date, calendar: str) -> date:
    return day if is_business_day(day, calendar) else before(day, calendar)


def nth_weekday(year: int, month: int, weekday: int, number: int) -> date:
    """Monday is 0; the third Friday of a month is its weekday 4, number 3."""
    return _weekday_of_month(year, month, weekday, number)


def _american(year: int) -> frozenset[date]:
    fixed = [date(year, 1, 1), date(year, 6, 19), date(year, 7, 4), date(year, 12, 25)]
    moved = [_observed(day) for day in fixed]
    if moved[0].year < year:
        del moved[0]  # New Year's Day on a Saturday is not made up for
    return frozenset(
        {
            *moved,
            _weekday_of_month(year, 1, _MONDAY, 3),
            _weekday_of_month(year, 2, _MONDAY, 3),
            easter(year) - timedelta(days=2),
            _last(year, 5, _MONDAY),
            _weekday_of_month(year, 9, _MONDAY, 1),
            _weekday_of_month(year, 11, _THURSDAY, 4),
        }
    )


def _western(year: int) -> frozenset[date]:
    sunday = easter(year)
    return frozenset(
        {
            date(year, 1, 1),
            sunday - timedelta(days=2),
            sunday + timedelta(days=1),
            date(year, 12, 25),
            date(year, 12, 26),
        }
    )


def easter(year: int) -> date:
    """Easter Sunday, by the Gregorian computus."""
    golden, century = year % 19, year // 100
    epact = (century - century // 4 - (8 * century + 13) // 25 + 19 * golden + 15) % 30
    moon = epact - epact // 28 * (1 - 29 // (epact + 1) * ((21 - golden) // 11))
    weekday = (year + year // 4 + moon + 2 - century + century // 4) % 7
    offset = moon - weekday
    month = 3 + (offset + 40) // 44
    return date(year, month, offset + 28 - 31 * (month // 4))


def _observed(day: date) -> date:
    return day + timedelta(days={_SATURDAY: -1, _SUNDAY: 1}.get(day.weekday(), 0))


def _weekday_of_month(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def _last(year: int, month: int, weekday: int) -> date:
    following = date(year + month // 12, month % 12 + 1, 1)
    return following - timedelta(days=(following.weekday() - weekday - 1) % 7 + 1)
