"""Every call for the past, each answer compared with the exchange's record and calendar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.history.intervals import DAY, MINUTE, Interval, Stretch, intervals, trading_days
from tests.foreign.dialects import Told
from tests.foreign.puppet import exact, exactly
from tests.foreign.tour import AAPL, Tour, contract

OPENING = "1104762600"
"""The first trades are told to be of 3 January 2005, 14:30 UTC."""


def apple(exchange: Exchange) -> Contract:
    known = exchange.contract(AAPL)
    assert known is not None
    return known


async def past(tour: Tour) -> None:
    await tour.pass_time(180)
    await bars(tour)
    if tour.version >= 165:
        await schedule(tour)
    await figures(tour)
    await ticks(tour)


async def bars(tour: Tour) -> None:
    now = tour.simulator.now
    for source, end, duration, size, seconds, count in (
        (Source.TRADES, "", "180 S", "1 min", 60, 3),
        (Source.BID_ASK, "", "240 S", "30 secs", 30, 8),
        (Source.MIDPOINT, "", "7200 S", "15 mins", 900, 8),
        (Source.ASK, "20260227-17:00:00", "7200 S", "30 mins", 1800, 4),
    ):
        told = await asked(tour, end, duration, size, source.value)
        assert len(told) == count
        starts = [datetime.fromtimestamp(int(bar.time), UTC) for bar in told]
        assert starts[-1] + timedelta(seconds=seconds) >= (datetime(2026, 2, 27, 17, tzinfo=UTC) if end else now)
        compare(tour, source, told, [(at, at + timedelta(seconds=seconds)) for at in starts])
    days = tour.ask(lambda exchange: intervals(apple(exchange), Stretch(DAY, sessions=10), exchange.now()))
    told = await asked(tour, "", "10 D", "1 day", "TRADES", regular=1)
    assert [bar.time for bar in told] == [f"{start:%Y%m%d}" for start, _end in days]
    compare(tour, Source.TRADES, told, days)


async def asked(tour: Tour, end: str, duration: str, size: str, what: str, *, regular: int = 0) -> list[Told]:
    app, number = tour.app, tour.number()
    app.reqHistoricalData(number, contract(), end, duration, size, what, regular, 2, False, *tour.says.options)
    told: list[Told] = await app.until(lambda: tour.says.bars(app, number), f"{size} of {what}")
    return told


def compare(tour: Tour, source: Source, told: list[Told], spans: Sequence[Interval]) -> None:
    known: list[Bar] = tour.ask(lambda exchange: exchange.record(AAPL).bars(source, spans))
    for bar, fact in zip(told, known, strict=True):
        assert list(bar.prices) == [fact.open, fact.high, fact.low, fact.close]
        traded = (fact.volume, fact.count, fact.average) if source is Source.TRADES else (-1, -1, -1)
        assert (bar.volume, bar.trades, bar.average) == traded


async def schedule(tour: Tour) -> None:
    app, number = tour.app, tour.number()
    app.reqHistoricalData(number, contract(), "", "5 D", "1 day", "SCHEDULE", 1, 1, False, *tour.says.options)
    _id, start, end, zone, rows = (await app.event("historicalSchedule", number))[0]
    known = tour.ask(apple)
    assert zone == known.time_zone
    days = trading_days(known, tour.simulator.now, forward=False, outside_rth=False)
    wanted = [day for day, _count in zip(days, range(5), strict=False)][::-1]
    local = ZoneInfo(known.time_zone)
    assert [(row["refDate"], row["startDateTime"], row["endDateTime"]) for row in rows] == [
        (
            f"{day.date:%Y%m%d}",
            f"{day.liquid_from.astimezone(local):%Y%m%d-%H:%M:%S}",
            f"{day.liquid_to.astimezone(local):%Y%m%d-%H:%M:%S}",
        )
        for day in wanted
    ]
    assert (start, end) == (rows[0]["startDateTime"], rows[-1]["endDateTime"])


async def figures(tour: Tour) -> None:
    """Where the data begin, and how much was traded at which price."""
    app, says = tour.app, tour.says
    getattr(app, says.head_timestamp)(number := tour.number(), contract(), "TRADES", 1, 2)
    assert (await app.event("headTimestamp", number))[0][1] == OPENING
    getattr(app, says.head_timestamp.replace("req", "cancel"))(number)
    app.reqHistogramData(number := tour.number(), contract(), True, *says.period(1))
    ((_id, rows),) = await app.event("histogramData", number)

    def traded(exchange: Exchange) -> list[tuple[Decimal, Decimal]]:
        minutes = intervals(apple(exchange), Stretch(MINUTE, sessions=1), exchange.now())
        sizes: dict[Decimal, Decimal] = {}
        for bar in exchange.record(AAPL).bars(Source.TRADES, minutes):
            sizes[bar.close] = sizes.get(bar.close, Decimal(0)) + bar.volume
        return sorted(sizes.items())

    told = [(exact(row["price"]), exact(row["size"] if "size" in row else row["count"])) for row in rows]
    assert sorted(told) == tour.ask(traded)
    app.cancelHistogramData(number)


async def ticks(tour: Tour) -> None:
    """The last ones, and the first ones from a moment on."""
    now = tour.simulator.now
    since = (now - timedelta(seconds=90)).replace(microsecond=0)
    for start, end, backwards in (("", f"{now:%Y%m%d-%H:%M:%S}", True), (f"{since:%Y%m%d-%H:%M:%S}", "", False)):
        first, last = (now - timedelta(seconds=600), now + timedelta(seconds=1)) if backwards else (since, now)
        sold, quoted = tour.ask(
            lambda exchange, first=first, last=last, backwards=backwards: (  # type: ignore[misc]
                exchange.record(AAPL).trades(first, last, 10, backwards=backwards),
                exchange.record(AAPL).spreads(first, last, 10, backwards=backwards),
            )
        )
        told = await past_ticks(tour, start, end, "TRADES", "historicalTicksLast", "price", "size")
        assert told == [[seconds(tick.time), tick.price, tick.size] for tick in sold]
        columns = ("priceBid", "priceAsk", "sizeBid", "sizeAsk")
        told = await past_ticks(tour, start, end, "BID_ASK", "historicalTicksBidAsk", *columns)
        assert told == [[seconds(tick.time), tick.bid, tick.ask, tick.bid_size, tick.ask_size] for tick in quoted]
        told = await past_ticks(tour, start, end, "MIDPOINT", "historicalTicks", "price")
        assert told == [[seconds(tick.time), (tick.bid + tick.ask) / 2] for tick in quoted]


async def past_ticks(tour: Tour, start: str, end: str, what: str, event: str, *columns: str) -> list[list[Any]]:
    number = tour.number()
    tour.app.reqHistoricalTicks(number, contract(), start, end, 10, what, 0, False, *tour.says.options)
    ((_id, rows, done),) = await tour.app.event(event, number)
    assert done
    return [[tour.says.second(row["time"]), *exactly([row[column] for column in columns])] for row in rows]


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())
