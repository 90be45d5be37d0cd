"""Every call about contracts and exchanges, each answer compared with the catalogue."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.listing.hours import trading_day
from ibkr_sim.exchange.model import Contract
from ibkr_sim.reference.venues import depth_exchanges
from tests.foreign.puppet import agree, exact, made
from tests.foreign.tour import AAPL, Tour, contract, names

KINDS = ("STK", "CASH", "CRYPTO", "FUT", "IND", "BOND", "CFD", "CMDTY", "FUND", "WAR")
UNLISTED = frozenset({"OPT", "FUT", "CONTFUT", "FOP", "IND", "CASH"})
"""Types of which IBKR names no primary exchange."""


async def contracts(tour: Tour) -> None:
    described = tour.ask(lambda exchange: [exchange.find_contracts(sec_type=kind)[0] for kind in KINDS])
    listed = {"secType": "OPT", "lastTradeDateOrContractMonth": "20260320", "strike": 270.0, "right": "C"}
    told = await details(tour, contract(**listed))
    option = tour.ask(lambda exchange: exchange.contract(told["contract"]["conId"]))
    assert option is not None
    assert (option.expiry, option.strike, option.right) == (date(2026, 3, 20), 270, "C")
    for known in (*described, option):
        await describe(tour, known)
    await describe_bonds(tour, next(known for known in described if known.sec_type == "BOND"))
    await symbols(tour)
    await exchanges(tour)


async def details(tour: Tour, asked: object) -> dict[str, Any]:
    """The one answer."""
    tour.app.reqContractDetails(number := tour.number(), asked)
    await tour.app.event("contractDetailsEnd", number)
    ((told,),) = tour.app.rows("contractDetails", number) or tour.app.rows("bondContractDetails", number)
    return dict(told)


async def describe(tour: Tour, known: Contract) -> None:
    if known.sec_type == "BOND":
        return
    told = await details(tour, made("Contract", conId=known.conid))
    agree(told["contract"], **names(known))
    expiry = "" if known.expiry is None else f"{known.expiry:%Y%m%d}"
    agree(
        told,
        longName=known.long_name,
        minTick=known.min_tick,
        validExchanges=",".join(known.valid_exchanges),
        orderTypes=",".join(known.order_types),
        timeZoneId=known.time_zone,
        industry=known.industry,
        category=known.category,
        subcategory=known.subcategory,
        underConId=known.under_conid,
        underSymbol=known.under_symbol,
        underSecType=known.under_sec_type,
        contractMonth=known.contract_month if expiry else "",
        realExpirationDate=expiry,
        stockType=known.stock_type,
        **({"minSize": known.size_increment, "sizeIncrement": known.size_increment} if tour.version >= 164 else {}),
    )
    assert (told["contract"].get("right") or "") == known.right
    assert exact(told["contract"].get("multiplier") or 0) == (known.multiplier or 0)
    unlisted = known.sec_type in UNLISTED
    assert tour.says.listing(told["contract"]) == ("" if unlisted else known.primary_exchange)
    assert tour.says.expires(told["contract"]) == expiry
    assert [row["value"] for row in told.get("secIdList") or ()] == ([known.isin] if known.isin else [])
    hours(told, known, tour.simulator.now)
    await rule(tour, told, known)


def hours(told: dict[str, Any], known: Contract, now: datetime) -> None:
    """Every day's sessions are those of the exchange's calendar."""
    zone = ZoneInfo(known.time_zone)
    today = now.astimezone(zone).date()
    for name, opens, closes in (("tradingHours", "opens", "closes"), ("liquidHours", "liquid_from", "liquid_to")):
        rows = told[name].split(";")
        assert len(rows) == 6
        for at, row in ((today + timedelta(days=ahead), row) for ahead, row in enumerate(rows)):
            day = trading_day(known, at)
            if day is None:
                assert row == f"{at:%Y%m%d}:CLOSED"
            else:
                ends = (getattr(day, end).astimezone(zone) for end in (opens, closes))
                assert row == "-".join(f"{end:%Y%m%d:%H%M}" for end in ends)


async def rule(tour: Tour, told: dict[str, Any], known: Contract) -> None:
    """The price rule that is named, once for each exchange, has the contract's smallest step."""
    (number,) = set(told["marketRuleIds"].split(","))
    assert len(told["marketRuleIds"].split(",")) == len(known.valid_exchanges)
    tour.app.reqMarketRule(int(number))
    steps = (await tour.app.event("marketRule", number))[0][1]
    assert next(exact(step["lowEdge"]) for step in steps) == 0
    assert min(exact(step["increment"]) for step in steps) == known.min_tick


async def describe_bonds(tour: Tour, known: Contract) -> None:
    told = await details(tour, made("Contract", conId=known.conid, exchange="SMART"))
    agree(told["contract"], conId=known.conid, symbol=known.symbol, secType="BOND", currency=known.currency)
    agree(
        told,
        longName=known.long_name,
        minTick=known.min_tick,
        validExchanges=",".join(known.valid_exchanges),
        orderTypes=",".join(known.order_types),
    )
    assert known.expiry is not None
    assert told["maturity"] == f"{known.expiry:%Y%m%d}"


async def symbols(tour: Tour) -> None:
    def listed(exchange: Exchange) -> dict[int, Contract]:
        return {row.conid: row for row in exchange.find_contracts(symbol="AAPL") if row.sec_type == "STK"}

    known = tour.ask(listed)
    tour.app.reqMatchingSymbols(number := tour.number(), "AAPL")
    (rows,) = (await tour.app.event(tour.says.symbols, number))[0][1:]
    stocks = [row for row in rows if row["contract"]["secType"] == "STK"]
    assert {row["contract"]["conId"] for row in stocks} == set(known)
    for row in stocks:
        one = known[row["contract"]["conId"]]
        agree(row["contract"], symbol="AAPL", currency=one.currency)
        assert tour.says.listing(row["contract"]) == one.primary_exchange
        chains = tour.ask(lambda exchange, one=one: exchange.chains(one))  # type: ignore[misc]
        assert ("OPT" in row["derivativeSecTypes"]) is bool(chains)


async def exchanges(tour: Tour) -> None:
    app = tour.app
    app.reqFamilyCodes()
    assert [row["accountID"] for row in (await app.event("familyCodes"))[0][0]] == list(tour.simulator.accounts)
    app.reqSoftDollarTiers(number := tour.number())
    assert (await app.event("softDollarTiers", number))[0][1] == []
    app.reqMktDepthExchanges()
    ((rows,),) = await app.event("mktDepthExchanges")
    assert [(row["exchange"], row["secType"]) for row in rows] == list(depth_exchanges())
    known = tour.ask(lambda exchange: exchange.contract(AAPL))
    assert known is not None
    assert set(known.valid_exchanges) - {"SMART"} <= {row["exchange"] for row in rows}
    assert Decimal(known.min_tick) == Decimal("0.01")
