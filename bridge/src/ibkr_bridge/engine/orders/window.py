"""How far back the broker's lists reach."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_QUARTER = timedelta(minutes=15)


def in_window(made: datetime, at: datetime, time_zone: str | None) -> bool:
    """Whether the broker would still show at `at` whatever became of an order that was made then.

    TWS shows completed orders and executions since midnight of its login time zone (TWS API, "Executions and
    Commissions"). Without knowing the zone, any quarter of an hour may be its midnight.
    """
    if time_zone is None:
        return made.timestamp() // _QUARTER.total_seconds() == at.timestamp() // _QUARTER.total_seconds()
    zone = ZoneInfo(time_zone)
    return made.astimezone(zone).date() == at.astimezone(zone).date()
