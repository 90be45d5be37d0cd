"""What a company earns, owns and pays: invented by its conid, in proportion to its price, always the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Final

from ibkr_sim.exchange.listing.hours import local_date
from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.history.intervals import DAY, SESSIONS, Stretch, intervals
from ibkr_sim.reference.option_volatility import middle

KNOWN: Final = ("STK", "COMMON")
"""Type and kind of stock: funds earn nothing of their own."""
_BASIS: Final = 2024
"""By the close of this year a company is worth a certain multiple of what it earned in it."""
DELAY: Final = timedelta(days=45)
"""After the end of a quarter its figures are known."""
_QUARTERS: Final = 4
_MILLION: Final = Decimal(1_000_000)
_DIGITS: Final = Decimal("0.00001")
_TENTH: Final = Decimal("0.1")
_YEARS: Final = 4
"""That are reported."""


@dataclass(frozen=True, slots=True)
class Period:
    """A quarter, a year, or the four latest quarters; money in millions unless it is for a share."""

    ends: date
    fiscal_year: int
    quarter: int
    """1 to 4; 0 for a year."""
    earnings: Decimal
    """For a share."""
    dividend: Decimal
    """For a share."""
    revenue: Decimal
    gross_profit: Decimal
    income: Decimal


@dataclass(frozen=True, slots=True)
class Fundamentals:
    """Money in millions unless it is for a share; prices as they are quoted now."""

    contract: Contract
    now: datetime
    price: Decimal
    high: Decimal
    low: Decimal
    """Of 52 weeks."""
    volume: Decimal
    """Shares a day, of ten days."""
    shares: Decimal
    floating: Decimal
    employees: int
    years: Sequence[Period]
    """The latest first."""
    quarters: Sequence[Period]
    """The latest first."""
    trailing: Period
    coming: date
    """When the first quarter ends whose figures are not known yet."""
    book: Decimal
    cash: Decimal
    growth: Decimal
    """Of a year, as a fraction."""

    @property
    def market_value(self) -> Decimal:
        return self.price * self.shares / _MILLION

    def for_a_share(self, millions: Decimal) -> Decimal:
        return millions * _MILLION / self.shares


def fundamentals(market: Market, contract: Contract) -> Fundamentals | None:
    """None for what is no company, and before any of its figures are known."""
    if (contract.sec_type, contract.stock_type) != KNOWN:
        return None
    record = market.record(contract.conid)
    now, price = market.now(), middle(market.glance(contract.conid))
    days = record.bars(Source.TRADES, intervals(contract, Stretch(DAY, sessions=SESSIONS["Y"]), now))
    ended = intervals(contract, Stretch(DAY, sessions=1, anchor=datetime(_BASIS + 1, 1, 1, tzinfo=UTC)), now)
    basis = record.bars(Source.TRADES, ended)
    last = _last_quarter(local_date(contract, now) - DELAY)
    if price is None or not days or not basis or last < _BASIS * _QUARTERS:
        return None
    company = _Company(contract, basis[0].close)
    recent = days[-10:]
    return Fundamentals(
        contract=contract,
        now=now,
        price=price,
        high=max(bar.high for bar in days),
        low=min(bar.low for bar in days),
        volume=(sum((bar.volume for bar in recent), Decimal(0)) / len(recent)).quantize(Decimal(1)),
        shares=company.shares,
        floating=(company.shares * Decimal("0.99")).quantize(Decimal(1)),
        employees=int(company.shares / 50_000),
        years=tuple(company.years((last + 1) // _QUARTERS - 1)),
        quarters=tuple(company.period(quarter, 1) for quarter in range(last, last - _YEARS * _QUARTERS, -1)),
        trailing=company.period(last, _QUARTERS),
        coming=_end(last + 1),
        book=company.book(last),
        cash=(company.book(last) * _TENTH).quantize(_DIGITS),
        growth=company.growth,
    )


class _Company:
    """Quarters are counted from that which began in the year 0; a fiscal year is the calendar's."""

    def __init__(self, contract: Contract, basis: Decimal) -> None:
        draws = blake2b(f"company/{contract.conid}".encode(), digest_size=8).digest()
        self.shares = Decimal(50 + draws[0] * draws[1] // 4) * _MILLION
        self.growth = Decimal(2 + draws[2] % 14) / 100
        self._margin = Decimal(5 + draws[3] % 26) / 100
        self._gross = self._margin + Decimal(15 + draws[4] % 30) / 100
        self._payout = Decimal(draws[5] % 60) / 100
        self._return = Decimal(8 + draws[6] % 25) / 100
        self._earned = basis / Decimal(10 + draws[7] % 31)
        """By a share in the year of the basis."""

    def years(self, latest: int) -> Iterator[Period]:
        for year in range(latest, latest - _YEARS, -1):
            yield self.period(year * _QUARTERS + _QUARTERS - 1, _QUARTERS)

    def period(self, last: int, count: int) -> Period:
        """So many quarters, up to the `last`."""
        earnings = sum((self._quarter(quarter) for quarter in range(last - count + 1, last + 1)), Decimal(0))
        income = earnings * self.shares / _MILLION
        revenue = income / self._margin
        whole = count == _QUARTERS
        return Period(
            ends=_end(last),
            fiscal_year=last // _QUARTERS,
            quarter=0 if whole else last % _QUARTERS + 1,
            earnings=earnings,
            dividend=(earnings * self._payout).quantize(_DIGITS),
            revenue=revenue.quantize(_DIGITS),
            gross_profit=(revenue * self._gross).quantize(_DIGITS),
            income=income.quantize(_DIGITS),
        )

    def book(self, last: int) -> Decimal:
        """Equity at the end of a quarter."""
        return (self.period(last, _QUARTERS).income / self._return).quantize(_DIGITS)

    def _quarter(self, quarter: int) -> Decimal:
        """Earnings of a share, which grow from year to year."""
        years = quarter // _QUARTERS - _BASIS
        return (self._earned / _QUARTERS * (1 + self.growth) ** years).quantize(_DIGITS)


def _last_quarter(day: date) -> int:
    """The last one that has ended by then."""
    return day.year * _QUARTERS + (day.month - 1) // 3 - 1


def _end(quarter: int) -> date:
    following = quarter + 1
    return date(following // _QUARTERS, following % _QUARTERS * 3 + 1, 1) - timedelta(days=1)
