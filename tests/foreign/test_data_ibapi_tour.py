"""IBKR's own client judges the data of the TWS door, through the interface it documents."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from ibkr_sim.exchange.prices.ticks import Source

if TYPE_CHECKING:
    from tests.foreign.conftest import Judged

pytestmark = pytest.mark.foreign
PATIENCE = 10.0
CALLBACKS = (
    *("nextValidId", "error", "currentTime", "headTimestamp", "histogramData", "tickString", "tickGeneric"),
    *("historicalData", "historicalDataEnd", "historicalDataUpdate", "realtimeBar"),
    *("historicalTicks", "historicalTicksBidAsk", "historicalTicksLast"),
    *("tickByTickAllLast", "tickByTickBidAsk", "tickByTickMidPoint", "tickPrice", "tickSize", "tickNews"),
    *("updateMktDepth", "updateMktDepthL2", "mktDepthExchanges", "smartComponents", "tickReqParams"),
    *("scannerParameters", "scannerData", "scannerDataEnd", "newsProviders", "newsArticle", "historicalNews"),
    *("historicalNewsEnd", "tickOptionComputation", "securityDefinitionOptionParameterEnd"),
    *("displayGroupList", "displayGroupUpdated", "familyCodes", "softDollarTiers"),
)
EXPECTED = (2104, 2106, 2158, 162, 2176)


def recorder() -> Any:
    """A client that notes every callback's arguments under its name."""
    client, wrapper = import_module("ibapi.client"), import_module("ibapi.wrapper")

    def note(name: str) -> Any:
        def callback(self: Any, *arguments: Any) -> None:
            self.heard[name].append(arguments)

        return callback

    class Recorder(wrapper.EWrapper, client.EClient):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.heard: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
            client.EClient.__init__(self, self)

    for name in CALLBACKS:
        setattr(Recorder, name, note(name))
    return Recorder()


async def until(app: Any, name: str, count: int = 1) -> list[tuple[Any, ...]]:
    heard: list[tuple[Any, ...]] = app.heard[name]
    await happened(lambda: len(heard) >= count)
    return heard


async def happened(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the client fills its lists in a thread of its own
            await asyncio.sleep(0.005)


def latest_trade(app: Any) -> list[Decimal]:
    """Price and volume of the day, as the generic tick 233 tells them."""
    trades = [text.split(";") for _request, kind, text in app.heard["tickString"] if kind == 48]
    return [Decimal(trades[-1][0]), Decimal(trades[-1][3])] if trades else []


async def settled(app: Any) -> None:
    """Until the door has answered what was asked so far."""
    count = len(app.heard["currentTime"])
    app.reqCurrentTime()
    await until(app, "currentTime", count + 1)


def contract(**changes: Any) -> Any:
    made = import_module("ibapi.contract").Contract()
    described = {"symbol": "AAPL", "secType": "STK", "exchange": "SMART", "currency": "USD"} | changes
    for name, value in described.items():
        setattr(made, name, value)
    return made


def exact(value: float) -> Decimal:
    return Decimal(str(value))


async def test_the_data_that_ibkrs_own_client_reads_are_the_exchanges(judged: Judged) -> None:
    app = recorder()
    await asyncio.to_thread(app.connect, "127.0.0.1", judged.port, 1)
    reading = threading.Thread(target=app.run, daemon=True)
    reading.start()
    try:
        await until(app, "nextValidId")
        for part in (history, streams, books, scanners_and_news, options_and_windows):
            await part(app, judged)
    finally:
        await asyncio.to_thread(app.disconnect)
        await asyncio.to_thread(reading.join, PATIENCE)
    assert [arguments for arguments in app.heard["error"] if arguments[1] not in EXPECTED] == []


async def history(app: Any, judged: Judged) -> None:
    exchange = judged.simulator.exchange
    exchange.quote(judged.conid)
    judged.simulator.clock.advance(timedelta(minutes=3))
    app.reqHistoricalData(1, contract(), "", "180 S", "1 min", "TRADES", 0, 2, False, [])
    await until(app, "historicalDataEnd")
    told = [arguments[1] for arguments in app.heard["historicalData"]]
    starts = [datetime.fromtimestamp(int(bar.date), UTC) for bar in told]
    known = exchange.record(judged.conid).bars(Source.TRADES, [(at, at + timedelta(minutes=1)) for at in starts])
    assert [(exact(bar.open), exact(bar.high), exact(bar.low), exact(bar.close)) for bar in told] == [
        (bar.open, bar.high, bar.low, bar.close) for bar in known
    ]
    assert [(exact(bar.volume), bar.barCount) for bar in told] == [(bar.volume, bar.count) for bar in known]
    app.reqHeadTimeStamp(2, contract(), "TRADES", 1, 2)
    assert (await until(app, "headTimestamp"))[0] == (2, "1104762600")
    app.reqHistogramData(3, contract(), True, "1 day")
    assert (await until(app, "histogramData"))[0][1]
    now = f"{judged.simulator.clock.now():%Y%m%d-%H:%M:%S}"
    for request_id, what in ((4, "TRADES"), (5, "BID_ASK"), (6, "MIDPOINT")):
        app.reqHistoricalTicks(request_id, contract(), "", now, 10, what, 0, False, [])
    quote = exchange.quote(judged.conid)
    assert exact((await until(app, "historicalTicksLast"))[0][1][-1].price) == quote.last
    spread = (await until(app, "historicalTicksBidAsk"))[0][1][-1]
    assert (exact(spread.priceBid), exact(spread.priceAsk)) == (quote.bid, quote.ask)
    assert exact((await until(app, "historicalTicks"))[0][1][-1].price) * 2 == (quote.bid or 0) + (quote.ask or 0)


async def streams(app: Any, judged: Judged) -> None:
    exchange = judged.simulator.exchange
    app.reqMktData(10, contract(), "165,221,233,236,292,293,318,411,595", False, False, [])
    app.reqHistoricalData(11, contract(), "", "60 S", "5 secs", "MIDPOINT", 0, 2, True, [])
    app.reqRealTimeBars(12, contract(), 5, "TRADES", False, [])
    app.reqTickByTickData(13, contract(), "AllLast", 0, False)
    app.reqTickByTickData(14, contract(), "BidAsk", 0, False)
    app.reqTickByTickData(15, contract(), "MidPoint", 0, False)
    await settled(app)
    judged.simulator.clock.advance(timedelta(seconds=20))
    await until(app, "realtimeBar", 4)
    quote = exchange.quote(judged.conid)
    _request, time, opened, high, low, close, volume, _average, count = app.heard["realtimeBar"][-1]
    start = datetime.fromtimestamp(time, UTC)
    (bar,) = exchange.record(judged.conid).bars(Source.TRADES, [(start, start + timedelta(seconds=5))])
    assert [exact(price) for price in (opened, high, low, close)] == [bar.open, bar.high, bar.low, bar.close]
    assert (volume, count) == (bar.volume, bar.count)
    await happened(lambda: latest_trade(app) == [quote.last, quote.volume])
    last = app.heard["historicalDataUpdate"][-1][1]
    assert exact(last.close) * 2 == (quote.bid or 0) + (quote.ask or 0)
    assert exact(app.heard["tickByTickAllLast"][-1][3]) == quote.last
    assert [exact(price) for price in app.heard["tickByTickBidAsk"][-1][2:4]] == [quote.bid, quote.ask]
    assert exact(app.heard["tickByTickMidPoint"][-1][2]) * 2 == (quote.bid or 0) + (quote.ask or 0)
    await happened(lambda: (10, 54, exchange.day_trades(judged.conid)[0]) in app.heard["tickGeneric"])
    prices = {kind: price for _request, kind, price, _attributes in app.heard["tickPrice"]}
    assert exact(prices[37]) == exact(prices[57]) == quote.last
    assert prices[19] <= prices[15] < prices[16] <= prices[20]
    assert app.heard["tickNews"]
    for cancel, request_id in (
        (app.cancelMktData, 10),
        (app.cancelHistoricalData, 11),
        (app.cancelRealTimeBars, 12),
        *((app.cancelTickByTickData, request_id) for request_id in (13, 14, 15)),
    ):
        cancel(request_id)
    await settled(app)


async def books(app: Any, judged: Judged) -> None:
    app.reqMktDepth(20, contract(exchange="NASDAQ"), 5, False, [])
    app.reqMktDepth(21, contract(), 5, True, [])
    await until(app, "updateMktDepth", 10)
    await until(app, "updateMktDepthL2", 10)
    depth = judged.simulator.exchange.depth(judged.conid, 5)
    rows = [arguments[1:] for arguments in app.heard["updateMktDepth"]]
    told = [(exact(price), size) for _place, _operation, side, price, size in rows if side == 1]
    assert told == [(level.price, level.size) for level in depth.bids]
    app.cancelMktDepth(20, False)
    app.cancelMktDepth(21, True)
    app.reqMktDepthExchanges()
    assert {row.exchange for row in (await until(app, "mktDepthExchanges"))[0][0]} >= {"NASDAQ", "IDEALPRO"}
    key = app.heard["tickReqParams"][0][2]
    app.reqSmartComponents(22, key)
    assert {row.exchange for row in (await until(app, "smartComponents"))[0][1]} >= {"NASDAQ", "NYSE"}


async def scanners_and_news(app: Any, judged: Judged) -> None:
    app.reqScannerParameters()
    assert "TOP_PERC_GAIN" in (await until(app, "scannerParameters"))[0][0]
    wanted = import_module("ibapi.scanner").ScannerSubscription()
    wanted.instrument, wanted.locationCode, wanted.scanCode = "STK", "STK.US.MAJOR", "MOST_ACTIVE"
    app.reqScannerSubscription(30, wanted, [], [])
    await until(app, "scannerDataEnd")
    volumes = [judged.simulator.exchange.quote(row[2].contract.conId).volume for row in app.heard["scannerData"]]
    assert volumes == sorted(volumes, reverse=True)
    app.cancelScannerSubscription(30)
    app.reqNewsProviders()
    assert len((await until(app, "newsProviders"))[0][0]) == 3
    app.reqHistoricalNews(31, judged.conid, "BRFG", "", "", 2, [])
    assert (await until(app, "historicalNewsEnd"))[0] == (31, True)
    _request, _time, provider, name, headline = app.heard["historicalNews"][0]
    app.reqNewsArticle(32, provider, name, [])
    assert headline in (await until(app, "newsArticle"))[0][2]


async def options_and_windows(app: Any, judged: Judged) -> None:
    option = contract(secType="OPT", lastTradeDateOrContractMonth="20260619", strike=270.0, right="C")
    app.calculateOptionPrice(40, option, 0.3, 270.0, [])
    priced = (await until(app, "tickOptionComputation"))[0]
    assert (priced[0], priced[1]) == (40, 53)
    app.reqSecDefOptParams(41, "AAPL", "", "STK", judged.conid)
    await until(app, "securityDefinitionOptionParameterEnd")
    app.queryDisplayGroups(42)
    assert (await until(app, "displayGroupList"))[0] == (42, "1|2|3|4|5|6|7")
    app.subscribeToGroupEvents(43, 1)
    app.updateDisplayGroup(43, f"{judged.conid}@SMART")
    assert (await until(app, "displayGroupUpdated", 2))[-1] == (43, f"{judged.conid}@SMART")
    app.reqFamilyCodes()
    assert [row.accountID for row in (await until(app, "familyCodes"))[0][0]] == list(
        judged.simulator.exchange.accounts
    )
    app.reqSoftDollarTiers(44)
    assert (await until(app, "softDollarTiers"))[0] == (44, [])
