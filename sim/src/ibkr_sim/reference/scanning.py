"""What a market scanner looks for; pure rules on the market's quotes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Final

from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.port import Market
from ibkr_sim.reference import scan_figures as figures
from ibkr_sim.reference.scan_figures import Figure, Seen

INSTRUMENTS: Final[Mapping[str, str]] = MappingProxyType({"STK": "US Stocks", "STOCK.EU": "European Stocks"})
LOCATIONS: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = MappingProxyType(
    {
        "STK.US": ("STK", "US Stocks", ("NASDAQ", "NYSE", "ARCA")),
        "STK.US.MAJOR": ("STK", "Listed/NASDAQ", ("NASDAQ", "NYSE", "ARCA")),
        "STK.NASDAQ": ("STK", "NASDAQ", ("NASDAQ",)),
        "STK.NYSE": ("STK", "NYSE", ("NYSE",)),
        "STK.ARCA": ("STK", "ARCA", ("ARCA",)),
        "STK.EU": ("STOCK.EU", "Europe", ("EBS", "IBIS", "SBF", "AEB", "BM", "BVME", "LSE")),
        "STK.EU.EBS": ("STOCK.EU", "Swiss Exchange", ("EBS",)),
        "STK.EU.IBIS": ("STOCK.EU", "Germany (XETRA)", ("IBIS",)),
        "STK.EU.SBF": ("STOCK.EU", "France (SBF)", ("SBF",)),
        "STK.EU.LSE": ("STOCK.EU", "United Kingdom (LSE)", ("LSE",)),
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
    figure: Figure
    written: Callable[[Decimal], str]
    ascending: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """Lets pass what lies on the right side of a value."""

    code: str
    title: str
    figure: Figure
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


def _percent(value: Decimal) -> str:
    return f"{value:+.2f}%"


def _plain(value: Decimal) -> str:
    return f"{value:.2f}"


def _thousands(value: Decimal) -> str:
    return f"{value / 1000:.3f}K"


def _times(value: Decimal) -> str:
    return f"{value:.2f}x"


def _whole(value: Decimal) -> str:
    return f"{value:.0f}"


TYPES: Final = (
    ScanType("TOP_PERC_GAIN", "Top % Gainers", "Chg%", figures.change, _percent),
    ScanType("TOP_PERC_LOSE", "Top % Losers", "Chg%", figures.change, _percent, ascending=True),
    ScanType("MOST_ACTIVE", "Most Active", "Volume", figures.volume, _thousands),
    ScanType("MOST_ACTIVE_USD", "Most Active ($)", "Value", figures.turnover, _thousands),
    ScanType("HOT_BY_VOLUME", "Hot Contracts by Volume", "Volume Ratio", figures.hot_volume, _times),
    ScanType("TOP_VOLUME_RATE", "Top Volume Rate", "Volume/Min", figures.volume_rate, _whole),
    ScanType("TOP_TRADE_COUNT", "Top Trade Count", "Trades", figures.trade_count, _whole),
    ScanType("TOP_TRADE_RATE", "Top Trade Rate", "Trades/Min", figures.trade_rate, _whole),
    ScanType("TOP_PRICE_RANGE", "Top Price Range", "Range", figures.span, _plain),
    ScanType("HOT_BY_PRICE", "Hot Contracts by Price", "Price Ratio", figures.hot_price, _times),
    ScanType("HOT_BY_PRICE_RANGE", "Hot Contracts by Price Range", "Range Ratio", figures.hot_span, _times),
    ScanType("HIGH_OPEN_GAP", "High Open Gap", "Gap%", figures.gap, _percent),
    ScanType("LOW_OPEN_GAP", "Low Open Gap", "Gap%", figures.gap, _percent, ascending=True),
    ScanType("HIGH_OPT_IMP_VOLAT", "Highest Option Imp Vol", "Imp Vol%", figures.implied, _plain),
    ScanType("LOW_OPT_IMP_VOLAT", "Lowest Option Imp Vol", "Imp Vol%", figures.implied, _plain, ascending=True),
    ScanType("OPT_OPEN_INTEREST_MOST_ACTIVE", "Most Active by Opt Open Interest", "Opt OI", figures.held, _whole),
    ScanType(
        *("HIGH_OPT_OPEN_INTEREST_PUT_CALL_RATIO", "High Put/Call Open Interest Ratio", "P/C OI"),
        *(figures.puts_by_calls, _plain),
    ),
    ScanType(
        *("LOW_OPT_OPEN_INTEREST_PUT_CALL_RATIO", "Low Put/Call Open Interest Ratio", "P/C OI"),
        *(figures.puts_by_calls, _plain),
        ascending=True,
    ),
)
FILTERS: Final = (
    Filter("priceAbove", "Price Above", figures.price, above=True),
    Filter("priceBelow", "Price Below", figures.price, above=False),
    Filter("volumeAbove", "Volume Above", figures.volume, above=True),
    Filter("volumeBelow", "Volume Below", figures.volume, above=False),
    Filter("changePercAbove", "Change (%) Above", figures.change, above=True),
    Filter("changePercBelow", "Change (%) Below", figures.change, above=False),
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
        seen = Seen(market, contract, market.glance(contract.conid))
        if not all(_passes(seen, *one) for one in wanted.filters):
            continue
        figure = wanted.type.figure(seen)
        if figure is not None:
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


def _passes(seen: Seen, filter_: Filter, limit: Decimal) -> bool:
    figure = filter_.figure(seen)
    return figure is not None and (figure >= limit if filter_.above else figure <= limit)
