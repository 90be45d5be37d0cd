"""Every call for present quotes and books, each answer compared with the exchange at that instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.listing.derivatives.values import described
from ibkr_sim.exchange.model import Contract, Quote
from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.exchange.prices.record import TradeTick
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.exchange.trading.depth import Level
from ibkr_sim.history.intervals import DAY, Stretch, intervals
from ibkr_sim.history.volatility import realised
from ibkr_sim.pricing.black_scholes import worth
from ibkr_sim.reference.news import articles, headline
from ibkr_sim.reference.open_interest import on_underlying
from ibkr_sim.reference.option_volatility import expected
from ibkr_sim.reference.venues import component_key, components, spread_out
from tests.foreign.puppet import exact
from tests.foreign.tour import AAPL, MSFT, Tour, contract

STANDING = "101,104,165"
GENERIC = "106,221,232,233,236,292,293,294,295,318,375,411,595,619"
ROUTED = {"exchange": "NASDAQ"}
MODEL, BID, ASK = 13, 10, 11
"""What a price of an option is computed from."""
MINUTE = timedelta(minutes=1)
MINUTES_A_YEAR = 252 * 390
ASKS, BIDS = 0, 1
INSERT, UPDATE, DELETE = 0, 1, 2


async def witness(tour: Tour) -> None:
    """A line of quotes that stays open from here on."""
    tour.witness = tour.number()
    tour.app.reqMktData(tour.witness, contract(), "", False, False, *tour.says.options)
    await tour.app.event("tickPrice", tour.witness, 4)


async def quotes(tour: Tour) -> None:
    app = tour.app
    app.reqMarketDataType(1)
    app.reqMktData(live := tour.number(), contract(), GENERIC, False, False, *tour.says.options)
    await app.event("marketDataType", live, 1)
    await becomes(tour, live, tour.ask(told_of))
    await parameters(tour, live)
    await tour.pass_time(60)
    await becomes(tour, live, tour.ask(told_of))
    await becomes(tour, live, tour.ask(moving))
    trades(tour, live)
    await news(tour, live)
    app.cancelMktData(live)
    await tour.silent(live)
    await extremes(tour)
    app.reqMktData(once := tour.number(), contract(), "", True, False, *tour.says.options)
    await app.event("tickSnapshotEnd", once)
    await becomes(tour, once, tour.ask(told_of))
    await tour.silent(once)
    await depth(tour)
    await option(tour)


async def becomes(tour: Tour, request_id: int, known: Mapping[int, object]) -> None:
    """The latest ticks of these kinds are those that are known."""
    ticks = tour.app.ticks[request_id]
    told = {kind: value for kind, value in known.items() if kind not in tour.says.swallows}
    await tour.app.becomes(lambda: {kind: ticks.get(kind) for kind in told}, told)


def told_of(exchange: Exchange) -> dict[int, object]:
    """What the ticks of a quote have to say."""
    quote = exchange.quote(AAPL)
    named = {1: quote.bid, 2: quote.ask, 4: quote.last, 6: quote.high, 7: quote.low, 9: quote.close, 14: quote.open}
    sizes = {0: quote.bid_size, 3: quote.ask_size, 5: quote.last_size, 8: quote.volume}
    halted = {49: Decimal(exchange.is_halted(AAPL))}
    prices = {kind: float(value) for kind, value in (named | sizes | halted).items() if value is not None}
    return {**prices, 45: str(int(quote.time.timestamp()))}


async def extremes(tour: Tour) -> None:
    """Of a stock whose lowest prices of 13, 26 and 52 weeks differ."""
    known = tour.ask(standing)
    assert known[15] > known[17] > known[19]
    tour.app.reqMktData(live := tour.number(), contract(symbol="MSFT"), STANDING, False, False, *tour.says.options)
    await becomes(tour, live, known)
    tour.app.cancelMktData(live)
    tour.year = known[19], known[20]


async def parameters(tour: Tour, live: int) -> None:
    known = tour.ask(lambda exchange: exchange.contract(AAPL))
    assert known is not None
    ((step, key, _permissions),) = tour.app.rows("tickReqParams", live)
    if tour.says.reads_steps:
        assert exact(step) == known.min_tick
    assert key == component_key(known)
    tour.app.reqSmartComponents(number := tour.number(), key)
    ((_id, told),) = await tour.app.event("smartComponents", number)
    assert sorted(tour.says.components(told)) == sorted(components(key) or ())


def standing(exchange: Exchange, conid: int = MSFT) -> dict[int, float]:
    """Generic ticks that are told once, by kind, from the record of the days and the catalogue."""
    known, record = exchange.contract(conid), exchange.record(conid)
    assert known is not None
    days = record.bars(Source.TRADES, intervals(known, Stretch(DAY, sessions=252), exchange.now()))
    calls, puts = on_underlying(exchange, known) or (Decimal(-1), Decimal(-1))
    told = {
        **{low: min(bar.low for bar in days[-weeks * 5 :]) for weeks, low in ((13, 15), (26, 17), (52, 19))},
        **{high: max(bar.high for bar in days[-weeks * 5 :]) for weeks, high in ((13, 16), (26, 18), (52, 20))},
        21: Decimal(round(volume(days[-63:]) / 63)),
        23: realised([bar.close for bar in days[-31:]]) or Decimal(-1),
        27: calls,
        28: puts,
    }
    return {kind: float(value) for kind, value in told.items()}


def moving(exchange: Exchange) -> dict[int, float]:
    """Generic ticks that change, by kind, from the record of the last minutes and the quote."""
    known, record, quote = exchange.contract(AAPL), exchange.record(AAPL), exchange.quote(AAPL)
    assert known is not None
    assert quote.last is not None
    shares, (count, _turnover) = exchange.shortable(AAPL), exchange.day_trades(AAPL)
    end = exchange.now().replace(microsecond=0) + timedelta(seconds=1)
    lately = record.bars(Source.TRADES, [(end - MINUTE * back, end - MINUTE * (back - 1)) for back in range(30, 0, -1)])
    told = {
        24: expected(exchange, known) or Decimal(-1),
        **dict.fromkeys((37, 57, 79), quote.last),
        46: Decimal(3),
        89: Decimal(10_000_000) if shares is None else shares,
        54: Decimal(count),
        55: Decimal(lately[-1].count),
        56: lately[-1].volume,
        58: realised([bar.close for bar in lately], MINUTES_A_YEAR) or Decimal(-1),
        **{kind: volume(lately[-minutes:]) for minutes, kind in ((3, 63), (5, 64), (10, 65))},
    }
    return {kind: float(value) for kind, value in told.items()}


def volume(bars: Sequence[Bar]) -> Decimal:
    return sum((bar.volume for bar in bars), Decimal(0))


def trades(tour: Tour, live: int) -> None:
    """Price, size, time, the day's volume and its average price, of the last trade."""

    def facts(exchange: Exchange) -> tuple[TradeTick, Quote, Decimal]:
        now, (_count, turnover) = exchange.now(), exchange.day_trades(AAPL)
        (*_before, last) = exchange.record(AAPL).trades(now - MINUTE, now + MINUTE, 1, backwards=True)
        return last, exchange.quote(AAPL), turnover

    last, quote, turnover = tour.ask(facts)
    for kind in (48, 77):
        price, size, time, total, average, single = tour.app.ticks[live][kind].split(";")
        assert [Decimal(price), Decimal(size), Decimal(total)] == [last.price, last.size, quote.volume]
        assert (int(time), single) == (int(last.time.timestamp() * 1000), "true")
        assert Decimal(average) == pytest.approx(turnover / quote.volume, abs=Decimal("0.00000001"))


async def news(tour: Tour, live: int) -> None:
    def latest(exchange: Exchange) -> list[object]:
        known = exchange.contract(AAPL)
        assert known is not None
        row = next(articles(known, ("BRFG", "BRFUPDN", "DJNL"), exchange.now()))
        return [int(row.time.timestamp() * 1000), row.provider, row.id, headline(exchange, row)]

    await tour.app.becomes(lambda: [row[:4] for row in tour.app.rows("tickNews", live)][-1:], [tour.ask(latest)])


async def depth(tour: Tour) -> None:
    app = tour.app
    app.reqMktDepth(plain := tour.number(), contract(**ROUTED), 5, False, [])
    app.reqMktDepth(smart := tour.number(), contract(), 5, True, [])

    def whole(exchange: Exchange) -> dict[int, list[tuple[str, float, float]]]:
        found = exchange.depth(AAPL, 5)
        return {ASKS: shown(found.asks), BIDS: shown(found.bids)}

    def parted(exchange: Exchange) -> dict[int, list[tuple[str, float, float]]]:
        found, known = exchange.depth(AAPL, 5), exchange.contract(AAPL)
        assert known is not None
        return {ASKS: shown(spread_out(known, found.asks, 5)), BIDS: shown(spread_out(known, found.bids, 5))}

    for _time in range(3):
        await app.becomes(lambda: book(app.rows("updateMktDepth", plain), named=False), tour.ask(whole))
        await app.becomes(lambda: book(app.rows("updateMktDepthL2", smart), named=True), tour.ask(parted))
        await tour.pass_time(3)
    app.cancelMktDepth(plain, False)
    app.cancelMktDepth(smart, True)
    await tour.silent(plain, smart)


def shown(levels: Sequence[Level]) -> list[tuple[str, float, float]]:
    return [(level.exchange, float(level.price), float(level.size)) for level in levels]


def book(rows: list[list[Any]], *, named: bool) -> dict[int, list[tuple[str, float, float]]]:
    """What the rows, carried out one by one, make of either side."""
    sides: dict[int, list[tuple[str, float, float]]] = {ASKS: [], BIDS: []}
    for place, *row in rows:
        maker, operation, side, price, size = row[:5] if named else ("", *row[:4])
        level = (maker, float(price), float(size))
        if operation == INSERT:
            sides[side].insert(place, level)
        elif operation == UPDATE:
            sides[side][place] = level
        else:
            del sides[side][place]
    return sides


async def option(tour: Tour) -> None:
    """Its prices are the exchange's, and what is computed from each agrees with it."""
    app, listed = tour.app, {"lastTradeDateOrContractMonth": "20260320", "strike": 270.0, "right": "C"}
    app.reqMktData(live := tour.number(), contract(secType="OPT", **listed), "", False, False, *tour.says.options)
    rows = await app.event("tickOptionComputation", live, MODEL)

    def facts(exchange: Exchange) -> tuple[Contract, Quote, Quote, datetime]:
        known = next(row for row in exchange.find_contracts(symbol="AAPL", sec_type="OPT") if is_listed(row))
        return known, exchange.quote(known.conid), exchange.quote(AAPL), exchange.now()

    known, quote, under, now = tour.ask(facts)
    ticks = app.ticks[live]
    assert [ticks[1], ticks[2]] == [float(quote.bid or 0), float(quote.ask or 0)]
    told = {row[1]: [float(value) for value in row[3:]] for row in app.heard["tickOptionComputation"] if row[0] == live}
    middle = float((under.bid or 0) + (under.ask or 0)) / 2
    for kind, price in ((BID, ticks[1]), (ASK, ticks[2]), (MODEL, (ticks[1] + ticks[2]) / 2)):
        volatility, delta, told_price, _dividend, gamma, vega, theta, told_under = told[kind]
        found = worth(described(known, now), told_under, volatility)
        assert told_price == pytest.approx(price, abs=0.006)
        assert found.price == pytest.approx(told_price, abs=0.01)
        assert [delta, gamma, vega, theta] == pytest.approx(
            [found.delta, found.gamma, found.vega, found.theta], abs=0.001
        )
        assert told_under == pytest.approx(middle, abs=0.011)
    assert rows
    app.cancelMktData(live)
    await tour.silent(live)


def is_listed(row: Contract) -> bool:
    return row.expiry is not None and (f"{row.expiry:%Y%m%d}", row.strike, row.right) == ("20260320", 270, "C")
