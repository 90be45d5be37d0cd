"""News that is true here: what a contract opened at in the morning and closed at in the evening."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from types import MappingProxyType
from typing import Final

from ibkr_sim.exchange.listing.hours import TradingDay, trading_day
from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.history.intervals import trading_days

PROVIDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "BRFG": "Briefing.com General Market Columns",
        "BRFUPDN": "Briefing.com Analyst Actions",
        "DJNL": "Dow Jones Newsletters",
    }
)
"""Those that every account may read. Of analysts there are none here."""
_EVENING, _MORNING = "BRFG", "DJNL"
_SEPARATOR: Final = "$"
_LONGEST_BACK: Final = 400
"""Trading days."""
_FIRST_TRADES: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Article:
    """What is known of it before its text is read."""

    time: datetime
    provider: str
    contract: Contract
    day: date

    @property
    def id(self) -> str:
        return f"{self.provider}{_SEPARATOR}{self.contract.conid:x}.{self.day:%Y%m%d}"


def articles(contract: Contract, providers: Sequence[str], before: datetime) -> Iterator[Article]:
    """The latest first, none after `before`."""
    for day in islice(trading_days(contract, before, forward=False, outside_rth=False), _LONGEST_BACK):
        if day.liquid_to <= before and _EVENING in providers:
            yield Article(day.liquid_to, _EVENING, contract, day.date)
        if day.liquid_from + _FIRST_TRADES <= before and _MORNING in providers:
            yield Article(day.liquid_from + _FIRST_TRADES, _MORNING, contract, day.date)


def article(market: Market, provider: str, name: str) -> Article | None:
    """By its id; None if it does not exist, or not yet."""
    prefix, _separator, rest = name.partition(_SEPARATOR)
    conid, _dot, day = rest.partition(".")
    try:
        contract = market.contract(int(conid, 16))
        date_ = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None
    if contract is None or contract.legs or prefix != provider:
        return None
    session = trading_day(contract, date_)
    found = () if session is None else articles(contract, (provider,), min(session.liquid_to, market.now()))
    return next((row for row in islice(found, 1) if row.day == date_), None)


def headline(market: Market, row: Article) -> str:
    contract, session = row.contract, trading_day(row.contract, row.day)
    name = f"{contract.long_name} ({contract.local_symbol})"
    bar = None if session is None else _bar(market, row, session)
    if bar is None:
        return f"{name} has not traded"
    verb, price = ("closes", bar.close) if row.provider == _EVENING else ("opens", bar.open)
    return f"{name} {verb} at {price} {contract.currency}"


def text(market: Market, row: Article) -> str:
    """As HTML."""
    session = trading_day(row.contract, row.day)
    bar = None if session is None else _bar(market, row, session)
    figures = ""
    if bar is not None and row.provider == _EVENING:
        figures = f"<p>Open {bar.open}, high {bar.high}, low {bar.low}, close {bar.close}, volume {bar.volume:f}.</p>"
    return f"<html><body><h1>{headline(market, row)}</h1>{figures}<p>Simulated.</p></body></html>"


def _bar(market: Market, row: Article, session: TradingDay) -> Bar | None:
    source = Source.MIDPOINT if row.contract.sec_type == "CASH" else Source.TRADES
    found = market.record(row.contract.conid).bars(source, [(session.liquid_from, row.time)])
    return found[0] if found else None
