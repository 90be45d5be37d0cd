"""ib_async judges the data of the TWS door: history, ticks, books, scanners, news, all against the exchange."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from ib_async import IB, Contract, Forex, Option, ScannerSubscription, Stock

from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.reference.venues import spread_out
from tests.foreign.tour_of_quotes import moving, standing

if TYPE_CHECKING:
    from tests.foreign.conftest import Judged

Answer = TypeVar("Answer")
PATIENCE = 30.0
VERSIONS = (157, 176, 178)
EXPECTED = ("Error 162, reqId", "Error 310,", "Error 300,")
START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
EURUSD = 12087792


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the client's state changes while its messages are read
            await asyncio.sleep(0.002)


async def soon(answer: Awaitable[Answer]) -> Answer:
    return await asyncio.wait_for(answer, PATIENCE)


@asynccontextmanager
async def connected(judged: Judged, version: int, client_id: int = 1) -> AsyncIterator[tuple[IB, Contract]]:
    ib = IB()
    ib.client.MaxClientVersion = version
    await ib.connectAsync("127.0.0.1", judged.port, client_id, timeout=PATIENCE, account=judged.account)
    try:
        stock = Stock("AAPL", "SMART", "USD")
        await ib.qualifyContractsAsync(stock)
        yield ib, stock
    finally:
        ib.disconnect()


@pytest.fixture(autouse=True)
def _no_unexpected_complaint(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.WARNING)
    yield
    said = [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING]
    assert [text for text in said if not text.startswith(EXPECTED)] == []


def advance(judged: Judged, **duration: float) -> None:
    judged.simulator.clock.advance(timedelta(**duration))
    judged.simulator.exchange.advance()


def exact(value: float) -> Decimal:
    return Decimal(str(value))


@pytest.mark.parametrize("version", VERSIONS)
async def test_bars_of_the_past_are_those_of_the_exchange(judged: Judged, version: int) -> None:
    async with connected(judged, version) as (ib, stock):
        judged.simulator.exchange.quote(judged.conid)
        advance(judged, minutes=20)
        record = judged.simulator.exchange.record(judged.conid)
        for what, source in (("TRADES", Source.TRADES), ("MIDPOINT", Source.MIDPOINT), ("BID_ASK", Source.BID_ASK)):
            told = await soon(ib.reqHistoricalDataAsync(stock, "", "900 S", "1 min", what, useRTH=False, formatDate=2))
            assert len(told) == 15
            spans = [(_moment(bar.date), _moment(bar.date) + timedelta(minutes=1)) for bar in told]
            for bar, known in zip(told, record.bars(source, spans), strict=True):
                assert [exact(price) for price in (bar.open, bar.high, bar.low, bar.close)] == [
                    known.open, known.high, known.low, known.close
                ]  # fmt: skip
                assert exact(bar.volume) == (known.volume if source is Source.TRADES else -1)
                assert bar.barCount == (known.count if source is Source.TRADES else -1)
        days = await soon(ib.reqHistoricalDataAsync(stock, "", "5 D", "1 day", "TRADES", useRTH=True))
        assert [bar.date for bar in days][-2:] == [date(2026, 2, 27), date(2026, 3, 2)]
        assert exact(days[-1].close) == judged.simulator.exchange.quote(judged.conid).last
        noon = datetime(2026, 2, 27, 17, 0, tzinfo=UTC)
        older = await soon(ib.reqHistoricalDataAsync(stock, noon, "1 D", "1 hour", "ASK", useRTH=True, formatDate=2))
        assert [_moment(bar.date).hour for bar in older] == [14, 15, 16]


def _moment(written: date | datetime) -> datetime:
    assert isinstance(written, datetime)
    return written.astimezone(UTC) if written.tzinfo else written.replace(tzinfo=UTC)


async def test_currencies_have_a_past_of_quotes(judged: Judged) -> None:
    async with connected(judged, 178) as (ib, _stock):
        pair = Forex("EURUSD")
        await ib.qualifyContractsAsync(pair)
        told = await soon(ib.reqHistoricalDataAsync(pair, "", "1 D", "1 hour", "MIDPOINT", useRTH=False))
        quote = judged.simulator.exchange.quote(EURUSD)
        assert quote.bid is not None
        assert quote.ask is not None
        assert exact(told[-1].close) == (quote.bid + quote.ask) / 2
        assert not await soon(ib.reqHistoricalDataAsync(pair, "", "1 D", "1 hour", "TRADES", useRTH=False))


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_live_list_of_bars_grows_as_the_exchange_trades(judged: Judged, version: int) -> None:
    async with connected(judged, version) as (ib, stock):
        bars = await soon(
            ib.reqHistoricalDataAsync(
                stock, "", "60 S", "5 secs", "TRADES", useRTH=False, formatDate=2, keepUpToDate=True
            )
        )
        count = len(bars)
        for _time in range(4):
            advance(judged, seconds=5)
            await asyncio.sleep(0.05)
        await until(lambda: len(bars) >= count + 3)
        record = judged.simulator.exchange.record(judged.conid)
        for bar in bars[-5:-1]:
            (known,) = record.bars(Source.TRADES, [(_moment(bar.date), _moment(bar.date) + timedelta(seconds=5))])
            assert (exact(bar.open), exact(bar.close), exact(bar.volume)) == (known.open, known.close, known.volume)
            assert known.low == exact(bar.low) <= exact(bar.high) == known.high
        ib.cancelHistoricalData(bars)
        live = ib.reqRealTimeBars(stock, 5, "TRADES", useRTH=False)
        await soon(ib.reqCurrentTimeAsync())
        advance(judged, seconds=10)
        await until(lambda: len(live) == 2)
        record = judged.simulator.exchange.record(judged.conid)
        (known,) = record.bars(Source.TRADES, [(live[0].time, live[0].time + timedelta(seconds=5))])
        assert (exact(live[0].open_), exact(live[0].close), live[0].count) == (known.open, known.close, known.count)
        ib.cancelRealTimeBars(live)
        await asyncio.sleep(0.03)


@pytest.mark.parametrize("version", VERSIONS)
async def test_ticks_and_figures_of_the_past_agree_with_bars(judged: Judged, version: int) -> None:
    async with connected(judged, version) as (ib, stock):
        judged.simulator.exchange.quote(judged.conid)
        advance(judged, minutes=2)
        now = judged.simulator.clock.now()
        trades = await soon(ib.reqHistoricalTicksAsync(stock, "", now, 1000, "TRADES", useRth=False))
        minute = [tick for tick in trades if now - timedelta(minutes=1) <= tick.time < now]
        (bar,) = judged.simulator.exchange.record(judged.conid).bars(Source.TRADES, [(now - timedelta(minutes=1), now)])
        assert sum(int(tick.size) for tick in minute) == bar.volume
        assert (exact(minute[0].price), exact(minute[-1].price)) == (bar.open, bar.close)
        spreads = await soon(ib.reqHistoricalTicksAsync(stock, "", now, 10, "BID_ASK", useRth=False))
        quote = judged.simulator.exchange.quote(judged.conid)
        assert (exact(spreads[-1].priceBid), exact(spreads[-1].priceAsk)) == (quote.bid, quote.ask)
        middles = await soon(ib.reqHistoricalTicksAsync(stock, "", now, 10, "MIDPOINT", useRth=False))
        assert exact(middles[-1].price) * 2 == (quote.bid or 0) + (quote.ask or 0)
        head = await soon(ib.reqHeadTimeStampAsync(stock, "TRADES", useRTH=True, formatDate=2))
        assert _moment(head) == datetime(2005, 1, 3, 14, 30, tzinfo=UTC)
        histogram = await soon(ib.reqHistogramDataAsync(stock, useRTH=True, period="1 day"))
        day = await soon(ib.reqHistoricalDataAsync(stock, "", "1 D", "1 min", "TRADES", useRTH=True))
        assert sum(row.count for row in histogram) == sum(bar.volume for bar in day)
        if version >= 165:
            schedule = await soon(ib.reqHistoricalScheduleAsync(stock, 3))
            assert [session.refDate for session in schedule.sessions] == ["20260226", "20260227", "20260302"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_ticker_has_every_figure_that_was_asked_for(judged: Judged, version: int) -> None:
    async with connected(judged, version) as (ib, stock):
        exchange = judged.simulator.exchange
        ticker = ib.reqMktData(stock, "100,101,104,105,106,165,221,225,233,236,258,293,294,295,318,375,411,456,595")
        await until(ticker.hasBidAsk)
        begun = standing(exchange, judged.conid)
        await until(lambda: exact(ticker.putOpenInterest) == exact(begun[28]))
        told = (ticker.low13week, ticker.high13week, ticker.low26week, ticker.high26week, ticker.low52week)
        assert told == tuple(begun[kind] for kind in (15, 16, 17, 18, 19))
        assert (ticker.high52week, ticker.avVolume, ticker.histVolatility) == (begun[20], begun[21], begun[23])
        assert ticker.callOpenInterest == begun[27]
        ticks = ib.reqTickByTickData(stock, "AllLast")
        seen: list[Any] = []
        ticks.updateEvent += lambda one: seen.extend(one.tickByTicks)
        await soon(ib.reqCurrentTimeAsync())
        advance(judged, seconds=30)
        quote = exchange.quote(judged.conid)
        await until(lambda: exact(ticker.last) == quote.last and exact(ticker.rtTradeVolume) == quote.volume)
        await until(lambda: ticker.tradeCount == exchange.day_trades(judged.conid)[0])
        assert (exact(ticker.bid), exact(ticker.ask), exact(ticker.volume)) == (quote.bid, quote.ask, quote.volume)
        now = moving(exchange)
        await until(lambda: ticker.volumeRate == now[56])
        assert (ticker.impliedVolatility, ticker.markPrice, ticker.tradeRate) == (now[24], now[37], now[55])
        assert (ticker.lastRthTrade, ticker.rtHistVolatility) == (now[57], now[58])
        assert (ticker.shortable, ticker.shortableShares) == (now[46], now[89])
        _count, turnover = exchange.day_trades(judged.conid)
        assert ticker.vwap == pytest.approx(float(turnover / quote.volume), abs=1e-4)
        assert seen
        assert exact(seen[-1].price) == quote.last
        ib.cancelTickByTickData(stock, "AllLast")
        ib.cancelMktData(stock)
        await asyncio.sleep(0.03)


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_books_that_are_kept_are_those_of_the_exchange(judged: Judged, version: int) -> None:
    async with connected(judged, version) as (ib, _stock):
        venue = Stock("AAPL", "NASDAQ", "USD", conId=judged.conid)
        ticker = ib.reqMktDepth(venue, 5)
        for _time in range(4):
            depth = judged.simulator.exchange.depth(judged.conid, 5)
            bids, asks = ([(level.price, level.size) for level in side] for side in (depth.bids, depth.asks))
            await until(lambda: _levels(ticker.domBids) == bids and _levels(ticker.domAsks) == asks)  # noqa: B023
            advance(judged, seconds=2)
        ib.cancelMktDepth(venue)
        smart = ib.reqMktDepth(Stock("AAPL", "SMART", "USD", conId=judged.conid), 20, isSmartDepth=True)
        await until(lambda: len(smart.domBids) == len(smart.domAsks) == 20)
        known, found = (
            judged.simulator.exchange.contract(judged.conid),
            judged.simulator.exchange.depth(judged.conid, 20),
        )
        assert known is not None
        for rows, levels in ((smart.domBids, found.bids), (smart.domAsks, found.asks)):
            spread = [(level.exchange, level.price, level.size) for level in spread_out(known, levels, 20)]
            assert [(row.marketMaker, exact(row.price), exact(row.size)) for row in rows] == spread
        exchanges = await soon(ib.reqMktDepthExchangesAsync())
        parts = await soon(ib.reqSmartComponentsAsync("9c0001"))
        assert {part.exchange for part in parts} <= {row.exchange for row in exchanges}


def _levels(rows: list[Any]) -> list[tuple[Decimal, Decimal]]:
    return [(exact(row.price), exact(row.size)) for row in rows]


@pytest.mark.parametrize("version", VERSIONS)
async def test_scanners_news_and_options_are_answered(judged: Judged, version: int) -> None:
    async with connected(judged, version) as (ib, stock):
        exchange = judged.simulator.exchange
        assert "TOP_PERC_GAIN" in await soon(ib.reqScannerParametersAsync())
        scan = ScannerSubscription(
            instrument="STK", locationCode="STK.US.MAJOR", scanCode="MOST_ACTIVE", abovePrice=300, numberOfRows=5
        )
        rows = await soon(ib.reqScannerDataAsync(scan))
        quotes = [exchange.quote(row.contractDetails.contract.conId) for row in rows if row.contractDetails.contract]
        assert len(quotes) == 5
        assert [quote.volume for quote in quotes] == sorted((quote.volume for quote in quotes), reverse=True)
        assert all(quote.last is not None and quote.last >= 300 for quote in quotes)
        assert {row.code for row in await soon(ib.reqNewsProvidersAsync())} == {"BRFG", "BRFUPDN", "DJNL"}
        news: Any = await soon(ib.reqHistoricalNewsAsync(stock.conId, "BRFG", "", "", 2))
        assert [row.time for row in news] == [datetime(2026, 2, day, 21, 0) for day in (27, 26)]  # noqa: DTZ001
        article = await soon(ib.reqNewsArticleAsync(news[0].providerCode, news[0].articleId))
        assert news[0].headline in article.articleText
        option = Option("AAPL", "20260619", 270, "C", "SMART", currency="USD")
        priced: Any = await soon(ib.calculateOptionPriceAsync(option, 0.3, 270))
        implied: Any = await soon(ib.calculateImpliedVolatilityAsync(option, priced.optPrice, 270))
        assert implied.impliedVol == pytest.approx(0.3, abs=1e-4)
        assert {row.tradingClass for row in await soon(ib.reqSecDefOptParamsAsync("AAPL", "", "STK", stock.conId))} == {
            "AAPL"
        }
        if version >= 176:
            assert not await soon(ib.reqUserInfoAsync())
