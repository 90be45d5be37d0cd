"""The broker goes away and comes back; what callers see of it."""

from __future__ import annotations

import asyncio
from typing import Any

MARKET = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "MARKET"}


async def test_reads_turn_stale_orders_are_refused_and_both_recover(home: Any) -> None:
    _status, order = await home.call("POST", "/orders", MARKET)
    await home.until_order(order["id"], "filled")
    for path in ("/account/summary", "/positions", "/pnl", "/market/quote/AAPL"):
        assert (await home.call("GET", path))[1]["stale"] is None
    home.tap.closed = True
    home.tap.cut()
    await home.until_ready(ready=False)

    status, health = await home.call("GET", "/health")
    assert (status, health["status"], health["ib_connected"]) == (200, "degraded", False)
    assert health["service"]["status"] == "healthy"
    status, problem = await home.call("POST", "/orders", MARKET)
    assert (status, problem["code"], problem["retryable"]) == (503, "broker.away", True)
    for path in ("/account/summary", "/positions", "/pnl", "/market/quote/AAPL"):
        status, answer = await home.call("GET", path)
        assert status == 200
        assert answer["stale"]
        assert answer["as_of"]

    home.tap.closed = False
    await home.until_ready()
    assert (await home.call("GET", "/health"))[1]["status"] == "healthy"
    assert (await home.call("GET", "/market/quote/AAPL"))[1]["stale"] is None
    assert (await home.call("POST", "/orders", MARKET))[0] == 201


async def test_a_listener_hears_of_loss_and_return_once_each(home: Any) -> None:
    async with home.http.ws_connect("/ws/ib") as socket:
        assert (await socket.receive_json(timeout=5))["data"]["connected"] is True
        home.tap.closed = True
        home.tap.cut()
        await home.until_ready(ready=False)
        await asyncio.sleep(1.5)  # several attempts fail meanwhile, and none of them is news
        home.tap.closed = False
        await home.until_ready()
        heard: list[dict[str, Any]] = []
        while not heard or not heard[-1]["connected"]:
            message = await socket.receive_json(timeout=5)
            assert message["event"] == "connectionChanged"
            heard.append(message["data"])
        assert [data["connected"] for data in heard if data["state"] != "connecting"] == [False, True]


async def test_quotes_flow_again_after_the_connection_broke(home: Any) -> None:
    async with home.http.ws_connect("/ws/stream") as socket:
        await socket.send_json({"action": "subscribe", "symbol": "AAPL"})
        assert (await socket.receive_json(timeout=5))["type"] == "quote"
        home.tap.cut()
        states: list[str] = []
        async with asyncio.timeout(10):
            while states[-2:] != ["status", "quote"]:
                states.append((await socket.receive_json())["type"])


async def test_a_lost_link_behind_the_gateway_refuses_orders_until_it_is_back(home: Any) -> None:
    home.tap.message(-1, 1100, "Connectivity between IBKR and TWS has been lost.")
    await home.until_ready(ready=False)
    assert (await home.call("GET", "/health"))[1]["ibkr"]["code"] == "session.link_lost"
    assert (await home.call("POST", "/orders", MARKET))[0] == 503
    home.tap.message(-1, 1102, "Connectivity has been restored - data maintained.")
    await home.until_ready()
    assert home.tap.connections == 1


async def test_after_a_link_that_lost_its_data_every_line_is_asked_for_again(home: Any) -> None:
    await home.call("GET", "/market/quote/AAPL")

    def lines_asked_for() -> int:
        return sum(message[0] == "1" for message in home.tap.said)

    assert lines_asked_for() == 1
    home.tap.message(-1, 1100, "lost")
    home.tap.message(-1, 1101, "Connectivity has been restored - data lost.")

    async def again() -> bool:
        return lines_asked_for() == 2

    await home.until(again)
    await home.until_ready()
    assert (await home.call("GET", "/market/quote/AAPL"))[1]["stale"] is None
    assert home.tap.connections == 1
