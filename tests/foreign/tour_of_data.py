"""Every call for data that a client has, each answer compared with what the exchange knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ibkr_sim.exchange.prices.ticks import Source
from tests.foreign.puppet import Puppet, exact, exactly, made
from tests.foreign.tour import AAPL, Tour, contract

MINUTE = timedelta(minutes=1)


async def contracts(tour: Tour) -> None:
    app, known = tour.app, tour.ask(lambda exchange: exchange.contract(AAPL))
    assert known is not None
    app.reqContractDetails(number := tour.number(), contract())
    await app.event("contractDetailsEnd", number)
    (told,) = [row[1] for row in app.heard["contractDetails"] if row[0] == number]
    assert (told["contract"]["conId"], told["longName"]) == (AAPL, known.long_name)
    assert exact(told["minTick"]) == Decimal("0.01")
    app.reqMatchingSymbols(number := tour.number(), "AAPL")
    rows = (await app.event(tour.says.symbols, number))[0][1]
    assert AAPL in {row["contract"]["conId"] for row in rows}
    app.reqMarketRule(26)
    assert exact((await app.event("marketRule", 26))[0][1][0]["increment"]) == Decimal("0.01")
    app.reqFamilyCodes()
    assert [row["accountID"] for row in (await app.event("familyCodes"))[0][0]] == list(tour.simulator.accounts)
    app.reqSoftDollarTiers(number := tour.number())
    assert (await app.event("softDollarTiers", number))[0][1] == []
    app.reqMktDepthExchanges()
    assert {row["exchange"] for row in (await app.event("mktDepthExchanges"))[0][0]} >= {"NASDAQ", "IDEALPRO"}
    bonds = tour.ask(lambda exchange: exchange.find_contracts(sec_type="BOND"))
    app.reqContractDetails(number := tour.number(), made("Contract", conId=bonds[0].conid, exchange="SMART"))
    await app.event("contractDetailsEnd", number)
    assert app.heard["bondContractDetails"][0][1]["contract"]["conId"] == bonds[0].conid


async def quotes(tour: Tour) -> None:
    app = tour.app
    quote = tour.ask(lambda exchange: exchange.quote(AAPL))
    app.reqMktData(
        live := tour.number(), contract(), "165,221,233,236,292,293,318,411,595", False, False, *tour.says.options
    )
    await app.event("marketDataType", live, 1)
    await app.event("tickPrice", live, 4)
    prices = {row[1]: exact(row[2]) for row in app.heard["tickPrice"] if row[0] == live}
    assert (prices[1], prices[2], prices[4]) == (quote.bid, quote.ask, quote.last)
    await app.event("tickGeneric", live, 54)
    (parameters,) = await app.event("tickReqParams", live)
    app.reqSmartComponents(number := tour.number(), parameters[2])
    assert (await app.event("smartComponents", number))[0][1]
    tour.simulator.advance(60)
    after = tour.ask(lambda exchange: exchange.quote(AAPL))
    await app.until(lambda: [exact(row[2]) for row in app.heard["tickPrice"] if row[:2] == [live, 2]][-1] == after.ask)
    await app.event("tickNews", live)
    await app.event("tickString", live, 48)
    app.cancelMktData(live)
    app.reqMktData(once := tour.number(), contract(), "", True, False, *tour.says.options)
    await app.event("tickSnapshotEnd", once)
    asks = {exact(row[2]) for row in app.heard["tickPrice"] if row[:2] == [once, 2]}
    assert asks == {after.ask}
    await depth(tour)


async def depth(tour: Tour) -> None:
    app = tour.app
    app.reqMktDepth(plain := tour.number(), contract(exchange="NASDAQ"), 5, False, [])
    app.reqMktDepth(smart := tour.number(), contract(), 5, True, [])
    rows = await app.event("updateMktDepth", plain, count=10)
    book = tour.ask(lambda exchange: exchange.depth(AAPL, 5))
    told = [(exact(price), exact(size)) for _id, _place, _operation, side, price, size in rows if side == 1]
    assert told == [(level.price, level.size) for level in book.bids]
    await app.event("updateMktDepthL2", smart, count=10)
    app.cancelMktDepth(plain, False)
    app.cancelMktDepth(smart, True)


async def streams(tour: Tour) -> None:
    app, says = tour.app, tour.says
    app.reqHistoricalData(
        kept := tour.number(), contract(), "", "60 S", "5 secs", "MIDPOINT", 0, 2, True, *says.options
    )
    app.reqRealTimeBars(live := tour.number(), contract(), 5, "TRADES", False, [])
    kinds = {kind: tour.number() for kind in ("AllLast", "BidAsk", "MidPoint")}
    for kind, number in kinds.items():
        app.reqTickByTickData(number, contract(), kind, 0, False)
    await tour.settled()
    tour.simulator.advance(20)
    rows = await app.event("realtimeBar", live, count=4)
    start = datetime.fromtimestamp(rows[-1][1], UTC)
    (bar,) = tour.ask(
        lambda exchange: exchange.record(AAPL).bars(Source.TRADES, [(start, start + timedelta(seconds=5))])
    )
    assert exactly(rows[-1][2:7]) == [bar.open, bar.high, bar.low, bar.close, bar.volume]
    quote = tour.ask(lambda exchange: exchange.quote(AAPL))
    assert quote.bid is not None
    assert quote.ask is not None
    middle = (quote.bid + quote.ask) / 2
    await app.until(lambda: (update := says.update(app, kept)) and update.prices[3] == middle, "the last middle price")
    await app.until(lambda: last(app, "tickByTickAllLast", 3, 4) == [quote.last], "the last trade")
    await app.until(lambda: last(app, "tickByTickBidAsk", 2, 4) == [quote.bid, quote.ask], "the last bid and ask")
    await app.until(lambda: last(app, "tickByTickMidPoint", 2, 3) == [middle], "the last middle of both")
    app.cancelHistoricalData(kept)
    app.cancelRealTimeBars(live)
    for number in kinds.values():
        app.cancelTickByTickData(number)
    await tour.settled()


def last(app: Puppet, event: str, start: int, stop: int) -> list[Decimal]:
    """Arguments of the latest event of that name."""
    return exactly(app.heard[event][-1][start:stop]) if app.heard[event] else []


async def past(tour: Tour) -> None:
    app, says = tour.app, tour.says
    tour.simulator.advance(180)
    app.reqHistoricalData(
        number := tour.number(), contract(), "", "180 S", "1 min", "TRADES", 0, 2, False, *says.options
    )
    told = await app.until(lambda: says.bars(app, number), "bars")
    spans = [(at, at + MINUTE) for at in (datetime.fromtimestamp(int(bar.time), UTC) for bar in told)]
    known = tour.ask(lambda exchange: exchange.record(AAPL).bars(Source.TRADES, spans))
    assert [bar[1:] for bar in told] == [
        ([bar.open, bar.high, bar.low, bar.close], bar.volume, bar.count) for bar in known
    ]
    if tour.version >= 165:
        app.reqHistoricalData(
            number := tour.number(), contract(), "", "5 D", "1 day", "SCHEDULE", 1, 1, False, *says.options
        )
        assert "US/Eastern" in (await app.event("historicalSchedule", number))[0]
    getattr(app, says.head_timestamp)(number := tour.number(), contract(), "TRADES", 1, 2)
    assert (await app.event("headTimestamp", number))[0][1] == "1104762600"
    getattr(app, says.head_timestamp.replace("req", "cancel"))(number)
    app.reqHistogramData(number := tour.number(), contract(), True, *says.period(1))
    assert (await app.event("histogramData", number))[0][1]
    app.cancelHistogramData(number)
    await ticks(tour)


async def ticks(tour: Tour) -> None:
    app, quote = tour.app, tour.ask(lambda exchange: exchange.quote(AAPL))
    now = f"{tour.simulator.now:%Y%m%d-%H:%M:%S}"
    answers = {"TRADES": "historicalTicksLast", "BID_ASK": "historicalTicksBidAsk", "MIDPOINT": "historicalTicks"}
    latest: dict[str, Any] = {}
    for what, event in answers.items():
        number = tour.number()
        app.reqHistoricalTicks(number, contract(), "", now, 10, what, 0, False, *tour.says.options)
        latest[what] = (await app.event(event, number))[0][1][-1]
    assert exact(latest["TRADES"]["price"]) == quote.last
    assert exactly([latest["BID_ASK"]["priceBid"], latest["BID_ASK"]["priceAsk"]]) == [quote.bid, quote.ask]
    assert exact(latest["MIDPOINT"]["price"]) * 2 == (quote.bid or 0) + (quote.ask or 0)


async def research(tour: Tour) -> None:
    app = tour.app
    app.reqScannerParameters()
    assert "TOP_PERC_GAIN" in (await app.event("scannerParameters"))[0][0]
    wanted = made("ScannerSubscription", instrument="STK", locationCode="STK.US.MAJOR", scanCode=tour.says.most_active)
    app.reqScannerSubscription(number := tour.number(), wanted, [], [])
    await app.event("scannerDataEnd", number)
    conids = [row[2]["contract"]["conId"] for row in app.heard["scannerData"] if row[0] == number]
    volumes = [tour.ask(lambda exchange, conid=conid: exchange.quote(conid).volume) for conid in conids]  # type: ignore[misc]
    assert volumes == sorted(volumes, reverse=True)
    app.cancelScannerSubscription(number)
    app.reqNewsProviders()
    assert len((await app.event("newsProviders"))[0][0]) == 3
    app.reqHistoricalNews(number := tour.number(), AAPL, "BRFG", "", "", 2, [])
    await app.event("historicalNewsEnd", number)
    _id, _time, provider, article, headline = app.heard["historicalNews"][0]
    app.reqNewsArticle(number := tour.number(), provider, article, [])
    assert headline in (await app.event("newsArticle", number))[0][2]


async def options(tour: Tour) -> None:
    app, says = tour.app, tour.says
    app.reqSecDefOptParams(number := tour.number(), "AAPL", "", "STK", AAPL)
    await app.event("securityDefinitionOptionParameterEnd", number)
    aapl = tour.ask(lambda exchange: exchange.contract(AAPL))
    assert aapl is not None
    listings = tour.ask(lambda exchange: exchange.chains(aapl))
    rows = await app.event("securityDefinitionOptionParameter", number)
    assert {row[2] for row in rows} <= {AAPL, str(AAPL)}
    assert {row[3] for row in rows} == {listing.trading_class for listing in listings}
    described = {"secType": "OPT", "lastTradeDateOrContractMonth": "20260619", "strike": 270.0, "right": "C"}
    option = contract(**described)
    app.calculateOptionPrice(number := tour.number(), option, 0.3, 270.0, *says.options)
    (priced,) = await app.event("tickOptionComputation", number)
    price = priced[5]
    assert exact(price) > 0
    app.cancelCalculateOptionPrice(number)
    app.calculateImpliedVolatility(number := tour.number(), option, float(price), 270.0, *says.options)
    (implied,) = await app.event("tickOptionComputation", number)
    assert abs(exact(implied[3]) - Decimal("0.3")) < Decimal("0.001")
    app.cancelCalculateImpliedVolatility(number)
    held = contract(**described | {"exchange": "SMART", "multiplier": "100"})
    number = tour.number()
    app.exerciseOptions(number, held, 1, 1, tour.simulator.account, 0, *says.exercise())
    await app.until(lambda: any(one == number for one, _code in says.refusals(app)), "a refusal of the exercise")
