"""The calendar port over exchange_calendars, loaded in a worker thread and only when first asked."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ibkr_bridge.calendars.hours import Interval, Timetable
from ibkr_bridge.calendars.names import CALENDARS
from ibkr_bridge.domain.errors import UnknownExchange
from ibkr_bridge.ports.calendar import MarketHours

BEHIND = timedelta(days=15)
AHEAD = timedelta(days=45)
"""Longer than any holiday (Shanghai closes for up to nine days), so that "next" is always inside."""


class ExchangeCalendar:
    """Implements ports.calendar.Calendar. The library takes more than a second and 60 MB to import."""

    def __init__(self) -> None:
        self._timetables: dict[str, Timetable] = {}
        self._loading = asyncio.Lock()

    async def hours(self, exchange: str, at: datetime) -> MarketHours:
        """Raises UnknownExchange for a name that no calendar knows. `at` in UTC."""
        name = exchange.strip().upper()
        timetable = await self._timetable(CALENDARS.get(name, name), at)
        if timetable is None:
            raise UnknownExchange(
                f"No calendar is known for {exchange!r}.",
                advice="Use IBKR's name of the exchange (NYSE, SIX, LSE, IBIS) or its ISO 10383 code (XNYS).",
            )
        if not timetable.covers(at):
            raise UnknownExchange(
                f"The calendar of {exchange} does not reach {at:%Y-%m-%d}.", advice="Ask for another day."
            )
        return timetable.hours(name, at)

    async def _timetable(self, calendar: str, at: datetime) -> Timetable | None:
        async with self._loading:
            known = self._timetables.get(calendar)
            if known is None or not known.covers(at):
                known = await asyncio.to_thread(_load, calendar, at.date())
                if known is not None:
                    self._timetables[calendar] = known
            return known


def _load(calendar: str, day: date) -> Timetable | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library trips over deprecations of pandas
        import exchange_calendars  # noqa: PLC0415  costs a second: not before somebody asks
        from exchange_calendars.errors import InvalidCalendarName  # noqa: PLC0415

        try:
            found = exchange_calendars.get_calendar(calendar, start=day - BEHIND, end=day + AHEAD)
        except InvalidCalendarName:
            return None
        except ValueError:  # the library has the holidays of some exchanges for few years only
            found = exchange_calendars.get_calendar(calendar, start=day - BEHIND)
        return Timetable(calendar, str(found.tz), tuple(_intervals(found.schedule)))


def _intervals(schedule: Any) -> Iterator[Interval]:
    for session in schedule.itertuples():
        opening, closing = _utc(session.open), _utc(session.close)
        if session.break_start == session.break_start:  # not-a-time, the library's "no break", differs from itself
            yield Interval(opening, _utc(session.break_start))
            yield Interval(_utc(session.break_end), closing)
        else:
            yield Interval(opening, closing)


def _utc(stamp: Any) -> datetime:
    moment: datetime = stamp.to_pydatetime()
    return moment.astimezone(UTC)
