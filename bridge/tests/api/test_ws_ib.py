"""/ws/ib over the real service and the real simulator."""

from __future__ import annotations

import asyncio
import base64
import json
import socket as sockets
import struct
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog

if TYPE_CHECKING:
    from bridge.tests.api.conftest import Caller, Calling

MARKET = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "MARKET", "client_order_id": "mine"}


async def test_the_state_of_the_connection_comes_first(caller: Caller) -> None:
    async with caller.socket("/ws/ib") as socket:
        first = await socket.receive_json(timeout=10)
        assert first["event"] == "connectionChanged"
        assert first["data"]["connected"] is True
        assert first["data"]["accounts"]


async def test_an_order_is_followed_from_receipt_to_commission(caller: Caller) -> None:
    async with caller.socket("/ws/ib") as socket:
        placed = (await caller.post("/orders", MARKET))[1]
        heard: list[dict[str, Any]] = []
        async with asyncio.timeout(10):
            while not any(message["event"] == "commissionReport" for message in heard):
                message = await socket.receive_json()
                if message["event"] in ("orderStatus", "execDetails", "commissionReport"):
                    heard.append(message)
    statuses = [message["data"] for message in heard if message["event"] == "orderStatus"]
    assert statuses[0]["status"] == "received"
    assert statuses[-1]["status"] == "filled"
    assert {status["id"] for status in statuses} == {placed["id"]}
    assert {status["client_order_id"] for status in statuses} == {"mine"}
    last = statuses[-1]
    assert (last["filled"], last["remaining"], last["filled_qty"]) == (10, 0, 10)
    assert last["avgFillPrice"] == last["avg_fill_price"]
    assert last["orderId"] == last["broker"][-1]["order_id"]
    assert last["permId"] == last["broker"][-1]["perm_id"]
    fill = next(message["data"] for message in heard if message["event"] == "execDetails")
    assert (fill["order_id"], fill["side"], fill["contract"]["symbol"]) == (placed["id"], "BUY", "AAPL")
    assert fill["price"] > 0
    report = next(message["data"] for message in heard if message["event"] == "commissionReport")
    assert (report["exec_id"], report["currency"]) == (fill["exec_id"], "USD")
    assert report["commission"] > 0
    places = [message["seq"] for message in heard]
    assert places == sorted(places)


async def test_profit_and_loss_arrives_by_itself(caller: Caller) -> None:
    async with caller.socket("/ws/ib") as socket:
        await caller.post("/orders", MARKET)
        update = (await caller.hear(socket, event="pnlUpdate"))["data"]
        assert update["account"] == caller.account
        assert {"daily_pnl", "unrealized_pnl", "realized_pnl", "as_of", "stale"} <= update.keys()
        assert "seq" not in update


async def test_a_ping_is_answered_and_anything_else_is_an_error(caller: Caller) -> None:
    async with caller.socket("/ws/ib") as socket:
        await socket.send_json({"type": "ping"})
        pong = await caller.hear(socket, event="pong")
        assert pong["data"]["timestamp"].endswith("Z")
        for text in ("ping", "{}", '{"type":"pong"}', '{"type":"ping","more":1}'):
            await socket.send_str(text)
            error = await caller.hear(socket, event="error")
            assert error["data"]["code"] == "request.invalid"
        await socket.send_json({"type": "ping", "id": "a"})
        assert (await caller.hear(socket, event="pong"))["data"]["id"] == "a"


async def test_losing_the_broker_is_an_event(caller: Caller) -> None:
    async with caller.socket("/ws/ib") as socket:
        await caller.hear(socket, event="connectionChanged")
        await caller.simulator.__aexit__(None, None, None)
        lost = (await caller.hear(socket, event="connectionChanged"))["data"]
        assert (lost["connected"], lost["authenticated"]) == (False, False)
        assert lost["reason"]


async def test_a_reader_that_stops_reading_is_cut_off_and_hurts_nobody_else(calling: Calling) -> None:
    with structlog.testing.capture_logs() as logged:
        async with calling(ws_send_timeout=0.2) as caller, caller.socket("/ws/ib") as quick:
            stuck = await _never_reading(caller.url)
            flood = asyncio.create_task(_ask_for_ever(stuck))
            async with asyncio.timeout(30):
                while not any(line.get("path") == "/ws/stream" for line in logged):
                    await quick.send_json({"type": "ping"})
                    await caller.hear(quick, event="pong")
                    await asyncio.sleep(0.05)
            flood.cancel()
            await asyncio.wait([flood])
            async with asyncio.timeout(30):
                while await _taken(stuck):
                    pass
            stuck.close()
            await quick.send_json({"type": "ping"})
            await caller.hear(quick, event="pong")


async def test_a_stopping_service_says_so_to_its_sockets(calling: Calling) -> None:
    async with aiohttp.ClientSession() as http:
        async with calling() as caller:
            socket = await http.ws_connect(f"{caller.url}/ws/ib")
            await caller.hear(socket, event="connectionChanged")
        async with asyncio.timeout(10):
            while not (message := await socket.receive()).type.name.startswith("CLOS"):
                pass
        assert message.data == 4001


async def _never_reading(url: str) -> sockets.socket:
    """A WebSocket with a small window, by hand: a client library would read on its own."""
    _, host, port = url.split(":")
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 65536)
    raw.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(raw, (host.strip("/"), int(port)))
    key = base64.b64encode(b"0123456789abcdef").decode()
    upgrade = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13"
    await loop.sock_sendall(raw, f"GET /ws/stream HTTP/1.1\r\nHost: localhost\r\n{upgrade}\r\n\r\n".encode())
    assert b"101" in await loop.sock_recv(raw, 500)
    return raw


async def _taken(raw: sockets.socket) -> int:
    """How many bytes came; 0 once the connection has ended, gently or not."""
    try:
        return len(await asyncio.get_running_loop().sock_recv(raw, 1 << 20))
    except ConnectionError:
        return 0


async def _ask_for_ever(raw: sockets.socket) -> None:
    """Each request has an answer ten times its size."""
    loop = asyncio.get_running_loop()
    wrong = json.dumps({"action": "unsubscribe", "symbols": [f"NOSUCH{number}" for number in range(200)]})
    frame = _frame(wrong.encode())
    while True:
        await loop.sock_sendall(raw, frame)


def _frame(payload: bytes) -> bytes:
    """A text frame of 126 to 65535 bytes (RFC 6455, 5.2), masked with zeros."""
    return bytes([0x81, 0x80 | 126]) + struct.pack(">H", len(payload)) + bytes(4) + payload
