"""What TWS can find out: search, depth, options, ticks of the past, scanners and news."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import ib_async

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import BrokerAway, BrokerBusy, BrokerRefused, NotSupported
from ibkr_bridge.ports.research import (
    Article,
    Computed,
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
    Tick,
    TickKind,
    TickWindow,
    Topic,
)
from ibkr_bridge.upstream.pacing import Lane, Pacer
from ibkr_bridge.upstream.tws import research_translate as shapes
from ibkr_bridge.upstream.tws import translate
from ibkr_bridge.upstream.tws.codes import Code
from ibkr_bridge.upstream.tws.research_depth import Depth
from ibkr_bridge.upstream.tws.research_options import Options
from ibkr_bridge.upstream.tws.wire import Wire

NO_STREAM: Final = "TWS and IB Gateway do not speak the Web API, whose stream this topic belongs to."
_PARAMETERS, _PROVIDERS = "scanner parameters", "news providers"
_NOTHING_FOUND: Final = 165
"""TWS API, "Message Codes": a scanner found nothing, or its list was emptied."""
_MOST_SCANS: Final = 8
"""IBKR allows ten at once."""
_WHAT: Final = {TickKind.TRADES: "TRADES", TickKind.QUOTES: "BID_ASK", TickKind.MIDPOINT: "MIDPOINT"}


class Research:
    """Fills `ports.research.Research`."""

    def __init__(self, wire: Wire, now: Callable[[], datetime]) -> None:
        self._wire = wire
        self._now = now
        self.depth = Depth(wire, now)
        self.options = Options(wire)
        self._searches = Pacer(1, 0, window=1.05)
        """A search too soon after another has no answer (TWS API, "Stock Contract Search")."""
        self._scans = asyncio.Semaphore(_MOST_SCANS)

    async def search(self, text: str) -> Sequence[Listing]:
        timeout = self._wire.settings.request_timeout
        await self._turn(self._searches, "IBKR allows one search a second, and others came first.")
        client = await self._wire.turn(Lane.DATA)
        number = client.getReqId()
        with self._wire.requests.open(number, f"the search for {text}") as request:
            client.reqMatchingSymbols(number, text)
            return await request.all(timeout)

    async def open_book(self, contract: Contract, rows: int, hear: HearBook) -> None:
        await self.depth.open(contract, rows, hear)

    async def close_book(self, contract: Contract) -> None:
        await self.depth.close(contract)

    async def option_series(self, underlying: Contract) -> Sequence[OptionSeries]:
        return await self.options.series(underlying)

    async def option_chain(self, underlying: Contract, wish: OptionWish) -> Sequence[OptionQuote]:
        return await self.options.chain(underlying, wish)

    async def computed(self, underlying: Contract, model: OptionModel) -> Computed:
        return await self.options.computed(underlying, model)

    async def ticks(self, contract: Contract, window: TickWindow) -> Sequence[Tick]:
        client = await self._wire.turn(Lane.DATA)
        number = client.getReqId()
        end = None if window.start is not None else window.end or self._now()
        with self._wire.requests.open(number, f"the ticks of {contract.symbol}") as request:
            client.reqHistoricalTicks(
                number,
                translate.contract_sent(contract),
                shapes.moment(window.start),
                shapes.moment(end),
                window.limit,
                _WHAT[window.kind],
                useRth=False,
                ignoreSize=False,
                miscOptions=[],
            )
            found: list[Tick] = await request.all(self._wire.settings.request_timeout)
        return [tick for tick in found if window.end is None or tick.at < window.end]

    async def scan_parameters(self) -> ScanParameters:
        client = await self._wire.turn(Lane.DATA)
        with self._wire.requests.open(_PARAMETERS, _PARAMETERS) as request:
            client.reqScannerParameters()
            [text] = await request.all(self._wire.settings.request_timeout)
        return await asyncio.to_thread(shapes.scan_parameters, text)  # some megabytes

    async def scan(self, request: ScanRequest) -> Sequence[ScanRow]:
        subscription = ib_async.ScannerSubscription(
            numberOfRows=request.limit,
            instrument=request.instrument,
            locationCode=request.location,
            scanCode=request.scan,
        )
        filters = [ib_async.TagValue(name, value) for name, value in request.filters]
        async with self._scans:
            client = await self._wire.turn(Lane.DATA)
            number = client.getReqId()
            with self._wire.requests.open(number, f"the scan {request.scan}") as asked:
                client.reqScannerSubscription(number, subscription, [], filters)
                try:
                    found: list[ScanRow] = await asked.all(self._wire.settings.request_timeout)
                except BrokerRefused as refused:
                    if refused.ibkr_code != _NOTHING_FOUND:
                        raise
                    found = []
                finally:
                    await self._end_scan(number)
        return sorted(found, key=lambda row: row.rank)[: request.limit]

    async def news_providers(self) -> Sequence[NewsProvider]:
        client = await self._wire.turn(Lane.DATA)
        with self._wire.requests.open(_PROVIDERS, _PROVIDERS) as request:
            client.reqNewsProviders()
            return await request.all(self._wire.settings.request_timeout)

    async def headlines(
        self, contract: Contract, providers: Sequence[str], start: datetime | None, end: datetime | None, limit: int
    ) -> Sequence[Headline]:
        client = await self._wire.turn(Lane.DATA)
        number = client.getReqId()
        with self._wire.requests.open(number, f"the news of {contract.symbol}") as request:
            first, last = shapes.news_moment(start), shapes.news_moment(end)
            client.reqHistoricalNews(number, contract.conid, "+".join(providers), first, last, limit, [])
            found: list[Headline] = await request.all(self._wire.settings.request_timeout)
        return sorted(found, key=lambda headline: headline.at, reverse=True)

    async def article(self, provider: str, article: str) -> Article:
        client = await self._wire.turn(Lane.DATA)
        number = client.getReqId()
        with self._wire.requests.open(number, f"the article {article}") as request:
            client.reqNewsArticle(number, provider, article, [])
            [(kind, text)] = await request.all(self._wire.settings.request_timeout)
        return Article(provider, article, text, binary=kind == 1)

    async def open_topic(self, topic: Topic, hear: HearFrame) -> None:  # noqa: ARG002  as the port names them
        raise NotSupported(NO_STREAM, advice="Set IBKR_SERVICE_UPSTREAM=webapi.")

    async def close_topic(self, topic: Topic) -> None:
        """There is none open."""

    async def restore(self) -> None:
        """On a new connection, or after IBKR lost what we had."""
        await self.depth.restore()

    def close(self) -> None:
        self._searches.close()

    def message(self, number: int, code: Code, text: str) -> bool:
        return self.depth.message(number, code, text)

    def found(self, number: int, descriptions: Sequence[ib_async.ContractDescription]) -> None:
        self._all(number, [shapes.listing(row) for row in descriptions])

    def trades(self, number: int, ticks: Sequence[ib_async.HistoricalTickLast], done: bool) -> None:  # noqa: FBT001
        self._all(number, [shapes.trade(tick) for tick in ticks], done=done)

    def quotes(self, number: int, ticks: Sequence[ib_async.HistoricalTickBidAsk], done: bool) -> None:  # noqa: FBT001
        self._all(number, [shapes.quote(tick) for tick in ticks], done=done)

    def midpoints(self, number: int, ticks: Sequence[ib_async.HistoricalTick], done: bool) -> None:  # noqa: FBT001
        self._all(number, [shapes.midpoint(tick) for tick in ticks], done=done)

    def parameters(self, text: str) -> None:
        self._all(_PARAMETERS, [text])

    def scanned(self, number: int, rank: int, details: ib_async.ContractDetails, distance: str, *_rest: str) -> None:
        self._wire.requests.add(number, shapes.scanned(rank, details, distance))

    def scan_end(self, number: int) -> None:
        self._wire.requests.finish(number)

    def providers(self, rows: Sequence[ib_async.NewsProvider]) -> None:
        self._all(_PROVIDERS, [NewsProvider(row.code, row.name) for row in rows])

    def headline(self, number: int, at: str, provider: str, article: str, text: str) -> None:
        self._wire.requests.add(number, shapes.headline(at, provider, article, text))

    def headlines_end(self, number: int, _has_more: bool) -> None:  # noqa: FBT001  as the decoder calls it
        self._wire.requests.finish(number)

    def article_text(self, number: int, kind: int, text: str) -> None:
        self._all(number, [(kind, text)])

    def _all(self, key: int | str, items: Sequence[object], *, done: bool = True) -> None:
        for item in items:
            self._wire.requests.add(key, item)
        if done:
            self._wire.requests.finish(key)

    async def _turn(self, pacer: Pacer, why: str) -> None:
        try:
            async with asyncio.timeout(self._wire.settings.request_timeout):
                await pacer.turn(Lane.DATA)
        except TimeoutError:
            raise BrokerBusy(why, seconds=1) from None

    async def _end_scan(self, number: int) -> None:
        try:
            (await self._wire.turn(Lane.DATA)).cancelScannerSubscription(number)
        except BrokerAway:
            return  # the subscription went with the connection
