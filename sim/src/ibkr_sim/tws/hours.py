"""Trading and liquid hours of a contract for the days to come, as contract details carry them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.model import Contract
from ibkr_sim.tws.answers.contracts import Sessions

DAYS: Final = 6
_SATURDAY: Final = 5


class _Day(NamedTuple):
    """Opening and closing times of the whole and of the liquid session, local to the exchange."""

    opens: str
    closes: str
    liquid_from: str
    liquid_to: str


_STOCKS: Final[Mapping[str, _Day]] = MappingProxyType(
    {
        "US/Eastern": _Day("0400", "2000", "0930", "1600"),
        "MET": _Day("0900", "1730", "0900", "1730"),
        "America/Mexico_City": _Day("0830", "1500", "0830", "1500"),
    }
)
_ELSEWHERE: Final = _Day("0900", "1730", "0900", "1730")


def sessions(contract: Contract, now: datetime) -> Sessions:
    today = now.astimezone(ZoneInfo(contract.time_zone)).date()
    days = [today + timedelta(days=offset) for offset in range(DAYS)]
    if contract.sec_type == "CASH":
        around_the_clock = ";".join(map(_currency_session, days))
        return Sessions(around_the_clock, around_the_clock)
    hours = _STOCKS.get(contract.time_zone, _ELSEWHERE)
    return Sessions(
        ";".join(_session(day, hours.opens, hours.closes) for day in days),
        ";".join(_session(day, hours.liquid_from, hours.liquid_to) for day in days),
    )


def _session(day: date, opens: str, closes: str) -> str:
    if day.weekday() >= _SATURDAY:
        return f"{day:%Y%m%d}:CLOSED"
    return f"{day:%Y%m%d}:{opens}-{day:%Y%m%d}:{closes}"


def _currency_session(day: date) -> str:
    """From 17:15 of the evening before until 17:00; it begins on Sunday."""
    if day.weekday() >= _SATURDAY:
        return f"{day:%Y%m%d}:CLOSED"
    return f"{day - timedelta(days=1):%Y%m%d}:1715-{day:%Y%m%d}:1700"
