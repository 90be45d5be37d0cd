"""What the Web API can find out: search, depth, options and scanners; it has no ticks and no news."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NoReturn

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import BrokerRefused, NotSupported
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.research import (
    Article,
    Headline,
    HearBook,
    HearFrame,
    Listing,
    NewsProvider,
    OptionModel,
    OptionQuote,
    OptionSeries,
    OptionWish,
    ScanParameters,
    ScanRequest,
    ScanRow,
    ScanWord,
    TickWindow,
    Topic,
)
from ibkr_bridge.upstream.webapi import errors, translate
from ibkr_bridge.upstream.webapi.capabilities import NO_MODEL, NO_NEWS, NO_TICKS
from ibkr_bridge.upstream.webapi.research_depth import TOPIC as DEPTH
from ibkr_bridge.upstream.webapi.research_depth import Depth
from ibkr_bridge.upstream.webapi.research_options import Options
from ibkr_bridge.upstream.webapi.research_topics import Topics
from ibkr_bridge.upstream.webapi.socket import Message, Say
from ibkr_bridge.upstream.webapi.translate import Row
from ibkr_bridge.upstream.webapi.wire import Wire

TOPICS: Final = frozenset({DEPTH, "smh", "ssd", "sld"})
_OTHER_DOOR: Final = "Set IBKR_SERVICE_UPSTREAM=tws for a service at TWS or IB Gateway."
_SEARCH: Final = "/iserver/secdef/search"
_BONDS: Final = 2147483647
"""The row of all corporate bonds, which ends many a search."""
_OWN: Final = frozenset({"STK", "IND", "BOND"})
"""Kinds of what a row of the search names; others are written on it."""


class Research:
    """Fills `ports.research.Research`."""

    def __init__(self, wire: Wire, clock: Clock, say: Say) -> None:
        self._wire = wire
        self._depth = Depth(wire, clock, say)
        self._options = Options(wire, clock)
        self._topics = Topics(wire, say)

    async def search(self, text: str) -> Sequence[Listing]:
        """By symbol first, then by the company's name: IBKR does one of them at a time."""
        by_symbol = await self._found({"symbol": text})
        by_name = await self._found({"symbol": text, "name": "true"})
        unique = {listing.conid: listing for listing in (*by_name, *by_symbol)}
        order = dict.fromkeys(listing.conid for listing in (*by_symbol, *by_name))
        return [unique[conid] for conid in order]

    async def open_book(self, contract: Contract, rows: int, hear: HearBook) -> None:
        await self._depth.open(contract, rows, hear)

    async def close_book(self, contract: Contract) -> None:
        await self._depth.close(contract)

    async def option_series(self, underlying: Contract) -> Sequence[OptionSeries]:
        return await self._options.series(underlying)

    async def option_chain(self, underlying: Contract, wish: OptionWish) -> Sequence[OptionQuote]:
        return await self._options.chain(underlying, wish)

    async def computed(self, underlying: Contract, model: OptionModel) -> NoReturn:  # noqa: ARG002  as the port names them
        raise NotSupported(NO_MODEL, advice=_OTHER_DOOR)

    async def ticks(self, contract: Contract, window: TickWindow) -> NoReturn:  # noqa: ARG002  as the port names them
        raise NotSupported(NO_TICKS, advice=_OTHER_DOOR)

    async def scan_parameters(self) -> ScanParameters:
        told = translate.mapping(await self._wire.read("/iserver/scanner/params"))
        return ScanParameters(
            instruments=_words(told.get("instrument_list"), "type"),
            locations=tuple(_places(told.get("location_tree"))),
            scans=_words(told.get("scan_type_list"), "code"),
            filters=_words(told.get("filter_list"), "code"),
        )

    async def scan(self, request: ScanRequest) -> Sequence[ScanRow]:
        body = {
            "instrument": request.instrument,
            "location": request.location,
            "type": request.scan,
            "filter": [{"code": name, "value": _value(value)} for name, value in request.filters],
        }
        told = translate.mapping(await self._wire.write("POST", "/iserver/scanner/run", body, order=False))
        found = translate.rows(told.get("contracts"))[: request.limit]
        return [ScanRow(rank, _scanned(row), _text(row, "scan_data") or None) for rank, row in enumerate(found, 1)]

    async def news_providers(self) -> Sequence[NewsProvider]:
        raise NotSupported(NO_NEWS, advice=_OTHER_DOOR)

    async def headlines(
        self,
        contract: Contract,  # noqa: ARG002  as the port names them
        providers: Sequence[str],  # noqa: ARG002
        start: datetime | None,  # noqa: ARG002
        end: datetime | None,  # noqa: ARG002
        limit: int,  # noqa: ARG002
    ) -> Sequence[Headline]:
        raise NotSupported(NO_NEWS, advice=_OTHER_DOOR)

    async def article(self, provider: str, article: str) -> Article:  # noqa: ARG002  as above
        raise NotSupported(NO_NEWS, advice=_OTHER_DOOR)

    async def open_topic(self, topic: Topic, hear: HearFrame) -> None:
        await self._topics.open(topic, hear)

    async def close_topic(self, topic: Topic) -> None:
        await self._topics.close(topic)

    async def run(self) -> None:
        await self._topics.run()

    async def resubscribe(self) -> None:
        """On a new stream."""
        await self._depth.resubscribe()
        await self._topics.resubscribe()

    def stream_closed(self) -> None:
        self._depth.stream_closed()

    def hear(self, message: Message) -> None:
        """A frame of one of TOPICS."""
        if str(message.get("topic", "")).startswith(DEPTH):
            self._depth.hear(message)
        else:
            self._topics.hear(message)

    async def _found(self, query: dict[str, str]) -> list[Listing]:
        try:
            told = await self._wire.read(_SEARCH, query)
        except BrokerRefused:  # what is not known is refused in more than one way
            return []
        return [_listing(row) for row in translate.rows(told) if 0 < translate.integer(row.get("conid")) != _BONDS]


def _listing(row: Row) -> Listing:
    """A row names no currency and, of what it is, only what it may be traded as."""
    kinds = [str(part.get("secType") or "") for part in translate.rows(row.get("sections"))]
    kind = next((kind for kind in kinds if kind in _OWN), "STK")
    return Listing(
        conid=translate.integer(row.get("conid")),
        symbol=_text(row, "symbol"),
        sec_type=kind,
        currency="",
        primary_exchange=_text(row, "description"),
        name=errors.plain(_text(row, "companyName")),
        derivatives=tuple(dict.fromkeys(other for other in kinds if other and other != kind)),
    )


def _scanned(row: Row) -> Listing:
    return Listing(
        conid=translate.integer(row.get("con_id")),
        symbol=_text(row, "symbol"),
        sec_type=_text(row, "sec_type"),
        currency=_text(row, "currency"),
        primary_exchange=_text(row, "listing_exchange"),
        name=errors.plain(_text(row, "company_name")),
    )


def _words(value: object, code: str) -> tuple[ScanWord, ...]:
    return tuple(ScanWord(_text(row, code), _text(row, "display_name")) for row in translate.rows(value))


def _places(value: object) -> Iterator[ScanWord]:
    """A tree: the widest first, then what lies in it."""
    for row in translate.rows(value):
        yield ScanWord(_text(row, "type"), _text(row, "display_name"))
        yield from _places(row.get("locations"))


def _value(text: str) -> Any:
    number = translate.decimal(text)
    return text if number is None or format(number, "f") != text else number


def _text(row: Row, name: str) -> str:
    return str(row.get(name) or "")
