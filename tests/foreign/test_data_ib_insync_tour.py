"""ib_insync judges the data of the TWS door: the same questions through the elder client."""

from __future__ import annotations

import asyncio
import importlib
import logging
import warnings
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from ibkr_sim.exchange.model import Quote
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.reference.venues import spread_out
from tests.foreign.tour_of_research import ranked

if TYPE_CHECKING:
    from tests.foreign.conftest import Judged

Answer = TypeVar("Answer")
PATIENCE = 30.0


@pytest.fixture(scope="module")
def library() -> Iterator[ModuleType]:
    """Imported late: its event library asks for the current loop on import, which Python deprecates without one."""
    loop = asyncio.new_event_loop()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        asyncio.set_event_loop(loop)
        module = importlib.import_module("ib_insync")
        asyncio.set_event_loop(None)
    yield module
    loop.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the client's state changes while its messages are read
            await asyncio.sleep(0.002)


async def soon(answer: Awaitable[Answer]) -> Answer:
    return await asyncio.wait_for(answer, PATIENCE)


def exact(value: float) -> Decimal:
    return Decimal(str(value))


@pytest.mark.parametrize("version", [157, 176])
async def test_the_data_that_ib_insync_reads_are_the_exchanges(
    library: ModuleType, judged: Judged, version: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    ib = library.IB()
    ib.client.MaxClientVersion = version
    await ib.connectAsync("127.0.0.1", judged.port, clientId=1, timeout=PATIENCE, account=judged.account)
    stock = library.Stock("AAPL", "SMART", "USD")
    await ib.qualifyContractsAsync(stock)
    await history(ib, judged, stock)
    await streams(ib, judged, stock)
    await knowledge(ib, library, judged, stock)
    ib.disconnect()
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert [text for text in said if not text.startswith("Error 162, reqId")] == []


async def history(ib: Any, judged: Judged, stock: Any) -> None:
    exchange = judged.simulator.exchange
    exchange.quote(judged.conid)
    judged.simulator.clock.advance(timedelta(minutes=3))
    bars = await soon(ib.reqHistoricalDataAsync(stock, "", "120 S", "1 min", "TRADES", useRTH=False, formatDate=2))
    span = [(bar.date, bar.date + timedelta(minutes=1)) for bar in bars]
    told = [(exact(bar.open), exact(bar.high), exact(bar.low), exact(bar.close), bar.barCount) for bar in bars]
    known = exchange.record(judged.conid).bars(Source.TRADES, span)
    assert told == [(bar.open, bar.high, bar.low, bar.close, bar.count) for bar in known]
    now = judged.simulator.clock.now()
    ticks = await soon(ib.reqHistoricalTicksAsync(stock, "", now, 5, "TRADES", useRth=False))
    assert exact(ticks[-1].price) == exchange.quote(judged.conid).last
    head = await soon(ib.reqHeadTimeStampAsync(stock, "TRADES", useRTH=True, formatDate=1))
    assert head == datetime(2005, 1, 3, 14, 30)  # noqa: DTZ001 - the client gives it without a zone
    histogram = await soon(ib.reqHistogramDataAsync(stock, useRTH=True, period="1 day"))
    day = await soon(ib.reqHistoricalDataAsync(stock, "", "1 D", "1 min", "TRADES", useRTH=True))
    assert sum(row.count for row in histogram) == sum(bar.volume for bar in day)


async def streams(ib: Any, judged: Judged, stock: Any) -> None:
    exchange = judged.simulator.exchange
    ticker = ib.reqMktData(stock, "165,221,233,236,293,318")
    kept = await soon(
        ib.reqHistoricalDataAsync(
            stock, "", "60 S", "10 secs", "MIDPOINT", useRTH=False, formatDate=2, keepUpToDate=True
        )
    )
    live = ib.reqRealTimeBars(stock, 5, "TRADES", useRTH=False)
    depth = ib.reqMktDepth(stock, 10, isSmartDepth=True)
    await soon(ib.reqCurrentTimeAsync())
    count = len(kept)
    judged.simulator.clock.advance(timedelta(seconds=20))
    await until(lambda: len(live) == 4 and len(kept) == count + 2)
    quote = exchange.quote(judged.conid)
    await until(lambda: exact(ticker.last) == quote.last and ticker.tradeCount == exchange.day_trades(judged.conid)[0])
    (known,) = exchange.record(judged.conid).bars(Source.TRADES, [(live[0].time, live[0].time + timedelta(seconds=5))])
    assert (exact(live[0].open_), exact(live[0].high), exact(live[0].low)) == (known.open, known.high, known.low)
    assert (
        exact(ticker.rtTradeVolume if ticker.rtTradeVolume == ticker.rtTradeVolume else ticker.rtVolume)
    ) == quote.volume
    assert exact(kept[-1].close) * 2 == (quote.bid or 0) + (quote.ask or 0)
    apple, levels = exchange.contract(judged.conid), exchange.depth(judged.conid, 10).bids
    assert apple is not None
    spread = [(level.exchange, level.price, level.size) for level in spread_out(apple, levels, 10)]
    await until(lambda: [(row.marketMaker, exact(row.price), exact(row.size)) for row in depth.domBids] == spread)
    await soon(ib.reqCurrentTimeAsync())  # it forgets a book when it cancels it, and stumbles over rows that come later
    for cancel, what in (
        (ib.cancelHistoricalData, kept),
        (ib.cancelRealTimeBars, live),
        (ib.cancelMktData, stock),
    ):
        cancel(what)
    ib.cancelMktDepth(stock, isSmartDepth=True)
    await soon(ib.reqCurrentTimeAsync())


def loss(quote: Quote) -> Decimal:
    """Greatest for what has fallen most."""
    assert quote.last is not None
    assert quote.close is not None
    return (quote.close - quote.last) / quote.close


async def knowledge(ib: Any, library: ModuleType, judged: Judged, stock: Any) -> None:
    scan = library.ScannerSubscription(instrument="STK", locationCode="STK.US", scanCode="TOP_PERC_LOSE")
    rows = await soon(ib.reqScannerDataAsync(scan))
    assert [row.contractDetails.contract.conId for row in rows] == ranked(judged.simulator.exchange, loss)
    news = await soon(ib.reqHistoricalNewsAsync(stock.conId, "BRFG+DJNL", "", "", 3))
    assert [row.providerCode for row in news] == ["DJNL", "BRFG", "DJNL"]
    article = await soon(ib.reqNewsArticleAsync(news[1].providerCode, news[1].articleId))
    assert news[1].headline in article.articleText
    option = library.Option("AAPL", "20260619", 270, "P", "SMART", currency="USD")
    priced = await soon(ib.calculateOptionPriceAsync(option, 0.25, 270))
    assert -1 < priced.delta < 0 < priced.optPrice
    exchanges = {row.exchange for row in await soon(ib.reqMktDepthExchangesAsync())}
    assert {part.exchange for part in await soon(ib.reqSmartComponentsAsync("9c0001"))} <= exchanges
