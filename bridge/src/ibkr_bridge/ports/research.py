"""What a door can find out beside quotes and orders, and the topics of IBKR's own stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from ibkr_bridge.domain.contract import Contract


@dataclass(frozen=True, slots=True)
class Listing:
    """A contract that a search has found; `derivatives` are the kinds of security that are written on it."""

    conid: int
    symbol: str
    sec_type: str
    currency: str
    primary_exchange: str
    name: str
    derivatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Level:
    """`place` is the exchange or market maker that stands there; empty where it is not told."""

    price: Decimal
    size: Decimal
    place: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """Both sides of a contract's order book at its exchange, the best level first. `at` is None before the first."""

    conid: int
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BookFailed:
    """The broker will not deliver this book, or has ceased to; a later Book says that it does again."""

    conid: int
    ibkr_code: int | None
    text: str
    passing: bool = False
    """The line lives: the door sets it right by itself, and nothing is to be asked again."""


HearBook = Callable[[Book | BookFailed], None]


class Right(StrEnum):
    CALL = "C"
    PUT = "P"


@dataclass(frozen=True, slots=True)
class OptionSeries:
    """What is listed under one trading class; not every strike at every expiry."""

    exchange: str
    trading_class: str
    multiplier: Decimal | None
    expiries: tuple[date, ...]
    strikes: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class OptionWish:
    """Which options of an underlying are wanted. An empty `strikes` means all, `right` None both."""

    expiry: date
    right: Right | None = None
    strikes: tuple[Decimal, ...] = ()


@dataclass(frozen=True, slots=True)
class OptionFigures:
    """What was told of one option; prices in its currency, what was not told is None.

    `delta` to `vega` as IBKR reckons them; `implied_volatility` of a year, 0.25 is 25 %.
    """

    bid: Decimal | None = None
    bid_size: Decimal | None = None
    ask: Decimal | None = None
    ask_size: Decimal | None = None
    last: Decimal | None = None
    last_size: Decimal | None = None
    close: Decimal | None = None
    volume: Decimal | None = None
    open_interest: Decimal | None = None
    implied_volatility: Decimal | None = None
    delta: Decimal | None = None
    gamma: Decimal | None = None
    theta: Decimal | None = None
    vega: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OptionQuote:
    contract: Contract
    expiry: date
    strike: Decimal
    right: Right
    figures: OptionFigures = OptionFigures()


@dataclass(frozen=True, slots=True)
class OptionModel:
    """What an option is reckoned from: its terms, the underlying's price, and either `volatility` or its own `price`.

    Prices in the underlying's currency, `volatility` of a year: 0.25 is 25 %.
    """

    expiry: date
    strike: Decimal
    right: Right
    underlying_price: Decimal
    volatility: Decimal | None = None
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Computed:
    """What IBKR's model makes of it; None where it makes nothing."""

    price: Decimal | None
    implied_volatility: Decimal | None
    delta: Decimal | None
    gamma: Decimal | None
    theta: Decimal | None
    vega: Decimal | None


class TickKind(StrEnum):
    TRADES = "trades"
    QUOTES = "quotes"
    MIDPOINT = "midpoint"


@dataclass(frozen=True, slots=True)
class TickWindow:
    """The `limit` ticks from `start` on, else the last ones before `end`, else the last ones before now."""

    kind: TickKind
    limit: int
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """A trade or a midpoint has `price`, a quote has bid and ask. Times are of whole seconds: IBKR tells no others."""

    at: datetime
    price: Decimal | None = None
    size: Decimal | None = None
    exchange: str | None = None
    conditions: str | None = None
    bid: Decimal | None = None
    bid_size: Decimal | None = None
    ask: Decimal | None = None
    ask_size: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """IBKR's own words: instrument STK, location STK.US.MAJOR, scan TOP_PERC_GAIN, filters priceAbove ..."""

    instrument: str
    location: str
    scan: str
    filters: tuple[tuple[str, str], ...] = ()
    limit: int = 50


@dataclass(frozen=True, slots=True)
class ScanRow:
    """`value` is what the scan sorts by, as IBKR writes it; None where it does not say."""

    rank: int
    listing: Listing
    value: str | None = None


@dataclass(frozen=True, slots=True)
class ScanWord:
    """A word that a scan may use, and what it means."""

    code: str
    title: str


@dataclass(frozen=True, slots=True)
class ScanParameters:
    instruments: tuple[ScanWord, ...]
    locations: tuple[ScanWord, ...]
    scans: tuple[ScanWord, ...]
    filters: tuple[ScanWord, ...]


@dataclass(frozen=True, slots=True)
class NewsProvider:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Headline:
    at: datetime
    provider: str
    article: str
    text: str


@dataclass(frozen=True, slots=True)
class Article:
    """`binary` says that `text` is a PDF in base64."""

    provider: str
    article: str
    text: str
    binary: bool = False


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of IBKR's stream; `arguments` are JSON, always written the same."""

    name: str
    target: str
    arguments: str = "{}"

    def __str__(self) -> str:
        return f"{self.name}+{self.target}"


Frame = Mapping[str, Any]
HearFrame = Callable[[Frame], None]


class Research(Protocol):
    """Calls raise NotSupported where the door has nothing of the kind, else BrokerAway, BrokerSilent, BrokerRefused."""

    async def search(self, text: str) -> Sequence[Listing]:
        """By symbol or name; nothing found is an empty answer."""

    async def open_book(self, contract: Contract, rows: int, hear: HearBook) -> None:
        """Begin to tell `hear` each change, over reconnects too; at most `rows` levels of a side."""

    async def close_book(self, contract: Contract) -> None: ...

    async def option_series(self, underlying: Contract) -> Sequence[OptionSeries]: ...

    async def option_chain(self, underlying: Contract, wish: OptionWish) -> Sequence[OptionQuote]: ...

    async def computed(self, underlying: Contract, model: OptionModel) -> Computed: ...

    async def ticks(self, contract: Contract, window: TickWindow) -> Sequence[Tick]:
        """The oldest first; may be some more than asked for, since IBKR completes the last second."""

    async def scan_parameters(self) -> ScanParameters: ...

    async def scan(self, request: ScanRequest) -> Sequence[ScanRow]: ...

    async def news_providers(self) -> Sequence[NewsProvider]: ...

    async def headlines(
        self, contract: Contract, providers: Sequence[str], start: datetime | None, end: datetime | None, limit: int
    ) -> Sequence[Headline]:
        """The latest first."""

    async def article(self, provider: str, article: str) -> Article: ...

    async def open_topic(self, topic: Topic, hear: HearFrame) -> None:
        """Begin to pass on what IBKR's stream tells of it, refusals as well, over reconnects too."""

    async def close_topic(self, topic: Topic) -> None: ...
