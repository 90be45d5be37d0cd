"""Search, depth, options, ticks, scanners, news and executions, at either door."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from ibkr_bridge.upstream.webapi.limits import Limits
from ibkr_sim.server import SimulatorSettings
from tests.house import _simulated as simulated

AAPL, SPY = 265598, 756733
MARKET = {"symbol": "AAPL", "side": "BUY", "qty": 3, "type": "MARKET", "tif": "DAY"}


@pytest.fixture(autouse=True)
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found out is judged here, not how often one may ask."""
    limits = partial(Limits, wary=False, per_second=10_000, reserved=0, endpoints={})
    monkeypatch.setattr("ibkr_bridge.runtime.webapi.Limits", limits)
    monkeypatch.setattr("tests.house._simulated", _unpaced)


def _unpaced(door: str) -> SimulatorSettings:
    settings = simulated(door)
    return replace(settings, webapi=replace(settings.webapi, pacing=False)) if settings.webapi else settings


def at_tws(home: Any) -> bool:
    found: bool = home.simulator.webapi is None
    return found


async def get(home: Any, path: str, **query: Any) -> Any:
    async with home.http.get(path, params=query) as answer:
        told = await answer.json()
        assert answer.status == 200, told
        return told


async def refused(home: Any, path: str, **query: Any) -> tuple[int, str]:
    async with home.http.get(path, params=query) as answer:
        told = await answer.json()
        assert told["advice"] or told["detail"]
        return answer.status, told["code"]


async def test_a_search_finds_contracts_by_symbol_or_name(home: Any) -> None:
    told = await get(home, "/market/search", q="AAPL")
    first = told["contracts"][0]
    assert (first["conid"], first["symbol"], first["sec_type"]) == (AAPL, "AAPL", "STK")
    assert told["as_of"].endswith("Z")
    assert told["stale"] is None
    assert (await get(home, "/market/search", q="ZZZZZZ"))["contracts"] == []
    assert await refused(home, "/market/search") == (422, "request.invalid")
    assert await refused(home, "/market/search", q="  ") == (422, "request.invalid")


async def test_depth_shows_both_sides_the_best_first(home: Any) -> None:
    """At the Web API a level does not say where it lies."""
    told = await get(home, "/market/depth/AAPL", rows=5)
    bids, asks = ([level["price"] for level in told[side]] for side in ("bids", "asks"))
    assert 0 < len(bids) <= 5
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]
    assert all(level["size"] > 0 for level in told["bids"] + told["asks"])
    assert all(bool(level["exchange"]) is at_tws(home) for level in told["bids"])
    again = await get(home, "/market/depth/AAPL", rows=1)
    assert (len(again["bids"]), again["conid"]) == (1, AAPL)
    assert not at_tws(home) or sum(message[0] == "10" for message in home.tap.said) == 1
    one_place = await get(home, "/market/depth/AAPL", exchange="NASDAQ")
    assert one_place["exchange"] == "NASDAQ"
    assert await refused(home, "/market/depth/NOSUCH") == (404, "contract.unknown")
    assert await refused(home, "/market/depth/AAPL", rows=0) == (422, "request.invalid")


async def test_depth_lives_on_the_stream_from_one_line(home: Any) -> None:
    async with home.http.ws_connect("/ws/stream") as one, home.http.ws_connect("/ws/stream") as other:
        for socket in (one, other):
            await socket.send_json({"action": "subscribe", "channel": "depth", "symbol": "AAPL", "id": 1})
        for socket in (one, other):
            told = await socket.receive_json(timeout=10)
            while told["type"] != "depth":
                assert told["type"] == "ack", told
                told = await socket.receive_json(timeout=10)
            assert (told["conid"], told["symbol"]) == (AAPL, "AAPL")
            assert told["bids"][0]["price"] < told["asks"][0]["price"]
        assert not at_tws(home) or sum(message[0] == "10" for message in home.tap.said) == 1
        await one.send_json({"action": "unsubscribe", "channel": "depth", "symbol": "AAPL", "id": 2})
        await one.send_json({"action": "unsubscribe", "channel": "depth", "symbol": "AAPL", "id": 3})
        seen: list[tuple[str, int]] = []
        while len(seen) < 2:
            told = await one.receive_json(timeout=10)
            seen += [(told["type"], told["id"])] if told["type"] in ("ack", "error") else []
        assert seen == [("ack", 2), ("error", 3)]

    async def given_back() -> bool:
        said: list[list[str]] = home.tap.said
        return sum(message[0] == "11" for message in said) == 1

    if at_tws(home):
        await home.until(given_back)


async def test_options_are_listed_and_quoted(home: Any) -> None:
    listed = await get(home, "/market/options/AAPL")
    assert (listed["conid"], listed["expiry"], listed["options"]) == (AAPL, None, [])
    series = listed["series"][0]
    expiry = series["expiries"][0]
    chain = await get(home, "/market/options/AAPL", expiry=expiry)
    assert {option["right"] for option in chain["options"]} == {"C", "P"}
    assert all(option["expiry"] == expiry for option in chain["options"])
    assert {series["exchange"] for series in listed["series"]} == {"SMART"}
    priced = [option for option in chain["options"] if option["bid"] is not None and option["bid"] < option["ask"]]
    assert priced
    known = [option for option in priced if option["delta"] is not None]
    assert len(known) > len(priced) / 2, "a price below what exercise brings implies no volatility"
    assert all(0 < option["delta"] < 1 for option in known if option["right"] == "C")
    assert all(-1 < option["delta"] < 0 for option in known if option["right"] == "P")
    assert all(option["implied_volatility"] > 0 and option["vega"] > 0 for option in known)
    assert all(option["gamma"] >= 0 and option["theta"] is not None for option in known)
    assert all(option["open_interest"] > 0 for option in chain["options"])
    strike = chain["options"][0]["strike"]
    few = await get(home, "/market/options/AAPL", expiry=expiry, strikes=str(strike), right="C")
    assert [(option["strike"], option["right"]) for option in few["options"]] == [(strike, "C")]


async def test_options_that_are_not_listed_are_404_with_the_nearest_that_are(home: Any) -> None:
    path = "/market/options/AAPL"
    series = (await get(home, path))["series"][0]
    status, problem = await home.call("GET", f"{path}?expiry=2020-01-17")
    assert (status, problem["code"]) == (404, "contract.unknown")
    assert problem["expiries"] == series["expiries"][:6]
    assert problem["expiries"][0] in problem["advice"]
    status, problem = await home.call("GET", f"{path}?expiry={series['expiries'][0]}&strikes=1,2.5")
    assert (status, problem["code"]) == (404, "contract.unknown")
    assert "1, 2.5" in problem["detail"]
    assert problem["strikes"] == series["strikes"][:6]


async def test_a_chain_that_makes_no_sense_is_refused(home: Any) -> None:
    for query in ({"expiry": "tomorrow"}, {"right": "X"}, {"expiry": "2030-01-18", "strikes": "1.2.3"}):
        assert await refused(home, "/market/options/AAPL", **query) == (422, "request.invalid")


async def test_ticks_of_the_past_come_oldest_first(home: Any) -> None:
    if not at_tws(home):
        assert await refused(home, "/market/ticks/AAPL") == (501, "capability.missing")
        return
    for kind, member in (("trades", "price"), ("quotes", "bid"), ("midpoint", "price")):
        told = await get(home, "/market/ticks/AAPL", kind=kind, limit=20)
        times = [tick["time"] for tick in told["ticks"]]
        assert len(times) >= 20
        assert times == sorted(times)
        assert all(tick[member] > 0 for tick in told["ticks"])
    start = datetime.fromisoformat(times[0])
    end = start + timedelta(seconds=30)
    part = await get(home, "/market/ticks/AAPL", limit=5, start=start.isoformat(), end=end.isoformat())
    assert all(start <= datetime.fromisoformat(tick["time"]) < end for tick in part["ticks"])
    said = len(home.tap.said)
    assert (await get(home, "/market/ticks/AAPL", limit=20))["as_of"] < part["as_of"]
    assert not any(message[0] == "96" for message in home.tap.said[said:])
    for query in ({"start": end.isoformat(), "end": start.isoformat()}, {"start": "2026-01-05T15:00:00"}):
        assert await refused(home, "/market/ticks/AAPL", **query) == (422, "request.invalid")


async def test_a_scan_is_the_same_by_query_and_by_body(home: Any) -> None:
    words = await get(home, "/market/scanner/parameters")
    assert "TOP_PERC_GAIN" in {word["code"] for word in words["scans"]}
    assert {"STK", "STK.US.MAJOR", "priceAbove"} <= {
        word["code"] for part in ("instruments", "locations", "filters") for word in words[part]
    }
    query = {"scan": "MOST_ACTIVE", "filter": "priceAbove:5", "limit": 3}
    by_query = await get(home, "/market/scanner", **query)
    status, by_body = await home.call(
        "POST", "/market/scanner", {"scan": "MOST_ACTIVE", "filters": {"priceAbove": 5}, "limit": 3}
    )
    assert status == 200, by_body
    assert 0 < len(by_query["contracts"]) <= 3
    assert [row["rank"] for row in by_query["contracts"]] == list(range(1, len(by_query["contracts"]) + 1))
    assert {row["contract"]["conid"] for row in by_body["contracts"]}
    nothing = await get(home, "/market/scanner", scan="MOST_ACTIVE", filter="priceAbove:900000000")
    assert nothing["contracts"] == []
    assert (await refused(home, "/market/scanner", scan="NO_SUCH_SCAN"))[0] == 422
    assert await refused(home, "/market/scanner", scan="MOST_ACTIVE", filter="x") == (422, "request.invalid")


async def test_news_lead_from_the_providers_to_an_article(home: Any) -> None:
    if not at_tws(home):
        for path in ("/news", "/news?symbol=AAPL", "/news/BRFG/BRFG$1"):
            assert await refused(home, path) == (501, "capability.missing")
        return
    providers = (await get(home, "/news"))["providers"]
    assert {"code", "name"} == providers[0].keys()
    told = await get(home, "/news", symbol="AAPL", limit=5)
    headlines = told["headlines"]
    assert (told["conid"], len(headlines)) == (AAPL, 5)
    assert [row["time"] for row in headlines] == sorted((row["time"] for row in headlines), reverse=True)
    first = headlines[0]
    article = await get(home, f"/news/{first['provider']}/{first['article']}")
    assert (article["format"], article["article"]) == ("text", first["article"])
    assert article["text"]
    one = await get(home, "/news", symbol="AAPL", providers=first["provider"], limit=2)
    assert {row["provider"] for row in one["headlines"]} == {first["provider"]}
    assert (await refused(home, "/news/BRFG/nothing"))[0] == 422
    assert (await refused(home, "/news", symbol="AAPL", providers="NOPE"))[0] == 422


async def test_executions_are_listed_with_their_orders_and_commissions(home: Any) -> None:
    orders = {(await home.call("POST", "/orders", {**MARKET, "qty": qty}))[1]["id"]: qty for qty in (1, 2, 3)}

    async def charged() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await get(home, "/executions"))["executions"]
        return rows if len(rows) == 3 and all(row["commission"] is not None for row in rows) else []

    rows = await home.until(charged)
    assert {row["order_id"]: row["qty"] for row in rows} == orders
    assert {row["account"] for row in rows} == {home.account}
    assert {row["commission_currency"] for row in rows} == {"USD"}
    first = await get(home, "/executions", limit=2)
    assert len(first["executions"]) == 2
    rest = await get(home, "/executions", limit=2, cursor=first["next_cursor"])
    assert [row["exec_id"] for row in (*first["executions"], *rest["executions"])] == [row["exec_id"] for row in rows]
    assert rest["next_cursor"] is None
    assert (await get(home, "/executions", symbol="msft"))["executions"] == []
    assert len((await get(home, "/executions", account=home.account, symbol="AAPL"))["executions"]) == 3
    late = datetime.fromisoformat(rows[-1]["time"]) + timedelta(seconds=5)
    assert (await get(home, "/executions", since=late.isoformat()))["executions"] == []
    assert await refused(home, "/executions", account="DU1") == (404, "account.unknown")
    assert await refused(home, "/executions", cursor="x") == (422, "request.invalid")


async def test_what_a_door_cannot_do_stands_in_its_capabilities(home: Any) -> None:
    told = await get(home, "/capabilities")
    supported, missing = set(told["supported"]), told["missing"]
    assert {"market.search", "market.depth", "market.options", "market.scanner", "executions"} <= supported
    assert ("market.ticks" in supported, "news" in supported) == (at_tws(home), at_tws(home))
    assert ("market.ticks" in missing, "news" in missing) == (not at_tws(home), not at_tws(home))


async def test_an_option_is_reckoned_from_its_volatility_or_its_price(home: Any) -> None:
    path, day = "/market/options/AAPL/model", f"{datetime.now(UTC) + timedelta(days=90):%Y-%m-%d}"
    terms = {"expiry": day, "strike": "150", "right": "C", "underlying_price": "155.5"}
    if not at_tws(home):
        assert await refused(home, path, **terms, volatility="0.25") == (501, "capability.missing")
        return
    worth = await get(home, path, **terms, volatility="0.25")
    assert (worth["strike"], worth["expiry"], worth["conid"]) == (150, day, AAPL)
    assert 5.5 < worth["price"] < 20
    assert 0.5 < worth["delta"] < 1
    back = await get(home, path, **terms, price=str(worth["price"]))
    assert abs(back["implied_volatility"] - 0.25) < 0.001
    for query in ({}, {"price": "1", "volatility": "1"}, {"volatility": "0"}, {"price": "1.2.3"}):
        assert await refused(home, path, **terms, **query) == (422, "request.invalid")
    assert (await refused(home, path, **{**terms, "expiry": "2020-01-17"}, volatility="0.2"))[0] == 422
