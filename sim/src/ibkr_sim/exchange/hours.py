"""When a contract's exchange is open: the whole session of a day, and its liquid part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.model import Contract

_FRIDAY: Final = 4
_Times = tuple[time, time, time, time]
"""Opening and closing of the whole and of the liquid session, local to the exchange."""
_STOCKS: Final[Mapping[str, _Times]] = MappingProxyType(
    {
        "US/Eastern": (time(4), time(20), time(9, 30), time(16)),
        "MET": (time(9), time(17, 30), time(9), time(17, 30)),
        "America/Mexico_City": (time(8, 30), time(15), time(8, 30), time(15)),
    }
)
_ELSEWHERE: Final[_Times] = (time(9), time(17, 30), time(9), time(17, 30))


@dataclass(frozen=True, slots=True)
class TradingDay:
    """In UTC."""

    date: date
    opens: datetime
    closes: datetime
    liquid_from: datetime
    liquid_to: datetime


def trading_day(contract: Contract, day: date) -> TradingDay | None:
    """None for a day without trading. Currencies trade from 17:15 of the evening before until 17:00."""
    if day.weekday() > _FRIDAY:
        return None
    zone = ZoneInfo(contract.time_zone)
    if contract.sec_type == "CASH":
        opens = _moment(day - timedelta(days=1), time(17, 15), zone)
        closes = _moment(day, time(17), zone)
        return TradingDay(day, opens, closes, opens, closes)
    moments = (_moment(day, at, zone) for at in _STOCKS.get(contract.time_zone, _ELSEWHERE))
    return TradingDay(day, *moments)


def local_date(contract: Contract, moment: datetime) -> date:
    """Of the trading day that a moment belongs to, or would."""
    local = moment.astimezone(ZoneInfo(contract.time_zone))
    evening = contract.sec_type == "CASH" and local.time() >= time(17, 15)
    return local.date() + timedelta(days=int(evening))


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)
