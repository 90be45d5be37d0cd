"""Opening hours, from the real library."""

from __future__ import annotations

from datetime import UTC, datetime

import exchange_calendars
import pytest

from ibkr_bridge.calendars.exchange import ExchangeCalendar
from ibkr_bridge.calendars.hours import Interval, Timetable
from ibkr_bridge.calendars.names import CALENDARS
from ibkr_bridge.domain.errors import UnknownExchange


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("exchange", "at", "is_open"),
    [
        ("NYSE", "2026-11-20T14:29:59", False),
        ("NYSE", "2026-11-20T14:30:00", True),
        ("NYSE", "2026-11-20T20:59:59", True),
        ("NYSE", "2026-11-20T21:00:00", False),
        ("NYSE", "2026-11-26T16:00:00", False),  # Thanksgiving
        ("NYSE", "2026-11-27T17:59:59", True),  # the day after ends at 13:00 in New York
        ("NYSE", "2026-11-27T18:00:00", False),
        ("NYSE", "2026-07-20T13:30:00", True),  # daylight saving time
        ("nasdaq", "2026-11-20T15:00:00", True),
        ("SIX", "2026-11-20T08:00:00", True),
        ("EBS", "2026-05-01T10:00:00", False),  # Labour Day in Zurich
        ("LSE", "2026-11-20T16:30:00", False),
        ("IBIS", "2026-11-20T16:29:00", True),
        ("SEHK", "2026-11-20T04:30:00", False),  # lunch in Hong Kong
        ("SEHK", "2026-11-20T05:00:00", True),
        ("XNYS", "2026-11-21T15:00:00", False),  # Saturday
    ],
)
async def test_an_exchange_is_open_when_it_is(exchange: str, at: str, is_open: bool) -> None:
    hours = await ExchangeCalendar().hours(exchange, utc(at))
    assert hours.open is is_open
    assert (hours.session_open is None) is not is_open
    assert hours.next_open > hours.at
    assert hours.next_close > hours.at
    assert (hours.next_close < hours.next_open) is is_open


async def test_times_are_in_utc_and_the_zone_is_named() -> None:
    hours = await ExchangeCalendar().hours("SIX", utc("2026-11-20T12:00:00"))
    assert (hours.exchange, hours.calendar, hours.time_zone) == ("SIX", "XSWX", "Europe/Zurich")
    assert hours.session_open == utc("2026-11-20T08:00:00")
    assert hours.session_close == hours.next_close == utc("2026-11-20T16:30:00")
    assert hours.next_open == utc("2026-11-23T08:00:00")


async def test_after_lunch_the_exchange_opens_again_the_same_day() -> None:
    hours = await ExchangeCalendar().hours("SEHK", utc("2026-11-20T04:30:00"))
    assert hours.next_open == utc("2026-11-20T05:00:00")


@pytest.mark.parametrize("name", ["", "SMART", "NOWHERE", "XXXX", "../etc/passwd"])
async def test_a_name_that_no_calendar_knows_is_refused(name: str) -> None:
    with pytest.raises(UnknownExchange) as refused:
        await ExchangeCalendar().hours(name, utc("2026-11-20T12:00:00"))
    assert refused.value.advice


async def test_a_calendar_that_is_kept_moves_on_with_time() -> None:
    calendar = ExchangeCalendar()
    for at in ("2026-01-20T12:00:00", "2026-11-20T12:00:00", "2026-03-20T12:00:00"):
        assert (await calendar.hours("SIX", utc(at))).open


def test_every_name_leads_to_a_calendar_of_the_library() -> None:
    assert set(CALENDARS.values()) <= set(exchange_calendars.get_calendar_names(include_aliases=True))


def test_between_two_intervals_nothing_is_open() -> None:
    days = [Interval(utc(f"2026-01-0{day}T09:00:00"), utc(f"2026-01-0{day}T17:00:00")) for day in (5, 6, 7)]
    table = Timetable("TEST", "UTC", days)
    assert not table.covers(utc("2026-01-05T10:00:00"))
    assert table.covers(utc("2026-01-06T10:00:00"))
    assert not table.covers(utc("2026-01-07T10:00:00"))
    closed = table.hours("X", utc("2026-01-06T18:00:00"))
    assert (closed.open, closed.next_open, closed.next_close) == (False, days[2].open, days[2].close)
