"""Times of day as TWS writes and reads them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ibkr_sim.tws.versions import ZONED_TIMES

_FILTER: Final = re.compile(r"(\d{8})(?:(-| {1,2})(\d{2}:\d{2}:\d{2})(?: (\S{1,40}))?)?", re.ASCII)


def zoned(moment: datetime, zone: str) -> str:
    """`20260105 09:30:00 US/Eastern`."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y%m%d %H:%M:%S} {zone}"


def stamp(moment: datetime, zone: str, version: int) -> str:
    """An execution's time; before server version 174 two blanks and no zone."""
    if version >= ZONED_TIMES:
        return zoned(moment, zone)
    return f"{moment.astimezone(ZoneInfo(zone)):%Y%m%d  %H:%M:%S}"


def universal(moment: datetime) -> str:
    """`20260105-14:30:00`, always in UTC."""
    return f"{moment.astimezone(UTC):%Y%m%d-%H:%M:%S}"


def names_zone(text: str) -> bool:
    """Whether a time that a client wrote says in which zone it is meant."""
    match = _FILTER.fullmatch(text.strip())
    return match is not None and (match[2] == "-" or bool(match[4]))


def parse_filter(text: str, zone: str) -> datetime | None:
    """Read `yyyymmdd-hh:mm:ss` (UTC), `yyyymmdd hh:mm:ss [zone]` (the login's zone) or `yyyymmdd`.

    None when it is none of these.
    """
    match = _FILTER.fullmatch(text.strip())
    if match is None:
        return None
    day, separator, clock, named = match.groups()
    try:
        moment = datetime.strptime(f"{day} {clock or '00:00:00'}", "%Y%m%d %H:%M:%S").replace(tzinfo=UTC)
        return moment if separator == "-" and not named else moment.replace(tzinfo=ZoneInfo(named or zone))
    except (ValueError, ZoneInfoNotFoundError, OSError):
        return None
