"""What a market scanner looks for; pure rules on the market's quotes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Final

from ibkr_sim.exchange.model import Contract, Quote
from ibkr_sim.exchange.port import Market

INSTRUMENTS: Final[Mapping[str, str]] = MappingProxyType({"STK": "US Stocks", "STOCK.EU": "European Stocks"})
LOCATIONS: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = MappingProxyType(
    {
        "STK.US": ("STK", "US Stocks", ("NASDAQ", "NYSE", "ARCA")),
        "STK.US.MAJOR": ("STK", "Listed/NASDAQ", ("NASDAQ", "NYSE", "ARCA")),
        "STK.NASDAQ": ("STK", "NASDAQ", ("NASDAQ",)),
        "STK.NYSE": ("STK", "NYSE", ("NYSE",)),
        "STK.ARCA": ("STK", "ARCA", ("ARCA",)),
        "STK.EU": ("STOCK.EU", "Europe", ("EBS",)),
        "STK.EU.EBS": ("STOCK.EU", "Swiss Exchange", ("EBS",)),
    }
)
"""Places: their instrument, their title, the primary exchanges that they stand for."""


class InvalidScan(Exception):
    """A scanner, place or filter that does not exist."""


@dataclass(frozen=True, slots=True)
class ScanType:
    """`figure` is what contracts are sorted by; None leaves a contract out."""

    code: str
    title: str
    column: str
    figure: Callable[[Quote], Decimal | None]
    written: Callable[[Decimal], str]
    ascending: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """Lets pass what lies on the right side of a value."""

    code: str
    title: str
    figure: Callable[[Quote], Decimal | None]
    above: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """As a client writes it."""

    instrument: str
    location: str
    code: str
    filters: Sequence[tuple[str, object]] = ()


@dataclass(frozen=True, slots=True)
class Scan:
    type: ScanType
    exchanges: tuple[str, ...]
    filters: tuple[tuple[Filter, Decimal], ...]


def price(quote: Quote) -> Decimal | None:
    return quote.last


def volume(quote: Quote) -> Decimal | None:
    return quote.volume


def change(quote: Quote) -> Decimal | None:
    """Since the previous close, in percent."""
    return None if quote.last is None or not quote.close else (quote.last - quote.close) / quote.close * 100


def gap(quote: Quote) -> Decimal | None:
    """From the previous close to the opening, in percent."""
    return None if quote.open is None or not quote.close else (quote.open - quote.close) / quote.close * 100


def span(quote: Quote) -> Decimal | None:
    """Between the day's prices."""
    return None if quote.high is None or quote.low is None else quote.high - quote.low


def _percent(value: Decimal) -> str:
    return f"{value:+.2f}%"


def _plain(value: Decimal) -> str:
    return f"{value:.2f}"


def _thousands(value: Decimal) -> str:
    return f"{value / 1000:.3f}K"


TYPES: Final = (
    ScanType("TOP_PERC_GAIN", "Top % Gainers", "Chg%", change, _percent),
    ScanType("TOP_PERC_LOSE", "Top % Losers", "Chg%", change, _percent, ascending=True),
    ScanType("MOST_ACTIVE", "Most Active", "Volume", volume, _thousands),
    ScanType("TOP_PRICE_RANGE", "Top Price Range", "Range", span, _plain),
    ScanType("HIGH_OPEN_GAP", "High Open Gap", "Gap%", gap, _percent),
    ScanType("LOW_OPEN_GAP", "Low Open Gap", "Gap%", gap, _percent, ascending=True),
)
FILTERS: Final = (
    Filter("priceAbove", "Price Above", price, above=True),
    Filter("priceBelow", "Price Below", price, above=False),
    Filter("volumeAbove", "Volume Above", volume, above=True),
    Filter("volumeBelow", "Volume Below", volume, above=False),
    Filter("changePercAbove", "Change (%) Above", change, above=True),
    Filter("changePercBelow", "Change (%) Below", change, above=False),
)


def scan(wanted: Wanted) -> Scan:
    """Raises InvalidScan."""
    type_ = next((row for row in TYPES if row.code == wanted.code), None)
    place = LOCATIONS.get(wanted.location)
    if type_ is None or place is None or place[0] != wanted.instrument:
        raise InvalidScan(f"no scanner {wanted.code[:40]} of {wanted.instrument[:40]} at {wanted.location[:40]}")
    return Scan(type_, place[2], tuple(_filter(code, value) for code, value in wanted.filters))


def found(market: Market, wanted: Scan) -> list[tuple[Contract, Decimal]]:
    """Contracts with their figure, the first in rank first."""
    rows = []
    for contract in market.find_contracts(sec_type="STK"):
        if contract.primary_exchange not in wanted.exchanges:
            continue
        quote = market.glance(contract.conid)
        figure = wanted.type.figure(quote)
        if figure is not None and all(_passes(quote, *one) for one in wanted.filters):
            rows.append((contract, figure))
    return sorted(rows, key=lambda row: row[1] if wanted.type.ascending else -row[1])


def _filter(code: str, value: object) -> tuple[Filter, Decimal]:
    known = next((row for row in FILTERS if row.code == code), None)
    try:
        limit = Decimal(str(value))
    except InvalidOperation:
        limit = Decimal("NaN")
    if known is None or not limit.is_finite():
        raise InvalidScan(f"no filter {code[:40]} with that value")
    return known, limit


def _passes(quote: Quote, filter_: Filter, limit: Decimal) -> bool:
    figure = filter_.figure(quote)
    return figure is not None and (figure >= limit if filter_.above else figure <= limit)
