"""Shapes of the answers of searches, books, options and ticks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from ibkr_bridge.api.contracts import ContractAnswer, contract_answer
from ibkr_bridge.api.json import JsonNumber, exact, number
from ibkr_bridge.domain.account import Seen
from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.ports.research import (
    Book,
    Computed,
    Level,
    Listing,
    OptionModel,
    OptionQuote,
    OptionSeries,
    Tick,
    TickKind,
)

Stale = Annotated[str | None, Field(description="Why this may be out of date; null: it is not")]
AsOf = Annotated[datetime, Field(description="When IBKR said it")]


@dataclass(frozen=True, slots=True)
class ListingAnswer:
    """What a search has found; `derivatives` are the kinds of security that are written on it."""

    conid: int
    symbol: str
    sec_type: str
    currency: Annotated[str | None, Field(description="null where IBKR's search does not say")]
    primary_exchange: str
    name: str
    derivatives: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    contracts: tuple[ListingAnswer, ...]
    next_cursor: str | None
    as_of: AsOf
    stale: Stale


@dataclass(frozen=True, slots=True)
class LevelAnswer:
    """`exchange` is the exchange or market maker that stands there; null where IBKR does not say."""

    price: JsonNumber
    size: JsonNumber
    exchange: str | None


@dataclass(frozen=True, slots=True)
class DepthAnswer:
    """Both sides of the order book, the best level first."""

    symbol: str
    exchange: str
    currency: str
    conid: int
    bids: tuple[LevelAnswer, ...]
    asks: tuple[LevelAnswer, ...]
    as_of: datetime | None
    stale: Stale


@dataclass(frozen=True, slots=True)
class SeriesAnswer:
    """What is listed under one trading class; not every strike at every expiry."""

    exchange: str
    trading_class: str
    multiplier: JsonNumber | None
    expiries: tuple[date, ...]
    strikes: tuple[JsonNumber, ...]


@dataclass(frozen=True, slots=True)
class OptionAnswer:
    """Null is what IBKR has not told. `implied_volatility` of a year: 0.25 is 25 %."""

    contract: ContractAnswer
    multiplier: JsonNumber | None
    expiry: date
    strike: JsonNumber
    right: Literal["C", "P"]
    bid: JsonNumber | None
    bid_size: JsonNumber | None
    ask: JsonNumber | None
    ask_size: JsonNumber | None
    last: JsonNumber | None
    close: JsonNumber | None
    volume: JsonNumber | None
    open_interest: JsonNumber | None
    implied_volatility: JsonNumber | None
    delta: JsonNumber | None
    gamma: JsonNumber | None
    theta: JsonNumber | None
    vega: JsonNumber | None


@dataclass(frozen=True, slots=True)
class OptionsAnswer:
    """`series` without an expiry, `options` with one."""

    symbol: str
    conid: int
    currency: str
    expiry: date | None
    series: tuple[SeriesAnswer, ...]
    options: tuple[OptionAnswer, ...]
    next_cursor: str | None
    as_of: AsOf
    stale: Stale


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What IBKR's model makes of an option; null is what it does not say."""

    symbol: str
    conid: int
    currency: str
    expiry: date
    strike: JsonNumber
    right: Literal["C", "P"]
    underlying_price: JsonNumber
    price: JsonNumber | None
    implied_volatility: JsonNumber | None
    delta: JsonNumber | None
    gamma: JsonNumber | None
    theta: JsonNumber | None
    vega: JsonNumber | None
    as_of: AsOf
    stale: Stale


@dataclass(frozen=True, slots=True)
class TickAnswer:
    """A trade or a midpoint has a `price`, a quote has bid and ask. IBKR tells whole seconds."""

    time: datetime
    price: JsonNumber | None
    size: JsonNumber | None
    exchange: str | None
    conditions: str | None
    bid: JsonNumber | None
    bid_size: JsonNumber | None
    ask: JsonNumber | None
    ask_size: JsonNumber | None


@dataclass(frozen=True, slots=True)
class TicksAnswer:
    symbol: str
    conid: int
    currency: str
    kind: TickKind
    ticks: tuple[TickAnswer, ...]
    next_cursor: str | None
    as_of: AsOf
    stale: Stale


def listing_answer(found: Listing) -> ListingAnswer:
    return ListingAnswer(
        conid=found.conid,
        symbol=found.symbol,
        sec_type=found.sec_type,
        currency=found.currency or None,
        primary_exchange=found.primary_exchange,
        name=found.name,
        derivatives=found.derivatives,
    )


def search_answer(seen: Seen[Sequence[Listing]]) -> SearchAnswer:
    return SearchAnswer(tuple(map(listing_answer, seen.value)), None, seen.as_of, seen.stale)


def depth_answer(contract: Contract, book: Book, rows: int, as_of: datetime | None, stale: str | None) -> DepthAnswer:
    return DepthAnswer(
        symbol=contract.symbol,
        exchange=contract.exchange,
        currency=contract.currency,
        conid=contract.conid,
        bids=_levels(book.bids[:rows]),
        asks=_levels(book.asks[:rows]),
        as_of=as_of,
        stale=stale,
    )


def options_answer(
    underlying: Contract,
    expiry: date | None,
    *,
    series: Sequence[OptionSeries] = (),
    options: Sequence[OptionQuote] = (),
    as_of: datetime,
    stale: str | None,
) -> OptionsAnswer:
    return OptionsAnswer(
        symbol=underlying.symbol,
        conid=underlying.conid,
        currency=underlying.currency,
        expiry=expiry,
        series=tuple(map(_series, series)),
        options=tuple(map(_option, options)),
        next_cursor=None,
        as_of=as_of,
        stale=stale,
    )


def model_answer(underlying: Contract, model: OptionModel, seen: Seen[Computed]) -> ModelAnswer:
    told = seen.value
    return ModelAnswer(
        symbol=underlying.symbol,
        conid=underlying.conid,
        currency=underlying.currency,
        expiry=model.expiry,
        strike=number(model.strike),
        right=model.right.value,
        underlying_price=number(model.underlying_price),
        price=exact(told.price),
        implied_volatility=exact(told.implied_volatility),
        delta=exact(told.delta),
        gamma=exact(told.gamma),
        theta=exact(told.theta),
        vega=exact(told.vega),
        as_of=seen.as_of,
        stale=seen.stale,
    )


def ticks_answer(contract: Contract, kind: TickKind, seen: Seen[Sequence[Tick]]) -> TicksAnswer:
    ticks = tuple(map(_tick, seen.value))
    return TicksAnswer(contract.symbol, contract.conid, contract.currency, kind, ticks, None, seen.as_of, seen.stale)


def _levels(levels: Sequence[Level]) -> tuple[LevelAnswer, ...]:
    return tuple(LevelAnswer(number(level.price), number(level.size), level.place or None) for level in levels)


def _series(listed: OptionSeries) -> SeriesAnswer:
    strikes = tuple(number(strike) for strike in listed.strikes)
    return SeriesAnswer(listed.exchange, listed.trading_class, exact(listed.multiplier), listed.expiries, strikes)


def _option(quoted: OptionQuote) -> OptionAnswer:
    told = quoted.figures
    return OptionAnswer(
        contract=contract_answer(quoted.contract),
        multiplier=exact(quoted.contract.multiplier),
        expiry=quoted.expiry,
        strike=number(quoted.strike),
        right=quoted.right.value,
        bid=exact(told.bid),
        bid_size=exact(told.bid_size),
        ask=exact(told.ask),
        ask_size=exact(told.ask_size),
        last=exact(told.last),
        close=exact(told.close),
        volume=exact(told.volume),
        open_interest=exact(told.open_interest),
        implied_volatility=exact(told.implied_volatility),
        delta=exact(told.delta),
        gamma=exact(told.gamma),
        theta=exact(told.theta),
        vega=exact(told.vega),
    )


def _tick(tick: Tick) -> TickAnswer:
    return TickAnswer(
        time=tick.at,
        price=exact(tick.price),
        size=exact(tick.size),
        exchange=tick.exchange,
        conditions=tick.conditions,
        bid=exact(tick.bid),
        bid_size=exact(tick.bid_size),
        ask=exact(tick.ask),
        ask_size=exact(tick.ask_size),
    )


_AT = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
_EXPIRY = date(2026, 12, 18)
LISTING = ListingAnswer(265598, "AAPL", "STK", "USD", "NASDAQ", "APPLE INC", ("OPT", "CFD"))
SEARCH = SearchAnswer((LISTING,), None, _AT, None)
DEPTH = DepthAnswer(
    symbol="AAPL",
    exchange="SMART",
    currency="USD",
    conid=265598,
    bids=(LevelAnswer(number(Decimal("175.50")), number(Decimal(300)), "NASDAQ"),),
    asks=(LevelAnswer(number(Decimal("175.52")), number(Decimal(200)), "ARCA"),),
    as_of=_AT,
    stale=None,
)
OPTIONS = OptionsAnswer(
    symbol="AAPL",
    conid=265598,
    currency="USD",
    expiry=_EXPIRY,
    series=(),
    options=(
        OptionAnswer(
            contract=contract_answer(
                Contract(667629330, "AAPL", "OPT", "SMART", "USD", local_symbol="AAPL  261218C00175000")
            ),
            multiplier=number(Decimal(100)),
            expiry=_EXPIRY,
            strike=number(Decimal(175)),
            right="C",
            bid=number(Decimal("4.10")),
            bid_size=number(Decimal(12)),
            ask=number(Decimal("4.20")),
            ask_size=number(Decimal(9)),
            last=number(Decimal("4.15")),
            close=number(Decimal("4.05")),
            volume=number(Decimal(1530)),
            open_interest=number(Decimal(8120)),
            implied_volatility=number(Decimal("0.2471")),
            delta=number(Decimal("0.5320")),
            gamma=number(Decimal("0.0262")),
            theta=number(Decimal("-0.0710")),
            vega=number(Decimal("0.1922")),
        ),
    ),
    next_cursor=None,
    as_of=_AT,
    stale=None,
)
MODEL = ModelAnswer(
    symbol="AAPL",
    conid=265598,
    currency="USD",
    expiry=_EXPIRY,
    strike=number(Decimal(175)),
    right="C",
    underlying_price=number(Decimal("175.51")),
    price=number(Decimal("4.1502")),
    implied_volatility=number(Decimal("0.25")),
    delta=number(Decimal("0.5320")),
    gamma=number(Decimal("0.0262")),
    theta=number(Decimal("-0.0710")),
    vega=number(Decimal("0.1922")),
    as_of=_AT,
    stale=None,
)
TICKS = TicksAnswer(
    symbol="AAPL",
    conid=265598,
    currency="USD",
    kind=TickKind.TRADES,
    ticks=(TickAnswer(_AT, number(Decimal("175.51")), number(Decimal(100)), "NASDAQ", None, None, None, None, None),),
    next_cursor=None,
    as_of=_AT,
    stale=None,
)
