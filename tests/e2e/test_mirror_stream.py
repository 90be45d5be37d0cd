"""IBKR's WebSocket on the service: its greeting, its topics, and one line upstream for all of its sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import ib_async
import pytest

from ibkr_bridge.api.mirror.streams import listener

AAPL, SPY = 265598, 756733
PATIENCE = 30.0
MARKET = {"conid": AAPL, "side": "BUY", "quantity": 3, "orderType": "MKT", "tif": "DAY"}
FAR = {**MARKET, "orderType": "LMT", "price": 200.5, "tif": "GTC"}


class Ear:
    """What one socket was told, in order."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def say(self, text: str) -> None:
        await self._socket.send_str(text)

    async def next(self, fits: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The next message that fits; what comes before it is dropped."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found: dict[str, Any] = await self._socket.receive_json()
                if fits(found):
                    return found

    async def topic(self, name: str) -> dict[str, Any]:
        return await self.next(lambda found: found.get("topic") == name)

    async def silent(self, name: str, seconds: float) -> bool:
        """Whether nothing of this topic comes meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                await self.topic(name)
        except TimeoutError:
            return True
        return False


@pytest.fixture(params=["tws", "webapi"])
async def home(build: Callable[..., Any], request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    async with build(door=request.param, first_word_timeout=10.0) as one:
        yield one


@asynccontextmanager
async def ear(home: Any, path: str = "/v1/api/ws", **headers: str) -> AsyncIterator[Ear]:
    async with home.http.ws_connect(path, headers=headers) as socket:
        yield Ear(socket)


async def placed(home: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Every question answered with yes."""
    status, told = await home.call("POST", f"/iserver/account/{home.account}/orders", order)
    while status == 200 and "message" in told[0]:
        status, told = await home.call("POST", f"/iserver/reply/{told[0]['id']}", {"confirmed": True})
    found: dict[str, Any] = told[0]
    return found


def of(reference: str) -> Callable[[dict[str, Any]], bool]:
    """Messages with a row of the order of that name."""
    return lambda found: any(row.get("order_ref") == reference for row in found.get("args") or () if found["args"])


async def test_a_socket_is_greeted_as_ibkr_greets_and_hears_a_heartbeat(
    home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "HEARTBEAT", 0.1)
    async with home.http.post("/tickle") as answer:
        session = (await answer.json())["session"]
    for path in ("/v1/api/ws", "/ws"):
        async with ear(home, path, Cookie=f'api={{"session": "{session}"}}') as one:
            greeting = [await one.next(lambda _found: True) for _frame in range(3)]
            assert [frame["topic"] for frame in greeting] == ["system", "act", "sts"]
            assert greeting[1]["args"]["selectedAccount"] == home.account
            assert greeting[2]["args"]["authenticated"] is True
            assert (await one.next(lambda found: "hb" in found))["topic"] == "system"
            await one.say(f'{{"session":"{session}"}}')
            await one.say("tic")
            assert (await one.topic("tic"))["id"] == session
            await one.say("ech+hb")
            assert await one.topic("ech+hb")


async def test_what_is_no_topic_is_refused_and_the_socket_stays(home: Any) -> None:
    async with ear(home) as one:
        for words in (
            "nonsense",
            "smd+",
            "smd+abc+{}",
            "smd+1+{}",
            'smd+265598+{"fields"',
            "smh+",
            "sbd+",
            "ssd+",
            "x" * 70000,
        ):
            await one.say(words)
            told = await one.next(lambda found: "error" in found)
            assert told["code"] in (1, 400, 500), told
        await one.say("tic")
        assert (await one.topic("tic"))["alive"] is True


async def test_prices_come_whole_at_first_and_then_as_they_change(home: Any) -> None:
    async with ear(home) as one, ear(home) as other:
        for each in (one, other):
            await each.say(f'smd+{AAPL}+{{"fields":["31","84","86","7059"]}}')
        whole = await one.next(lambda found: {"31", "84", "86"} <= found.keys())
        assert (whole["topic"], whole["conid"], whole["conidEx"]) == (f"smd+{AAPL}", AAPL, str(AAPL))
        change = await one.topic(f"smd+{AAPL}")
        assert {"conid", "_updated", "server_id"} < change.keys()
        assert "conidEx" not in change
        assert (await other.topic(f"smd+{AAPL}"))["conid"] == AAPL
        await one.say(f"umd+{AAPL}+{{}}")
        await one.say("tic")
        await one.topic("tic")
        assert await one.silent(f"smd+{AAPL}", 1.2)
        assert (await other.topic(f"smd+{AAPL}"))["conid"] == AAPL


async def test_an_order_and_its_trade_are_told_with_the_callers_own_name(home: Any) -> None:
    await placed(home, {**FAR, "cOID": "before"})
    async with ear(home) as one, ear(home) as picky:
        await one.say("sor+{}")
        [live] = (await one.topic("sor"))["args"]
        assert (live["order_ref"], live["status"], live["orderDesc"][:3]) == ("before", "Submitted", "Buy")
        await picky.say('sor+{"filters":["Filled"]}')
        await one.say('str+{"realtimeUpdatesOnly":false,"days":1}')
        assert (await one.topic("str"))["args"] == []
        row = await placed(home, {**MARKET, "cOID": "now"})
        [trade] = (await one.next(lambda found: found.get("topic") == "str" and found["args"]))["args"]
        assert (trade["order_ref"], trade["size"], str(trade["order_id"])) == ("now", 3, row["order_id"])
        charged = await one.next(lambda found: found.get("topic") == "str" and "commission" in found["args"][0])
        assert charged["args"][0]["execution_id"] == trade["execution_id"]
        [filled] = (await picky.next(lambda found: found.get("topic") == "sor"))["args"]
        assert (filled["order_ref"], filled["status"], filled["remainingQuantity"]) == ("now", "Filled", 0)
        await picky.say("str+{}")
        [replayed] = (await picky.next(lambda found: found.get("topic") == "str" and found["args"]))["args"]
        assert (replayed["execution_id"], replayed["order_ref"]) == (trade["execution_id"], "now")
        await one.say("uor+{}")
        await one.say("utr")
        await one.say("tic")
        await one.topic("tic")
        await placed(home, {**FAR, "cOID": "after"})
        assert await one.silent("sor", 0.7)


async def test_what_was_placed_elsewhere_is_told_once_the_broker_has_shown_it(build: Callable[..., Any]) -> None:
    other = ib_async.IB()
    async with build(door="tws") as home, ear(home) as one:
        await one.say("sor+{}")
        await one.say("str+{}")
        assert (await one.topic("str"))["args"] == []
        await other.connectAsync("127.0.0.1", home.simulator.tws_port, clientId=7)
        try:
            contract = ib_async.Contract(conId=AAPL, exchange="SMART")
            other.placeOrder(contract, ib_async.LimitOrder("BUY", 3, 100.0, tif="DAY", account=home.account))
            other.placeOrder(contract, ib_async.MarketOrder("BUY", 2, account=home.account))
            home.tap.cut()  # a new session looks at everything there is
            told: dict[str, Any] = {}
            while told.keys() < {"sor", "str"}:
                found = await one.next(lambda found: found.get("topic") in ("sor", "str") and found["args"])
                [told[found["topic"]]] = found["args"]
            assert (told["str"]["size"], told["str"]["conid"]) == (2, AAPL)
            assert (told["sor"]["totalSize"], told["sor"]["status"], "order_ref" in told["sor"]) == (
                3,
                "Submitted",
                False,
            )
        finally:
            other.disconnect()


async def test_profit_and_loss_is_told_of_each_account(home: Any) -> None:
    await placed(home, MARKET)
    async with ear(home) as one:
        await one.say("spl+{}")
        for _change in range(2):
            figures = (await one.topic("spl"))["args"][f"{home.account}.Core"]
            assert {"dpl", "nl", "upl", "el", "mv"} <= figures.keys()
        await one.say("upl+{}")
        await one.say("tic")
        await one.topic("tic")
        assert await one.silent("spl", 1.5)


async def test_a_lost_session_is_told_and_topics_go_on_when_it_is_back(home: Any) -> None:
    async with ear(home) as one:
        await one.say(f'smd+{AAPL}+{{"fields":["31","84","86"]}}')
        await one.topic(f"smd+{AAPL}")
        home.service.engine.mirror.renew("for this test")
        assert (await one.topic("sts"))["args"]["authenticated"] is False
        await one.next(lambda found: found.get("topic") == "sts" and found["args"]["authenticated"])
        assert await one.next(lambda found: found.get("topic") == f"smd+{AAPL}" and "84" in found)


async def test_a_socket_that_goes_gives_its_lines_back(home: Any) -> None:
    async with ear(home) as one, ear(home) as other:
        for each in (one, other):
            await each.say(f"smd+{SPY}+{{}}")
            await each.topic(f"smd+{SPY}")
        assert _lines(home) == 1

    async def none_left() -> bool:
        return _lines(home) == 0

    await home.until(none_left)


def _lines(home: Any) -> int:
    """Quote lines that the simulator holds for the service."""
    if home.simulator.webapi is not None:
        return len(home.simulator.webapi.house.sessions.gateway.progress.streamed)
    said = [message[0] for message in home.tap.said]
    return said.count("1") - said.count("2")
