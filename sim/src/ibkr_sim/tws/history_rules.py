"""What historical data may be asked for: bar sizes, durations, kinds of data (TWS API: "Historical Bars")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from ibkr_sim.exchange.model import Contract, Rejected
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.history.intervals import DAY, MINUTE, MONTH, SESSIONS, WEEK
from ibkr_sim.tws.refusals import invalid
from ibkr_sim.tws.times import parse_filter

HISTORY_ERROR: Final = 162
INVALID_TIME: Final = 10314
_HISTORY: Final = "Historical Market Data Service error message:"
_HOUR: Final = 60 * MINUTE
_SIZES: Final[Mapping[str, int]] = MappingProxyType(
    {
        **{f"{count} secs": count for count in (1, 5, 10, 15, 30)},
        "1 min": MINUTE,
        **{f"{count} mins": count * MINUTE for count in (2, 3, 5, 10, 15, 20, 30)},
        "1 hour": _HOUR,
        **{f"{count} hours": count * _HOUR for count in (2, 3, 4, 8)},
        "1 day": DAY,
        "1W": WEEK,
        "1M": MONTH,
    }
)
_OTHER_NAMES: Final = {"1 week": "1W", "1 month": "1M"}
_UNITS: Final = {"S": 1, "D": DAY, "W": WEEK, "M": MONTH, "Y": 365 * DAY}
_MOST: Final = {
    "S": (86_400, "seconds", "days"),
    "D": (365, "days", "years"),
    "W": (52, "weeks", "years"),
    "M": (12, "months", "years"),
}
"""Above so many, a larger unit must be used."""
_DURATION: Final = re.compile(r"(\d{1,6}) ([SDWMY])")
_LONGEST: Final = (
    (1, 1_800),
    (5, 3_600),
    (15, 14_400),
    (30, 28_800),
    (MINUTE, 31 * DAY),
    (20 * MINUTE, 366 * DAY),
    (8 * _HOUR, 5 * 366 * DAY),
)
"""Bars up to so many seconds long may be asked for no more than so many seconds at once."""
SMALL: Final = 30
"""Seconds up to which bars are small: they are paced strictly, and gone after half a year."""
_SMALL_KEPT: Final = timedelta(days=183)
VOLATILITY: Final = "HISTORICAL_VOLATILITY"
SCHEDULE: Final = "SCHEDULE"
ADJUSTED: Final = "ADJUSTED_LAST"
SOURCES: Final[Mapping[str, Source]] = MappingProxyType(
    {ADJUSTED: Source.TRADES} | {source.value: source for source in Source}
)
_UNKNOWN_HERE: Final = frozenset(
    {
        *("OPTION_IMPLIED_VOLATILITY", "FEE_RATE", "REBATE_RATE", "AGGTRADES"),
        *("YIELD_BID", "YIELD_ASK", "YIELD_BID_ASK", "YIELD_LAST"),
    }
)
_TITLES: Final = {
    "TRADES": "Trades",
    ADJUSTED: "Trades",
    "MIDPOINT": "Midpoint",
    "BID": "Bid",
    "ASK": "Ask",
    "BID_ASK": "Bid_Ask",
    VOLATILITY: "HistVol",
    "OPTION_IMPLIED_VOLATILITY": "OptImplVol",
}


@dataclass(frozen=True, slots=True)
class Duration:
    """As the client wrote it; `seconds` by the calendar."""

    count: int
    unit: str

    @property
    def seconds(self) -> int:
        return self.count * _UNITS[self.unit]

    @property
    def sessions(self) -> int:
        """Trading days; 0 for a duration in seconds."""
        return self.count * SESSIONS.get(self.unit, 0)


def history_error(text: str) -> Rejected:
    return Rejected(HISTORY_ERROR, f"{_HISTORY}{text}")


def no_data(contract: Contract, exchange: str, what: str) -> Rejected:
    title = _TITLES.get(what, what)
    return history_error(f"HMDS query returned no data: {contract.local_symbol}@{exchange} {title}")


def bar_seconds(text: str) -> int:
    """Raises Rejected (321)."""
    size = _SIZES.get(_OTHER_NAMES.get(text.strip(), text.strip()))
    if size is None:
        legal = ", ".join(_SIZES)
        raise Rejected(*invalid(f"Historical data bar size setting is invalid. Legal ones are: {legal}"))
    return size


def duration(text: str) -> Duration:
    """Raises Rejected (321)."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not int(match[1]):
        legal = "<integer><SPACE><unit>, unit S, D, W, M or Y"
        raise Rejected(*invalid(f"Historical data duration is invalid. Legal form is: {legal}"))
    count, unit = int(match[1]), match[2]
    most, name, larger = _MOST.get(unit, (100, "years", "years"))
    if count > most:
        cause = f"Historical data requests for durations longer than {most} {name} must be made in {larger}."
        raise Rejected(*invalid(cause))
    return Duration(count, unit)


def check_length(bar: int, wanted: Duration) -> None:
    """Raises Rejected (162) for a duration that is too long for its bars."""
    most = next((longest for size, longest in _LONGEST if bar <= size), None)
    if most is not None and wanted.seconds > most:
        raise history_error(f"invalid step: {bar}" if bar <= SMALL else "Time length exceed max.")


def check_age(contract: Contract, exchange: str, what: str, bar: int, age: timedelta) -> None:
    """Raises Rejected (162): small bars are kept for six months."""
    if bar <= SMALL and age > _SMALL_KEPT:
        raise no_data(contract, exchange, what)


def check_kind(contract: Contract, exchange: str, what: str) -> None:
    """Raises Rejected: 321 for a kind of data that does not exist, 162 for one that the contract has not."""
    if what not in SOURCES and what not in _UNKNOWN_HERE | {VOLATILITY, SCHEDULE}:
        raise Rejected(*invalid(f"What to show field is missing or incorrect: {what[:40]}"))
    currency = contract.sec_type == "CASH"
    if currency and SOURCES.get(what) is Source.TRADES:
        pair = f"{contract.symbol}/{contract.sec_type}@FXSUBPIP"
        raise history_error(f"No historical market data for {pair} Last {MINUTE}")
    if what in _UNKNOWN_HERE or (currency and what == VOLATILITY):
        raise no_data(contract, exchange, what)


def moment(text: str, zone: str) -> datetime:
    """Raises Rejected (10314). A time without a zone is the login's."""
    found = parse_filter(text, zone)
    if found is None:
        form = "yyyymmdd hh:mm:ss xx/xxxx where yyyymmdd and xx/xxxx are optional. E.g.: 20031126 15:59:00 US/Eastern"
        cause = "End Date/Time: The date, time, or time-zone entered is invalid. The correct format is"
        raise Rejected(INVALID_TIME, f"{cause} {form}")
    return found
