"""Lines that are wanted: nobody waits for another's, and what was refused or lost is asked for again by itself."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from ibkr_bridge.config.settings import GuardSettings
from ibkr_bridge.upstream.pacing import Pacer
from ibkr_sim.tws.settings import TwsSettings as DoorSettings
from tests.house import sent, told

AAPL = 265598
QUOTE, QUOTE_ENDED, BOOK = "1", "2", "10"
"""Ids of the service's messages."""
OTHERS = ("MSFT", "NVDA", "SPY", "IBM")
SUBSCRIBE = {"action": "subscribe", "symbol": "AAPL"}


@pytest.fixture
def pacers(monkeypatch: pytest.MonkeyPatch) -> list[Pacer]:
    """The budgets that are made; what is used up of one stays so for some seconds."""
    made: list[Pacer] = []

    def make() -> Pacer:
        made.append(Pacer(window=3.0))
        return made[-1]

    monkeypatch.setattr("ibkr_bridge.upstream.tws.adapter.Pacer", make)
    return made


@pytest.fixture
def few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user with two lines of market data."""
    monkeypatch.setattr("tests.house.DoorSettings", partial(DoorSettings, market_data_lines=2))


async def begun_to_open(home: Any, pacer: Pacer, socket: Any) -> None:
    """Lines wait for the budget: their contracts are known, and not one of them has been asked for."""
    for action in ("subscribe", "unsubscribe"):
        await socket.send_json({"action": action, "symbols": OTHERS, "id": action})
        await told(socket, "ack", id=action)

    async def ended() -> bool:
        return len(sent(home, QUOTE_ENDED)) == len(OTHERS)

    await home.until(ended)
    pacer.fill()
    await socket.send_json({"action": "subscribe", "symbols": OTHERS, "id": "others"})
    await socket.send_json({"type": "ping", "id": "begun"})
    await told(socket, "pong", id="begun")
    assert len(sent(home, QUOTE)) == 1 + len(OTHERS)


async def test_an_order_looks_at_a_line_that_is_open_while_others_wait_to_be(build: Any, pacers: list[Pacer]) -> None:
    guards = GuardSettings.wide_open().model_copy(update={"max_order_value": Decimal(50), "base_currency": "USD"})
    async with build(guards=guards) as home:
        assert (await home.call("GET", "/market/quote/AAPL"))[0] == 200
        async with home.http.ws_connect("/ws/stream") as socket:
            await begun_to_open(home, pacers[0], socket)
            body = {"symbol": "AAPL", "side": "BUY", "qty": 1000, "type": "MARKET"}
            status, problem = await home.call("POST", "/orders", body)
            assert (status, problem["code"]) == (422, "guard.order_value")
            assert Decimal(problem["value"]) > Decimal(problem["limit"])
            assert len(sent(home, QUOTE)) == 1 + len(OTHERS)
            ack = await told(socket, "ack", id="others")
            assert {contract["symbol"] for contract in ack["contracts"]} == set(OTHERS)


async def test_a_socket_is_heard_while_its_subscriptions_wait(build: Any, pacers: list[Pacer]) -> None:
    async with build() as home, home.http.ws_connect("/ws/stream") as socket:
        await socket.send_json({**SUBSCRIBE, "id": "one"})
        await told(socket, "ack", id="one")
        await begun_to_open(home, pacers[0], socket)
        await socket.send_json({**SUBSCRIBE, "action": "unsubscribe", "id": "left"})
        heard = []
        async with asyncio.timeout(20):
            while "others" not in heard:
                heard.append((await socket.receive_json()).get("id"))
        assert heard.index("left") < heard.index("others")


async def test_lost_data_is_asked_for_again_however_little_of_the_budget_is_left(
    build: Any, pacers: list[Pacer]
) -> None:
    async with build(request_timeout=0.2) as home:
        for symbol in ("AAPL", "MSFT"):
            assert (await home.call("GET", f"/market/quote/{symbol}"))[0] == 200
        pacers[0].fill()
        home.tap.message(-1, 1101, "Connectivity has been restored, data lost.")
        await home.until_ready(ready=False)
        status, quote = await home.call("GET", "/market/quote/AAPL")
        assert (status, bool(quote["stale"])) == (200, True)
        assert len(sent(home, QUOTE)) == 2
        await home.until_ready()
        assert len(sent(home, QUOTE)) == 4
        assert (await home.call("GET", "/market/quote/AAPL"))[1]["stale"] is None


@pytest.mark.usefixtures("few_lines")
async def test_a_refused_quote_comes_by_itself_once_another_line_is_free(build: Any) -> None:
    async with (
        build() as home,
        home.http.ws_connect("/ws/stream") as others,
        home.http.ws_connect("/ws/stream") as socket,
    ):
        await others.send_json({"action": "subscribe", "symbols": ["AAPL", "MSFT"], "id": 1})
        await told(others, "ack", id=1)
        await socket.send_json({"action": "subscribe", "symbol": "NVDA"})
        stale = await told(socket, "status", status="stale", symbol="NVDA")
        assert stale["reason"]
        status, problem = await home.call("GET", "/market/quote/NVDA")
        assert (status, problem["code"], problem["ibkr_code"], problem["retryable"]) == (
            422,
            "broker.no_line",
            101,
            True,
        )
        assert "end a subscription" in problem["advice"]
        await others.close()
        await told(socket, "status", status="live", symbol="NVDA")
        assert (await told(socket, "quote", symbol="NVDA"))["last"]


async def test_a_book_that_a_halt_has_ended_comes_again_by_itself(home: Any) -> None:
    async with home.http.ws_connect("/ws/stream") as socket:
        await socket.send_json({**SUBSCRIBE, "channel": "depth"})
        await told(socket, "depth")
        home.simulator.exchange.halt(AAPL)
        ended = await told(socket, "status", channel="depth", status="stale")
        assert "halted" in ended["reason"].lower()
        home.simulator.exchange.resume(AAPL)
        await told(socket, "status", channel="depth", status="live")
        assert (await told(socket, "depth"))["asks"]
        assert len(sent(home, BOOK)) == 2


async def test_a_halt_empties_a_book_before_it_is_told_to_be_stale(home: Any) -> None:
    async with home.http.ws_connect("/ws/stream") as socket:
        await socket.send_json({**SUBSCRIBE, "channel": "depth"})
        await told(socket, "depth")
        home.simulator.exchange.halt(AAPL)
        while (book := await told(socket, "depth"))["asks"]:
            continue
        assert (book["bids"], book["asks"]) == ([], [])
        status, problem = await home.call("GET", "/market/depth/AAPL")
        assert (status, problem["ibkr_code"], problem["retryable"]) == (422, 316, True)
