"""/ws/stream over the real service and the real simulator."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import aiohttp
import pytest

if TYPE_CHECKING:
    from bridge.tests.api.conftest import Caller, Calling

SUBSCRIBE = {"action": "subscribe", "symbol": "AAPL"}


def is_open(caller: Caller, conid: int = 265598) -> bool:
    """Whether the service still keeps a line for the contract."""
    return caller.engine.marketdata.latest(conid) is not None


async def until_closed(caller: Caller) -> None:
    async with asyncio.timeout(10):
        while is_open(caller):  # noqa: ASYNC110  the engine has no event for it
            await asyncio.sleep(0.02)


async def test_the_first_message_is_a_quote_and_then_each_change(caller: Caller) -> None:
    async with caller.socket("/ws/stream") as socket:
        await socket.send_json(SUBSCRIBE)
        first = await socket.receive_json(timeout=10)
        assert first["type"] == "quote"
        assert first["symbol"] == "AAPL"
        assert {"bid", "ask", "last", "timestamp"} <= first.keys()
        priced = await caller.hear(socket, type="quote")
        assert priced["timestamp"] >= first["timestamp"]


async def test_a_second_socket_gets_the_last_known_value_at_once(caller: Caller) -> None:
    known = (await caller.get("/market/quote/AAPL"))[1]
    async with caller.socket("/ws/stream") as socket:
        await socket.send_json(SUBSCRIBE)
        quote = await socket.receive_json(timeout=10)
        assert quote["last"] is not None
        assert quote.keys() == known.keys() | {"type"}
        assert quote["stale"] is None


async def test_an_id_is_acknowledged_and_its_absence_is_not(caller: Caller) -> None:
    async with caller.socket("/ws/stream") as socket:
        await socket.send_json({"action": "subscribe", "symbols": ["AAPL", "MSFT", "NOSUCH"], "id": 7})
        ack = await caller.hear(socket, type="ack")
        assert (ack["id"], ack["action"]) == (7, "subscribe")
        assert {contract["symbol"] for contract in ack["contracts"]} == {"AAPL", "MSFT"}
        await socket.send_json({"action": "unsubscribe", "symbol": "AAPL", "id": "b"})
        ack = await caller.hear(socket, type="ack")
        assert (ack["id"], ack["contracts"]) == ("b", [{"symbol": "AAPL", "conid": 265598}])


async def test_errors_do_not_close_the_socket(caller: Caller) -> None:
    wrong: list[tuple[str | bytes, str]] = [
        ("{", "request.invalid"),
        (b"\x80\x81", "request.invalid"),
        ("[]", "request.invalid"),
        ("{}", "request.invalid"),
        ('{"action":"buy"}', "request.invalid"),
        ('{"action":"subscribe"}', "request.invalid"),
        ('{"action":"subscribe","symbol":"AAPL","conid":true}', "request.invalid"),
        ('{"action":"subscribe","symbol":"AAPL","smybol":"x"}', "request.invalid"),
        (r'{"action":"subscribe","symbol":"\ud800"}', "request.invalid"),
        (r'{"action":"subscribe","symbol":"A\u0000B"}', "request.invalid"),
        (r'{"action":"subscribe","symbol":"AAPL","id":"\u00e9"}', "request.invalid"),
        ('{"action":"subscribe","symbol":"NOSUCH"}', "contract.unknown"),
        ('{"action":"unsubscribe","symbol":"MSFT"}', "subscription.unknown"),
        (json.dumps({"action": "subscribe", "symbol": "A" * 70_000}), "request.invalid"),
    ]
    async with caller.socket("/ws/stream") as socket:
        for text, code in wrong:
            await (socket.send_bytes(text) if isinstance(text, bytes) else socket.send_str(text))
            error = await socket.receive_json(timeout=10)
            assert (error["type"], error["code"]) == ("error", code), text[:100]
            assert error["detail"]
        await socket.send_json(SUBSCRIBE)
        assert (await caller.hear(socket, type="quote"))["symbol"] == "AAPL"
        await socket.send_json({"type": "ping"})
        assert (await caller.hear(socket, type="pong"))["timestamp"].endswith("Z")


async def test_a_line_is_kept_while_anybody_listens_and_given_back_after(caller: Caller) -> None:
    async with caller.socket("/ws/stream") as other:
        async with caller.socket("/ws/stream") as one:
            for socket in (one, other):
                for _ in range(2):  # asking twice holds one line
                    await socket.send_json({**SUBSCRIBE, "id": 1})
                    await caller.hear(socket, type="ack")
            await caller.hear(other, type="quote")
            await one.send_json({"action": "unsubscribe", "conid": 265598, "id": 2})
            await caller.hear(one, type="ack", id=2)
        await asyncio.sleep(1.5)  # lines that nobody wants are closed every second
        assert is_open(caller)
        await caller.hear(other, type="quote")
    await until_closed(caller)


async def test_a_socket_that_breaks_off_gives_its_lines_back(caller: Caller) -> None:
    async with aiohttp.ClientSession() as http:
        socket = await http.ws_connect(f"{caller.url}/ws/stream")
        await socket.send_json({**SUBSCRIBE, "id": 1})
        await caller.hear(socket, type="quote")
        assert is_open(caller)
    await until_closed(caller)


async def test_what_is_left_while_it_is_being_subscribed_to_is_left(caller: Caller) -> None:
    async with caller.socket("/ws/stream") as socket:
        words: tuple[dict[str, object], ...] = ({"symbol": "AAPL"}, {"conid": 265598})
        for number, left in enumerate(words, start=1):
            await socket.send_json({**SUBSCRIBE, "id": number})
            await socket.send_json({"action": "unsubscribe", **left, "id": -number})
            acks = [await caller.hear(socket, type="ack") for _ in range(2)]
            assert [(ack["id"], len(ack["contracts"])) for ack in acks] == [(number, 1), (-number, 1)]
        await until_closed(caller)


async def test_what_is_left_makes_room_for_what_is_asked_next(calling: Calling) -> None:
    async with calling(ws_subscriptions=1) as caller, caller.socket("/ws/stream") as socket:
        await socket.send_json({**SUBSCRIBE, "id": 1})
        await socket.send_json({**SUBSCRIBE, "action": "unsubscribe", "id": 2})
        await socket.send_json({"action": "subscribe", "symbol": "IBM", "id": 3})
        assert (await caller.hear(socket, type="ack", id=3))["contracts"][0]["symbol"] == "IBM"


async def test_there_is_a_limit_of_subscriptions_per_socket(calling: Calling) -> None:
    async with calling(ws_subscriptions=2) as caller, caller.socket("/ws/stream") as socket:
        await socket.send_json({"action": "subscribe", "symbols": ["AAPL", "MSFT", "IBM"], "id": 1})
        error = await caller.hear(socket, type="error")
        assert (error["code"], error["symbol"]) == ("subscription.limit", "IBM")
        await socket.send_json({"action": "unsubscribe", "symbol": "AAPL"})
        await socket.send_json({"action": "subscribe", "symbol": "IBM", "id": 2})
        assert (await caller.hear(socket, type="ack", id=2))["contracts"][0]["symbol"] == "IBM"


async def test_a_lost_line_is_told_once_and_the_last_value_stays(caller: Caller) -> None:
    async with caller.socket("/ws/stream") as socket:
        await socket.send_json(SUBSCRIBE)
        await caller.hear(socket, type="quote")
        await caller.simulator.__aexit__(None, None, None)
        lost = await caller.hear(socket, type="status")
        assert (lost["status"], lost["symbol"], bool(lost["reason"])) == ("stale", "AAPL", True)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await caller.hear(socket, type="status")
    status, quote = await caller.get("/market/quote/AAPL")
    assert (status, bool(quote["stale"])) == (200, True)


async def test_a_burst_of_requests_is_answered_one_by_one(calling: Calling) -> None:
    async with calling(ws_queue=10) as caller, caller.socket("/ws/stream") as socket:
        for number in range(500):
            await socket.send_json({"type": "ping", "id": number})
        for number in range(500):
            assert (await socket.receive_json(timeout=10))["id"] == number


async def test_a_wrong_id_is_called_id(caller: Caller) -> None:
    async with caller.socket("/ws/stream") as socket:
        wrong: object
        for wrong in ("x" * 65, 1.5, [], "\n"):
            await socket.send_json({**SUBSCRIBE, "id": wrong})
            told = await caller.hear(socket, type="error")
            assert (told["code"], told["advice"]) == ("request.invalid", "Correct `id` and send it again.")
            assert told["detail"].startswith("id: ")
        await socket.send_json({"action": "subscribe", "symbols": ["AAPL", ""]})
        assert (await caller.hear(socket, type="error"))["advice"] == "Correct `symbols.1` and send it again."
