"""When a contract's exchange is open: the whole session of a day, and its liquid part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.listing.calendars import ALWAYS, closes_early, is_business_day
from ibkr_sim.exchange.listing.catalogue import table
from ibkr_sim.exchange.model import Contract

_EARLY: Final = time(13)
_ELSEWHERE: Final = "SMART"
"""Whose hours hold for an exchange that is not in the table."""


@dataclass(frozen=True, slots=True)
class TradingDay:
    """In UTC."""

    date: date
    opens: datetime
    closes: datetime
    liquid_from: datetime
    liquid_to: datetime


Days = Callable[[Contract, date], TradingDay | None]
"""Which days are trading days, and when; `trading_day` is what the calendars say."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Of an exchange, in its own time. Who opens later than it closes opens on the evening before."""

    time_zone: str
    opens: time
    closes: time
    liquid_from: time
    liquid_to: time
    calendar: str

    @property
    def overnight(self) -> bool:
        return self.opens >= self.closes and self.calendar != ALWAYS


@cache
def exchange_hours() -> dict[str, Hours]:
    """By the exchange's name."""
    return {
        row["name"]: Hours(
            time_zone=row["time_zone"],
            opens=time.fromisoformat(row["opens"]),
            closes=time.fromisoformat(row["closes"]),
            liquid_from=time.fromisoformat(row["liquid_from"]),
            liquid_to=time.fromisoformat(row["liquid_to"]),
            calendar=row["holidays"],
        )
        for row in table("exchanges")
    }


def hours_of(contract: Contract) -> Hours:
    known = exchange_hours()
    return known.get(contract.primary_exchange) or known[_ELSEWHERE]


def trading_day(contract: Contract, day: date) -> TradingDay | None:
    """None for a day without trading."""
    hours = hours_of(contract)
    if not is_business_day(day, hours.calendar):
        return None
    zone, eve = ZoneInfo(contract.time_zone), day - timedelta(days=1)
    if hours.calendar == ALWAYS:
        opens, closes = _moment(day, time(0), zone), _moment(day + timedelta(days=1), time(0), zone)
        return TradingDay(day, opens, closes, opens, closes)
    early = closes_early(day, hours.calendar) and not hours.overnight
    closing, liquid_to = (_EARLY, _EARLY) if early else (hours.closes, hours.liquid_to)
    opens = _moment(eve if hours.overnight else day, hours.opens, zone)
    all_liquid = hours.overnight and hours.liquid_from == hours.opens
    return TradingDay(
        day,
        opens,
        _moment(day, closing, zone),
        opens if all_liquid else _moment(day, hours.liquid_from, zone),
        _moment(day, liquid_to, zone),
    )


def last_close(contract: Contract, moment: datetime) -> datetime:
    """The end of regular hours on the last trading day before the one that a moment belongs to."""
    day = local_date(contract, moment) - timedelta(days=1)
    while (found := trading_day(contract, day)) is None:
        day -= timedelta(days=1)
    return found.liquid_to


def local_date(contract: Contract, moment: datetime) -> date:
    """Of the trading day that a moment belongs to, or would."""
    hours, local = hours_of(contract), moment.astimezone(ZoneInfo(contract.time_zone))
    evening = hours.overnight and local.time() >= hours.opens
    return local.date() + timedelta(days=int(evening))


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)
