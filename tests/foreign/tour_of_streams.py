"""Every call for what happens from now on, each event compared with the exchange's record of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.exchange.prices.record import SpreadTick, TradeTick
from ibkr_sim.exchange.prices.ticks import Source
from tests.foreign.dialects import Told
from tests.foreign.puppet import exact, exactly
from tests.foreign.tour import AAPL, Tour, contract

FIVE = timedelta(seconds=5)
FOREVER = 100_000
"""More ticks than there are."""


async def streams(tour: Tour) -> None:
    await bars(tour)
    await single_ticks(tour)


async def bars(tour: Tour) -> None:
    """Those that are kept up to date, of trades and of quotes, and those of five seconds."""
    app, says = tour.app, tour.says
    kept = {source: tour.number() for source in (Source.TRADES, Source.MIDPOINT)}
    for source, number in kept.items():
        app.reqHistoricalData(number, contract(), "", "60 S", "5 secs", source.value, 0, 2, True, *says.options)
        compare(tour, source, await app.until(lambda number=number: says.bars(app, number), "bars"))  # type: ignore[misc]
    app.reqRealTimeBars(live := tour.number(), contract(), 5, "TRADES", False, [])
    app.reqRealTimeBars(asked := tour.number(), contract(), 5, "ASK", False, [])
    await tour.settled()
    await tour.pass_time(20)
    for source, number in kept.items():
        updates = {told.time: told for told in says.updates(app, number)}
        assert len(updates) >= 4
        compare(tour, source, list(updates.values()))
    for source, number in ((Source.TRADES, live), (Source.ASK, asked)):
        rows = [[row[0], *exactly(row[1:])] for row in app.rows("realtimeBar", number)]
        assert len(rows) == 4
        for (time, *figures), known in zip(rows, recorded(tour, source, [row[0] for row in rows]), strict=True):
            prices = [known.open, known.high, known.low, known.close]
            traded = [known.volume, known.average, known.count] if source is Source.TRADES else [-1, -1, -1]
            assert figures == [*prices, *traded], datetime.fromtimestamp(int(time), UTC)
    for number in kept.values():
        app.cancelHistoricalData(number)
        await tour.refused(number, 162)
    app.cancelRealTimeBars(live)
    app.cancelRealTimeBars(asked)
    await tour.silent(*kept.values(), live, asked)


def recorded(tour: Tour, source: Source, times: list[object]) -> list[Bar]:
    """The bars of five seconds that begin then."""
    starts = [datetime.fromtimestamp(int(str(time)), UTC) for time in times]
    return tour.ask(lambda exchange: exchange.record(AAPL).bars(source, [(at, at + FIVE) for at in starts]))


def compare(tour: Tour, source: Source, told: list[Told]) -> None:
    for bar, known in zip(told, recorded(tour, source, [bar.time for bar in told]), strict=True):
        assert list(bar.prices) == [known.open, known.high, known.low, known.close]
        traded = (known.volume, known.count, known.average) if source is Source.TRADES else (-1, -1, -1)
        assert (bar.volume, bar.trades, bar.average) == traded


async def single_ticks(tour: Tour) -> None:
    """None is missing, none is told twice: quotes begin with the present one."""
    app = tour.app
    kinds = {kind: tour.number() for kind in ("AllLast", "BidAsk", "MidPoint")}
    (begun,) = tour.ask(lambda exchange: spreads(exchange, exchange.now(), 1))[-1:]
    for kind, number in kinds.items():
        app.reqTickByTickData(number, contract(), kind, 0, False)
    await tour.settled()
    since = tour.simulator.now
    await tour.pass_time(15)
    sold_since(tour, kinds["AllLast"], 2, since)
    changes = [begun, *tour.ask(lambda one: spreads(one, since, FOREVER))]
    known = [[tick.bid, tick.ask, tick.bid_size, tick.ask_size] for tick in changes]
    rows = app.rows("tickByTickBidAsk", kinds["BidAsk"])
    assert [exactly(row[1:5]) for row in rows] == known
    assert [int(row[0]) for row in rows[1:]] == [int(tick.time.timestamp()) for tick in changes[1:]]
    middles = [exact(row[1]) for row in app.rows("tickByTickMidPoint", kinds["MidPoint"])]
    assert middles == without_repeats([(tick.bid + tick.ask) / 2 for tick in changes])
    for number in kinds.values():
        app.cancelTickByTickData(number)
    await tour.silent(*kinds.values())
    await with_past(tour)


def sold_since(tour: Tour, number: int, kind: int, since: datetime) -> None:
    """Every trade since then has been told, with the number of its kind."""
    sold = [[int(tick.time.timestamp()), tick.price, tick.size] for tick in tour.ask(lambda one: trades(one, since))]
    assert sold
    rows = tour.app.rows("tickByTickAllLast", number)
    assert {row[0] for row in rows} == {kind}
    assert [[int(row[1]), *exactly(row[2:4])] for row in rows] == sold


def trades(exchange: Exchange, since: datetime) -> list[TradeTick]:
    """After that moment, which has been told of."""
    found = exchange.record(AAPL).trades(since, exchange.now() + FIVE, FOREVER, backwards=False)
    return [tick for tick in found if tick.time > since]


def spreads(exchange: Exchange, since: datetime, most: int) -> list[SpreadTick]:
    """The last one up to that moment if only one is wanted, else those after it."""
    record, now = exchange.record(AAPL), exchange.now()
    if most == 1:
        return record.spreads(since - 12 * FIVE, since + FIVE, 1, backwards=True)
    return [tick for tick in record.spreads(since, now + FIVE, most, backwards=False) if tick.time > since]


def without_repeats(values: list[Decimal]) -> list[Decimal]:
    return [value for place, value in enumerate(values) if place == 0 or values[place - 1] != value]


async def with_past(tour: Tour) -> None:
    """The last ticks before the first are told at once, as of the past."""
    app, since = tour.app, tour.simulator.now
    app.reqTickByTickData(number := tour.number(), contract(), "Last", 10, False)
    ((_id, told, *_done),) = await app.event("historicalTicksLast", number)
    known = tour.ask(
        lambda exchange: exchange.record(AAPL).trades(
            exchange.now() - 60 * FIVE, exchange.now() + FIVE, 10, backwards=True
        )
    )
    assert [exactly([row["price"], row["size"]]) for row in told] == [[tick.price, tick.size] for tick in known]
    await tour.pass_time(6)
    sold_since(tour, number, 1, since)
    app.cancelTickByTickData(number)
    await tour.silent(number)
