"""What historical data may be asked for: bar sizes, durations, kinds of data (TWS API: "Historical Bars")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from ibkr_sim.exchange.model import COMBO, Contract, Rejected
from ibkr_sim.exchange.prices.tape import INDEX
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.history.intervals import DAY, MINUTE, MONTH, SESSIONS, WEEK
from ibkr_sim.history.kinds import has
from ibkr_sim.tws.refusals import invalid
from ibkr_sim.tws.times import parse_filter

HISTORY_ERROR: Final = 162
INVALID_TIME: Final = 10314
AGGREGATED_ONLY: Final = 10299
HISTORY: Final = "Historical Market Data Service error message:"
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
EXPECTED: Final = "OPTION_IMPLIED_VOLATILITY"
AGGREGATED: Final = "AGGTRADES"
"""The trades of a cryptocurrency, whose single ones are not kept."""
SCHEDULE: Final = "SCHEDULE"
ADJUSTED: Final = "ADJUSTED_LAST"
SOURCES: Final[Mapping[str, Source]] = MappingProxyType(
    {ADJUSTED: Source.TRADES, AGGREGATED: Source.TRADES} | {source.value: source for source in Source}
)
_UNKNOWN_HERE: Final = frozenset({"FEE_RATE", "REBATE_RATE", "YIELD_BID", "YIELD_ASK", "YIELD_BID_ASK", "YIELD_LAST"})
_CURRENCY: Final = "CASH"
_CRYPTO: Final = "CRYPTO"
_EXPECTED_OF: Final = ("STK", INDEX)
_TITLES: Final = {
    "TRADES": "Trades",
    ADJUSTED: "Trades",
    "MIDPOINT": "Midpoint",
    "BID": "Bid",
    "ASK": "Ask",
    "BID_ASK": "Bid_Ask",
    VOLATILITY: "HistVol",
    EXPECTED: "OptImplVol",
    AGGREGATED: "AggTrades",
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
    return Rejected(HISTORY_ERROR, f"{HISTORY}{text}")


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
    if what not in SOURCES and what not in _UNKNOWN_HERE | {VOLATILITY, EXPECTED, SCHEDULE}:
        raise Rejected(*invalid(f"What to show field is missing or incorrect: {what[:40]}"))
    if contract.sec_type == _CURRENCY and SOURCES.get(what) is Source.TRADES:
        pair = f"{contract.symbol}/{contract.sec_type}@FXSUBPIP"
        raise history_error(f"No historical market data for {pair} Last {MINUTE}")
    if not _is_kept(contract, what):
        raise no_data(contract, exchange, what)


def _is_kept(contract: Contract, what: str) -> bool:
    if what == AGGREGATED:
        return contract.sec_type == _CRYPTO
    if what == VOLATILITY:
        return contract.sec_type not in (_CURRENCY, COMBO)
    if what == EXPECTED:
        return contract.sec_type in _EXPECTED_OF
    source = SOURCES.get(what)
    return what not in _UNKNOWN_HERE if source is None else has(contract, source)


def check_aggregated(contract: Contract, what: str) -> None:
    """Raises Rejected (10299): bars of a cryptocurrency's trades go by another name."""
    if contract.sec_type == _CRYPTO and what == Source.TRADES.value:
        text = f"Expected what to show is {AGGREGATED}, please use that instead of {what}."
        raise Rejected(AGGREGATED_ONLY, text)


def moment(text: str, zone: str) -> datetime:
    """Raises Rejected (10314). A time without a zone is the login's."""
    found = parse_filter(text, zone)
    if found is None:
        form = "yyyymmdd hh:mm:ss xx/xxxx where yyyymmdd and xx/xxxx are optional. E.g.: 20031126 15:59:00 US/Eastern"
        cause = "End Date/Time: The date, time, or time-zone entered is invalid. The correct format is"
        raise Rejected(INVALID_TIME, f"{cause} {form}")
    return found
