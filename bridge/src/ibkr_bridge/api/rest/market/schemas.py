"""Shapes of the answers about markets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from ibkr_bridge.api.json import JsonNumber, exact, number
from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.quote import DataType, Quote


@dataclass(frozen=True, slots=True)
class QuoteAnswer:
    """Prices in `currency`. `data_type` says whether they are live or delayed."""

    symbol: str
    exchange: str
    currency: str
    bid: JsonNumber | None
    ask: JsonNumber | None
    last: JsonNumber | None
    close: JsonNumber | None
    volume: JsonNumber | None
    timestamp: Annotated[datetime | None, Field(description="When the last value arrived")]
    conid: int
    sec_type: str
    bid_size: JsonNumber | None
    ask_size: JsonNumber | None
    last_size: JsonNumber | None
    open: JsonNumber | None
    high: JsonNumber | None
    low: JsonNumber | None
    data_type: DataType | None
    as_of: datetime | None
    stale: Annotated[str | None, Field(description="Why this may be out of date; null: it is not")]


@dataclass(frozen=True, slots=True)
class MarketStatusAnswer:
    """Regular hours. `session_open` and `session_close` are of the session under way, null while closed."""

    exchange: str
    calendar: Annotated[str, Field(description="ISO 10383 code of the calendar")]
    time_zone: str
    status: Literal["open", "closed"]
    open: bool
    session_open: datetime | None
    session_close: datetime | None
    next_open: datetime
    next_close: datetime
    as_of: datetime


def quote_answer(contract: Contract, quote: Quote, as_of: datetime | None, stale: str | None) -> QuoteAnswer:
    return QuoteAnswer(
        symbol=contract.symbol,
        exchange=contract.exchange,
        currency=contract.currency,
        bid=exact(quote.bid),
        ask=exact(quote.ask),
        last=exact(quote.last),
        close=exact(quote.close),
        volume=exact(quote.volume),
        timestamp=quote.updated_at or as_of,
        conid=contract.conid,
        sec_type=contract.sec_type,
        bid_size=exact(quote.bid_size),
        ask_size=exact(quote.ask_size),
        last_size=exact(quote.last_size),
        open=exact(quote.open),
        high=exact(quote.high),
        low=exact(quote.low),
        data_type=quote.data_type,
        as_of=as_of,
        stale=stale,
    )


_AT = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
QUOTE = QuoteAnswer(
    symbol="AAPL",
    exchange="SMART",
    currency="USD",
    bid=number(Decimal("175.50")),
    ask=number(Decimal("175.52")),
    last=number(Decimal("175.51")),
    close=number(Decimal("175.00")),
    volume=number(Decimal(50_000_000)),
    timestamp=_AT,
    conid=265598,
    sec_type="STK",
    bid_size=number(Decimal(300)),
    ask_size=number(Decimal(200)),
    last_size=number(Decimal(100)),
    open=number(Decimal("174.90")),
    high=number(Decimal("176.10")),
    low=number(Decimal("174.20")),
    data_type=DataType.DELAYED,
    as_of=_AT,
    stale=None,
)
MARKET_STATUS = MarketStatusAnswer(
    exchange="NYSE",
    calendar="XNYS",
    time_zone="America/New_York",
    status="open",
    open=True,
    session_open=datetime(2026, 11, 20, 14, 30, tzinfo=UTC),
    session_close=datetime(2026, 11, 20, 21, 0, tzinfo=UTC),
    next_open=datetime(2026, 11, 23, 14, 30, tzinfo=UTC),
    next_close=datetime(2026, 11, 20, 21, 0, tzinfo=UTC),
    as_of=_AT,
)
