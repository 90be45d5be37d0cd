"""Every call for scanners, news and options, each answer compared with what the exchange knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time
from itertools import islice
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.model import Quote
from ibkr_sim.pricing.black_scholes import Option, Worth, worth
from ibkr_sim.reference.news import PROVIDERS, Article, articles, headline, text
from ibkr_sim.reference.scanning import FILTERS, LOCATIONS, TYPES
from tests.foreign.puppet import exact, exactly, made
from tests.foreign.tour import AAPL, Tour, contract
from tests.foreign.tour_of_past import apple

MAJOR = ("NASDAQ", "NYSE", "ARCA")
EXPIRES = datetime.combine(datetime(2026, 6, 19, tzinfo=UTC), time(16), ZoneInfo("America/New_York"))
YEAR = 365 * 86_400
CALL = {"secType": "OPT", "lastTradeDateOrContractMonth": "20260619", "strike": 270.0, "right": "C"}


async def research(tour: Tour) -> None:
    await scanners(tour)
    await news(tour)
    await chains(tour)
    await calculations(tour)


async def scanners(tour: Tour) -> None:
    app = tour.app
    app.reqScannerParameters()
    xml = ElementTree.fromstring((await app.event("scannerParameters"))[0][0])
    assert {row.text for row in xml.iter("scanCode")} == {row.code for row in TYPES}
    assert {row.text for row in xml.iter("locationCode")} >= set(LOCATIONS)
    assert {row.text for row in xml.iter("code")} >= {row.code for row in FILTERS}
    most = {"instrument": "STK", "locationCode": "STK.US.MAJOR"}
    active = made("ScannerSubscription", scanCode=tour.says.most_active, **most)
    number = await scanned(tour, active, [], tour.ask(lambda exchange: ranked(exchange, lambda quote: quote.volume)))
    gaining = made("ScannerSubscription", scanCode=tour.says.top_gainers, numberOfRows=5, **most)
    dear = [made("TagValue", tag="priceAbove", value="300")]
    second = await scanned(tour, gaining, dear, tour.ask(lambda exchange: ranked(exchange, gain, dearer))[:5])
    app.cancelScannerSubscription(second)
    await tour.refused(second, 162)
    before = len(app.rows("scannerData", second))
    await again(tour, number)
    assert len(app.rows("scannerData", second)) == before
    app.cancelScannerSubscription(number)
    await tour.refused(number, 162)


async def again(tour: Tour, number: int) -> None:
    """What stays open tells the new order once that has changed."""
    told = len(tour.app.rows("scannerData", number))
    for _look in range(20):
        await tour.pass_time(30)
        rows = tour.app.rows("scannerData", number)
        if len(rows) > told:
            known = tour.ask(lambda exchange: ranked(exchange, lambda quote: quote.volume))
            assert [row[1]["contract"]["conId"] for row in rows[told:]][-len(known) :] == known
            return
    raise AssertionError("ten minutes have changed no rank")


def ranked(
    exchange: Exchange, figure: Callable[[Quote], object], passes: Callable[[Quote], bool] = lambda _quote: True
) -> list[int]:
    """Stocks of America's exchanges, the one with the greatest figure first."""
    stocks = [row for row in exchange.find_contracts(sec_type="STK") if row.primary_exchange in MAJOR]
    quotes = [quote for quote in (exchange.glance(row.conid) for row in stocks) if passes(quote)]
    return [quote.conid for quote in sorted(quotes, key=figure, reverse=True)][:50]  # type: ignore[arg-type]


def gain(quote: Quote) -> object:
    assert quote.last is not None
    assert quote.close is not None
    return (quote.last - quote.close) / quote.close


def dearer(quote: Quote) -> bool:
    return quote.last is not None and quote.last >= 300


async def scanned(tour: Tour, wanted: object, filters: Sequence[object], known: list[int]) -> int:
    tour.app.reqScannerSubscription(number := tour.number(), wanted, [], filters)
    await tour.app.event("scannerDataEnd", number)
    rows = tour.app.rows("scannerData", number)
    assert [row[0] for row in rows] == list(range(len(rows)))
    assert [row[1]["contract"]["conId"] for row in rows] == known
    return number


async def news(tour: Tour) -> None:
    app = tour.app
    app.reqNewsProviders()
    assert tour.says.providers((await app.event("newsProviders"))[0][0]) == dict(PROVIDERS)
    latest = tour.ask(lambda exchange: written(exchange, exchange.now(), 5))
    assert {row.provider for row, _line, _text in latest} == {"BRFG", "DJNL"}
    await told(tour, "", "", 5, latest, more=True)
    evening = datetime(2026, 2, 26, 22, tzinfo=UTC)
    day = tour.ask(lambda exchange: written(exchange, evening, 2))
    await told(tour, "2026-02-26 00:00:00.0", f"{evening:%Y-%m-%d %H:%M:%S}.0", 10, day, more=False)
    for row, _line, body in latest[:2]:
        app.reqNewsArticle(number := tour.number(), row.provider, row.id, [])
        assert (await app.event("newsArticle", number))[0][1:] == [0, body]


def written(exchange: Exchange, before: datetime, most: int) -> list[tuple[Article, str, str]]:
    """Articles with their headlines and bodies, the latest first."""
    rows = islice(articles(apple(exchange), ("BRFG", "DJNL"), before), most)
    return [(row, headline(exchange, row), text(exchange, row)) for row in rows]


async def told(
    tour: Tour, start: str, end: str, most: int, known: list[tuple[Article, str, str]], *, more: bool
) -> None:
    tour.app.reqHistoricalNews(number := tour.number(), AAPL, "BRFG+DJNL", start, end, most, [])
    assert (await tour.app.event("historicalNewsEnd", number))[0][1] is more
    assert tour.app.rows("historicalNews", number) == [
        [f"{row.time:%Y-%m-%d %H:%M:%S}.0", row.provider, row.id, line] for row, line, _text in known
    ]


async def chains(tour: Tour) -> None:
    """Every class at every exchange, with all its expiries and strikes."""
    app = tour.app
    app.reqSecDefOptParams(number := tour.number(), "AAPL", "", "STK", AAPL)
    await app.event("securityDefinitionOptionParameterEnd", number)
    listings = tour.ask(lambda exchange: exchange.chains(apple(exchange)))
    known = {
        (exchange, row.trading_class): (
            exact(row.multiplier),
            {f"{day:%Y%m%d}" for day in row.expiries},
            {float(strike) for strike in row.strikes},
        )
        for row in listings
        for exchange in row.exchanges
    }
    rows = app.rows("securityDefinitionOptionParameter", number)
    assert {str(row[1]) for row in rows} == {str(AAPL)}
    assert known == {
        (exchange, name): (exact(multiplier), set(days), set(map(float, strikes)))
        for exchange, _underlying, name, multiplier, days, strikes in rows
    }


async def calculations(tour: Tour) -> None:
    app, says = tour.app, tour.says
    years = (EXPIRES - tour.simulator.now).total_seconds() / YEAR
    found = worth(Option(call=True, strike=270.0, years=years), 265.0, 0.3)
    app.calculateOptionPrice(number := tour.number(), contract(**CALL), 0.3, 265.0, *says.options)
    (priced,) = await app.event("tickOptionComputation", number)
    agree(priced, found, 0.3)
    app.cancelCalculateOptionPrice(number)
    price = float(exactly(priced[5:6])[0])
    app.calculateImpliedVolatility(number := tour.number(), contract(**CALL), price, 265.0, *says.options)
    (implied,) = await app.event("tickOptionComputation", number)
    agree(implied, found, 0.3)
    app.cancelCalculateImpliedVolatility(number)
    await tour.settled()


def agree(row: list[object], found: Worth, volatility: float) -> None:
    """The figures of an option at that volatility; of a kind of their own, as the client asked for them."""
    assert row[1] == 53
    told = [float(str(value)) for value in row[3:]]
    known = [volatility, found.delta, found.price, 0.0, found.gamma, found.vega, found.theta, 265.0]
    assert told == pytest.approx(known, abs=0.00001)
