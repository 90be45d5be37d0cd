"""What a web page in the user's own browser could try against a service on loopback."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

if TYPE_CHECKING:
    from bridge.tests.api.conftest import Caller, Calling

EVIL = "http://evil.example"
ORDER = '{"symbol":"AAPL","side":"BUY","qty":100,"type":"MARKET"}'
JSON = {"Content-Type": "application/json"}


async def nothing_happened(caller: Caller) -> bool:
    orders: list[Any] = (await caller.get("/orders"))[1]["orders"]
    return orders == []


@pytest.mark.parametrize(
    "origin", [EVIL, "null", "http://127.0.0.1:9", "http://localhost.evil.example", "file://", "["]
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_foreign_origin_is_refused_on_every_kind_of_request(shared: Caller, origin: str) -> None:
    for method, path in (("GET", "/positions"), ("POST", "/orders"), ("DELETE", "/orders/x"), ("OPTIONS", "/orders")):
        status, problem = await shared.call(method, path, data=ORDER, headers={**JSON, "Origin": origin})
        assert (status, problem["code"]) == (403, "origin.refused")
    assert await nothing_happened(shared)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_simple_request_with_json_in_disguise_is_refused(shared: Caller, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    skip = ["Content-Type"] if not content_type else []
    options = {"data": ORDER.encode(), "headers": headers, "skip_auto_headers": skip}
    status, problem = await shared.call("POST", "/orders", **options)
    assert (status, problem["code"]) == (415, "body.not_json")
    assert await nothing_happened(shared)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "[::2]"])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_name_rebound_to_loopback_is_refused(shared: Caller, host: str) -> None:
    for method, path in (("GET", "/positions"), ("POST", "/orders")):
        status, problem = await shared.call(method, path, data=ORDER, headers={**JSON, "Host": host})
        assert (status, problem["code"]) == (421, "host.refused")
    status, problem = await shared.get("/positions", headers={"Host": host, "Origin": f"http://{host}"})
    assert status == 421


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "LOCALHOST", "localhost.", "[::1]:8000"])
@pytest.mark.asyncio(loop_scope="module")
async def test_loopback_answers_to_its_own_names(shared: Caller, host: str) -> None:
    assert (await shared.get("/livez", headers={"Host": host}))[0] == 200


@pytest.mark.parametrize("path", ["/ws/stream", "/ws/ib"])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_websocket_from_a_foreign_page_is_not_opened(shared: Caller, path: str) -> None:
    for headers, status in (({"Origin": EVIL}, 403), ({"Host": "evil.example"}, 421)):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with shared.socket(path, headers=headers):
                pass
        assert refused.value.status == status


@pytest.mark.asyncio(loop_scope="module")
async def test_a_picture_of_a_foreign_page_loads_nothing_but_a_link_to_the_docs_works(shared: Caller) -> None:
    picture = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert (await shared.get("/market/quote/AAPL", headers=picture))[1]["code"] == "origin.refused"
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    async with shared.http.get(shared.url + "/docs", headers=link) as answer:
        assert answer.status == 200
        assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_page_of_our_own_may_call(shared: Caller) -> None:
    status, _ = await shared.get("/positions", headers={"Origin": shared.url})
    assert status == 200
    async with shared.socket("/ws/ib", headers={"Origin": shared.url}) as socket:
        assert (await shared.hear(socket))["event"] == "connectionChanged"


async def test_an_origin_on_the_list_gets_cors_headers_and_only_it(calling: Calling) -> None:
    friend = "https://trading.example.com"
    async with calling(cors_origins=(friend,)) as caller:
        ask = {
            "Origin": friend,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        async with caller.http.options(caller.url + "/orders", headers=ask) as preflight:
            assert preflight.status == 200
            assert preflight.headers["Access-Control-Allow-Origin"] == friend
        async with caller.http.get(caller.url + "/positions", headers={"Origin": friend}) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == friend
        async with caller.http.get(caller.url + "/positions", headers={"Origin": EVIL}) as answer:
            assert answer.status == 403
            assert "Access-Control-Allow-Origin" not in answer.headers
        async with caller.socket("/ws/ib", headers={"Origin": friend}) as socket:
            assert (await caller.hear(socket))["event"] == "connectionChanged"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_body_that_is_too_large_is_refused_with_and_without_a_length(shared: Caller) -> None:
    large = b" " * 70_000
    assert (await shared.call("POST", "/orders", data=large, headers=JSON))[1]["code"] == "body.too_large"

    async def pieces() -> Any:
        for _ in range(7):
            yield b" " * 10_000

    assert (await shared.call("POST", "/orders", data=pieces(), headers=JSON))[1]["code"] == "body.too_large"


async def test_a_body_that_dawdles_is_not_waited_for(calling: Calling) -> None:
    async with calling(body_timeout=0.2) as caller:
        _, host, port = caller.url.split(":")
        reader, writer = await asyncio.open_connection(host.strip("/"), int(port))
        head = "POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
        writer.write(head.encode() + b"{")
        answer = await reader.readuntil(b"\r\n")
        assert b" 408 " in answer
        writer.close()
        await writer.wait_closed()
