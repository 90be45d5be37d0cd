"""Summary, ledger, bars and depth on IBKR's WebSocket of the service, one topic upstream for all of its sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from ibkr_bridge.api.mirror.streams import histories, statements
from ibkr_bridge.upstream.tws import history
from tests.house import _simulated as simulated

AAPL, SPY = 265598, 756733
PATIENCE = 30.0
MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""Bars grow while the exchange is open."""
BRACKET = [
    {"cOID": "entry", "conid": AAPL, "side": "BUY", "quantity": 3, "orderType": "LMT", "price": 200.5, "tif": "GTC"},
    {"parentId": "entry", "conid": AAPL, "side": "SELL", "quantity": 3, "orderType": "LMT", "price": 900, "tif": "GTC"},
]
BARS = '{"period":"1d","bar":"1h","outsideRth":false,"source":"trades","format":"%o/%c/%h/%l"}'
Frame = dict[str, Any]


class Ear:
    """One socket, and what it was told."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def say(self, text: str) -> None:
        await self._socket.send_str(text)

    async def next(self, fits: Callable[[Frame], object]) -> Frame:
        async with asyncio.timeout(PATIENCE):
            while True:
                found: Frame = await self._socket.receive_json()
                if fits(found):
                    return found

    async def topic(self, name: str) -> Frame:
        return await self.next(lambda found: found.get("topic") == name)

    async def refusal(self) -> Frame:
        return await self.next(lambda found: "error" in found)


@pytest.fixture(params=["tws", "webapi"])
async def home(build: Callable[..., Any], request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    async with build(door=request.param, first_word_timeout=10.0) as one:
        yield one


@pytest.fixture
async def ears(home: Any) -> AsyncIterator[Callable[[], Any]]:
    async with AsyncExitStack() as stack:

        async def another() -> Ear:
            return Ear(await stack.enter_async_context(home.http.ws_connect("/v1/api/ws")))

        yield another


def at_tws(home: Any) -> bool:
    return home.simulator.webapi is None


async def test_a_summary_is_told_row_by_row_and_only_what_was_chosen(home: Any, ears: Any) -> None:
    everything, little = await ears(), await ears()
    topic = f"ssd+{home.account}"
    await everything.say(topic)
    rows = {row["key"]: row for row in (await everything.topic(topic))["result"]}
    assert rows["NetLiquidation"]["monetaryValue"] > 0
    assert rows["NetLiquidation"]["currency"] == "USD"
    assert isinstance(rows["AccountType"]["value"], str)
    await little.say(f'{topic}+{{"keys":["BuyingPower"],"fields":["currency"]}}')
    [row] = (await little.topic(topic))["result"]
    assert row.keys() == {"key", "timestamp", "currency"}
    await little.say(f"usd+{home.account}+{{}}")
    assert (await little.next(lambda found: "result" in found))["result"] == "unsubscribed from summary"


async def test_a_ledger_is_told_by_currency(home: Any, ears: Any) -> None:
    one = await ears()
    await one.say(f"sld+{home.account}")
    rows = {row["key"]: row for row in (await one.topic(f"sld+{home.account}"))["result"]}
    assert {"LedgerListBASE", "LedgerListUSD"} <= rows.keys()
    assert rows["LedgerListUSD"]["cashbalance"] > 0
    assert rows["LedgerListUSD"]["acctCode"] == home.account
    await one.say(f"uld+{home.account}+{{}}")
    assert (await one.next(lambda found: "result" in found))["result"] == "unsubscribed from ledger"


async def test_figures_come_again_at_ibkrs_pace(build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "CADENCE", 0.1)
    async with build(door="tws") as home, home.http.ws_connect("/v1/api/ws") as socket:
        one = Ear(socket)
        await one.say(f"sld+{home.account}")
        for _frame in range(3):
            assert (await one.topic(f"sld+{home.account}"))["result"]


async def test_accounts_that_are_not_the_callers_are_refused(home: Any, ears: Any) -> None:
    one = await ears()
    for topic in ("ssd+DU1", "sld+DU1", f"sbd+DU1+{AAPL}"):
        await one.say(topic)
        told = await one.refusal()
        assert (told["error"], told["topic"], told["reason"]) == ("invalid account", topic, "account.unknown")


async def test_bars_are_one_run_at_ibkr_for_all_who_want_the_same(build: Callable[..., Any]) -> None:
    """IBKR allows five: six sockets with the same wish are one, and four others still fit."""
    async with build(door="webapi") as home, AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(home.http.ws_connect("/v1/api/ws")) for _socket in range(6)]
        ears = [Ear(socket) for socket in sockets]
        for ear in ears:
            await ear.say(f"smh+{AAPL}+{BARS}")
        frames = [await ear.topic(f"smh+{AAPL}") for ear in ears]
        assert all(frame["data"] == frames[0]["data"] for frame in frames)
        assert {"o", "c", "h", "l", "v", "t"} <= frames[0]["data"][0].keys()
        first = ears[0]
        for bar in ("1min", "2min", "3min", "5min"):
            await first.say(f'smh+{AAPL}+{{"period":"1d","bar":"{bar}"}}')
            told = await first.topic(f"smh+{AAPL}")
            assert told["barLength"] == 60 * int(bar[0])
        await first.say(f"smh+{SPY}+{BARS}")
        assert (await first.refusal())["code"] == 429
        await ears[1].say(f"smh+{SPY}+{BARS}")
        assert (await ears[1].refusal())["error"] == "Too many requests"
        await first.say(f"umh+{told['serverId']}")
        assert (await first.next(lambda found: "message" in found))["message"] == f"Unsubscribed {told['serverId']}"
        await ears[1].say(f"smh+{SPY}+{BARS}")
        assert (await ears[1].topic(f"smh+{SPY}"))["data"]


async def test_bars_at_tws_are_told_whole_and_then_as_they_change(
    build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = simulated("tws")
    monkeypatch.setattr("tests.house._simulated", lambda _door: replace(usual, start=MONDAY))
    monkeypatch.setattr(histories, "SLOWEST", 0.3)
    monkeypatch.setattr(history, "LIMITS", replace(history.LIMITS, identical=0.1, burst_count=1000))
    async with build(door="tws") as home, home.http.ws_connect("/v1/api/ws") as socket:
        one = Ear(socket)
        await one.say(f'smh+{AAPL}+{{"period":"30min","bar":"1min","outsideRth":true}}')
        whole = await one.topic(f"smh+{AAPL}")
        assert (whole["symbol"], whole["barLength"], whole["timePeriod"]) == ("AAPL", 60, "30min")
        assert len(whole["data"]) > 10
        assert {"o", "c", "h", "l", "v", "t"} <= whole["data"][0].keys()
        news = await one.topic(f"smh+{AAPL}")
        assert 0 < len(news["data"]) < 5
        assert news["data"][-1]["t"] >= whole["data"][-1]["t"]
        assert news["serverId"] == whole["serverId"]
        await one.say(f"umh+{news['serverId']}")
        await one.next(lambda found: "Unsubscribed" in str(found.get("message")))
        await one.say('smh+1+{"period":"1d"}')
        assert (await one.refusal())["reason"] == "contract.unknown"
        await one.say(f'smh+{AAPL}+{{"period":"9q"}}')
        assert (await one.refusal())["error"] == "invalid period"
        query = f"conid={AAPL}&period=1d&bar=1h&outsideRth=true"
        status, told = await home.call("GET", f"/iserver/marketdata/history?{query}")
        assert (status, told["points"], told["barLength"]) == (200, len(told["data"]) - 1, 3600)
        status, told = await home.call("GET", f"/iserver/marketdata/history?conid={AAPL}&period=7q")
        assert (status, told["error"]) == (400, "invalid period")


async def test_bars_that_make_no_sense_are_refused(build: Callable[..., Any]) -> None:
    async with build(door="webapi") as home, home.http.ws_connect("/v1/api/ws") as socket:
        one = Ear(socket)
        for words in (f'smh+{AAPL}+{{"period":"9q"}}', "smh+1+{}", "smh+x+{}", "smh"):
            await one.say(words)
            assert (await one.refusal())["code"] in (400, 500)
        await one.say(f"smh+{AAPL}+{BARS}")
        assert (await one.topic(f"smh+{AAPL}"))["data"]


async def test_topics_come_again_on_a_new_session(build: Callable[..., Any]) -> None:
    async with build(door="webapi") as home, home.http.ws_connect("/v1/api/ws") as socket:
        one = Ear(socket)
        await one.say(f"smh+{AAPL}+{BARS}")
        number = (await one.topic(f"smh+{AAPL}"))["serverId"]
        await one.say(f"ssd+{home.account}")
        await one.topic(f"ssd+{home.account}")
        home.service.engine.mirror.renew("for this test")
        both = {(await one.next(lambda found: str(found.get("topic"))[:3] in ("smh", "ssd")))["topic"] for _ in "12"}
        assert both == {f"smh+{AAPL}", f"ssd+{home.account}"}
        await one.say(f"umh+{number}")
        await one.next(lambda found: found.get("message") == f"Unsubscribed {number}")


async def test_depth_is_a_ladder_from_one_line(home: Any, ears: Any) -> None:
    one, other = await ears(), await ears()
    topic = f"sbd+{home.account}+{AAPL}"
    for ear in (one, other):
        await ear.say(topic)
    rows = (await one.topic(topic))["data"]
    assert [row["row"] for row in rows] == list(range(len(rows)))
    prices = [float(row["price"].rpartition("@")[2]) for row in rows]
    assert prices == sorted(prices, reverse=True)
    best_ask = min(price for price, row in zip(prices, rows, strict=True) if "ask" in row)
    best_bid = max(price for price, row in zip(prices, rows, strict=True) if "bid" in row)
    assert best_bid < best_ask
    await other.topic(topic)
    for ear in (one, other):
        await ear.say(f"ubd+{home.account}")
    if not at_tws(home):
        return
    assert sum(message[0] == "10" for message in home.tap.said) == 1

    async def given_back() -> bool:
        said: list[list[str]] = home.tap.said
        return sum(message[0] == "11" for message in said) == 1

    await home.until(given_back)


async def test_options_are_exercised_by_nobody_here(home: Any, ears: Any) -> None:
    one = await ears()
    for words in ('shs+exercise+{"CEX":"708764406"}', 'inp+exercise+{"action":"user_input"}'):
        await one.say(words)
        told = await one.refusal()
        assert (told["error"], told["code"], told["reason"]) == ("unable to subscribe", 500, "capability.missing")
        assert told["topic"] == words.partition("+{")[0]
        assert told["advice"]


async def test_a_child_names_its_parent(home: Any, ears: Any) -> None:
    one = await ears()
    await one.say("sor+{}")
    status, told = await home.call("POST", f"/iserver/account/{home.account}/orders", {"orders": BRACKET})
    while status == 200 and "message" in told[0]:
        status, told = await home.call("POST", f"/iserver/reply/{told[0]['id']}", {"confirmed": True})
    assert status == 200, told
    late = await ears()
    await late.say("sor+{}")
    rows = {row["side"]: row for row in (await late.topic("sor"))["args"]}
    parent = rows["BUY"]["orderId"]
    assert (rows["SELL"]["parentId"], "parentId" in rows["BUY"]) == (parent, False)
    while not any(row.get("parentId") == parent for row in (await one.topic("sor"))["args"]):
        continue
