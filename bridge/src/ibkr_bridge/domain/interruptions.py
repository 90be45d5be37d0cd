"""Interruptions that are known in advance: IBKR's resets and the gateway's own restart. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FORM = re.compile(rf"(?:({'|'.join(_DAYS)}) )?(\d\d:\d\d)-(\d\d:\d\d) (\S+)")
_RESTART_TAKES = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Window:
    """A span of every day, or of one day of the week (Monday is 0), in the time of a place."""

    start: time
    lasts: timedelta
    zone: ZoneInfo
    weekday: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Interruption:
    start: datetime
    end: datetime
    why: str


def reset(text: str) -> Window:
    """From "HH:MM-HH:MM Zone", or "Fri HH:MM-HH:MM Zone" for one day. Raises ValueError."""
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise ValueError(f"{text!r} is not like '00:15-01:45 America/New_York' or 'Fri 23:00-03:00 America/New_York'")
    day, begins, ends, place = form.groups()
    start, end = time.fromisoformat(begins), time.fromisoformat(ends)
    lasts = timedelta(hours=end.hour - start.hour, minutes=end.minute - start.minute) % timedelta(days=1)
    weekday = _DAYS.index(day) if day else None
    return Window(start, lasts, _zone(place), weekday, f"IBKR's reset ({text.strip()})")


def restart(at: str, place: str) -> Window:
    """The gateway's own, at "HH:MM" each day. Raises ValueError."""
    return Window(time.fromisoformat(at), _RESTART_TAKES, _zone(place), None, f"the gateway's restart ({at} {place})")


def next_one(windows: Iterable[Window], at: datetime) -> Interruption | None:
    """The first that begins at or after that moment."""
    return min(_coming(windows, at), key=lambda interruption: interruption.start, default=None)


def _coming(windows: Iterable[Window], at: datetime) -> Iterator[Interruption]:
    for window in windows:
        today = at.astimezone(window.zone).date()
        for days in range(8):
            date = today + timedelta(days=days)
            start = datetime.combine(date, window.start, window.zone).astimezone(UTC)
            if start >= at and window.weekday in (None, date.weekday()):
                yield Interruption(start, start + window.lasts, window.why)
                break


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise ValueError(f"{name!r} is no time zone; write it like Europe/Zurich") from problem
