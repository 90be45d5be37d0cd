"""Futures by their months."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.listing.catalogue import Row, table
from ibkr_sim.exchange.listing.derivatives.expiries import MONTH_LETTERS, future_expiry, months
from ibkr_sim.exchange.listing.hours import exchange_hours
from ibkr_sim.exchange.model import Contract

FIRST_CONID: Final = 920_000_000
_ROOT: Final = 10_000
_CENTURY: Final = 2000
ENDS: Final = time(16)
"""When a contract stops trading on its last day, in its exchange's time; nearly all do about then."""


@dataclass(frozen=True, slots=True)
class Root:
    """What all months of a future have in common."""

    number: int
    symbol: str
    exchange: str
    trading_class: str
    long_name: str
    currency: str
    multiplier: Decimal
    min_tick: Decimal
    months: str
    listed: int
    rule: str
    underlying: int
    cash: bool
    carry: float
    """By how much a contract a year away is dearer than its underlying, as a fraction."""
    known: Mapping[int, int]
    """Real conids, by year and month as one number."""


class Futures:
    """Every month is made when it is asked for; its conid says which one it is."""

    def __init__(self, contract: Callable[[int], Contract | None]) -> None:
        """`contract` finds underlyings."""
        self._contract = contract

    @cached_property
    def roots(self) -> list[Root]:
        return [_root(row) for row in table("futures")]

    def get(self, conid: int) -> Contract | None:
        for root in self.roots:
            for month, known in root.known.items():
                if known == conid:
                    return self.make(root, month // 100, month % 100)
        number, rest = divmod(conid - FIRST_CONID, _ROOT)
        year, month = _CENTURY + rest // 100, rest % 100
        if not (0 <= number < len(self.roots) and 1 <= month <= 12 and 2020 <= year < 2060):
            return None
        root = self.roots[number]
        return self.make(root, year, month) if MONTH_LETTERS[month - 1] in root.months else None

    def root(self, contract: Contract) -> Root:
        """Raises StopIteration for a contract that is no future."""
        return next(root for root in self.roots if root.trading_class == contract.trading_class)

    def listed(self, root: Root, today: date) -> Iterator[Contract]:
        """Those that have not ended, the nearest first."""
        found = 0
        for year, month in months(root.months, today):
            contract = self.make(root, year, month)
            if contract.expiry is not None and contract.expiry >= today:
                yield contract
                found += 1
            if found == root.listed:
                return

    def carrying(self, root: Root, day: date) -> Contract:
        """The first month that ends on that day or later."""
        return next(
            contract
            for year, month in months(root.months, day)
            if (contract := self.make(root, year, month)).expiry is not None and (contract.expiry or day) >= day
        )

    def make(self, root: Root, year: int, month: int) -> Contract:
        hours = exchange_hours()[root.exchange]
        expiry = future_expiry(root.rule, year, month, hours.calendar)
        zone = ZoneInfo(hours.time_zone)
        under = self._contract(root.underlying)
        own = FIRST_CONID + root.number * _ROOT + (year - _CENTURY) * 100 + month
        return Contract(
            conid=root.known.get(year * 100 + month, own),
            symbol=root.symbol,
            sec_type="FUT",
            currency=root.currency,
            primary_exchange=root.exchange,
            local_symbol=f"{root.trading_class}{MONTH_LETTERS[month - 1]}{year % 10}",
            trading_class=root.trading_class,
            long_name=root.long_name,
            min_tick=root.min_tick,
            valid_exchanges=(root.exchange,),
            time_zone=hours.time_zone,
            multiplier=root.multiplier,
            expiry=expiry,
            last_trade=datetime.combine(expiry, ENDS, zone).astimezone(UTC),
            contract_month=f"{year}{month:02d}",
            under_conid=root.underlying,
            under_sec_type="IND",
            under_symbol=under.symbol if under else root.symbol,
            cash_settled=root.cash,
        )


def _root(row: Row) -> Root:
    known = (pair.split("=") for pair in row["known"].split())
    return Root(
        number=int(row["number"]),
        symbol=row["symbol"],
        exchange=row["exchange"],
        trading_class=row["trading_class"],
        long_name=row["long_name"],
        currency=row["currency"],
        multiplier=Decimal(row["multiplier"]),
        min_tick=Decimal(row["min_tick"]),
        months=row["months"],
        listed=int(row["listed"]),
        rule=row["rule"],
        underlying=int(row["underlying"]),
        cash=row["settlement"] == "cash",
        carry=float(row["carry"]),
        known={int(month): int(conid) for month, conid in known},
    )
