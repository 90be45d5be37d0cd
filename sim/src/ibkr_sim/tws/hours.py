"""Trading and liquid hours of a contract for the days to come, as contract details carry them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.listing.hours import trading_day
from ibkr_sim.exchange.model import Contract
from ibkr_sim.tws.answers.contracts import Sessions

DAYS: Final = 6


def sessions(contract: Contract, now: datetime) -> Sessions:
    zone = ZoneInfo(contract.time_zone)
    today = now.astimezone(zone).date()
    days = [today + timedelta(days=offset) for offset in range(DAYS)]
    told = [_told(contract, day, zone) for day in days]
    return Sessions(";".join(whole for whole, _liquid in told), ";".join(liquid for _whole, liquid in told))


def _told(contract: Contract, date_: date, zone: ZoneInfo) -> tuple[str, str]:
    """The whole session of a day, and its liquid part."""
    day = trading_day(contract, date_)
    if day is None:
        return (closed := f"{date_:%Y%m%d}:CLOSED"), closed
    return _span(day.opens, day.closes, zone), _span(day.liquid_from, day.liquid_to, zone)


def _span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    return f"{start.astimezone(zone):%Y%m%d:%H%M}-{end.astimezone(zone):%Y%m%d:%H%M}"
