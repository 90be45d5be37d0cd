"""The server itself: paths, lengths, compression, TLS and limits."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

PATIENCE = 30.0


async def test_both_prefixes_and_a_slash_at_the_end_lead_to_the_same(house: Any) -> None:
    for path in ("/v1/api/trsrv/stocks", "/v1/portal/trsrv/stocks", "/v1/api/trsrv/stocks/"):
        assert "IBM" in await house.get(f"{path}?symbols=IBM")


async def test_an_unknown_path_is_not_found(house: Any) -> None:
    assert await house.call("GET", "/nothing/here") == (404, {"error": "Not Found", "statusCode": 404})
    assert await house.call("DELETE", "/tickle") == (404, {"error": "Not Found", "statusCode": 404})


async def test_a_body_that_is_no_json_is_a_bad_request(house: Any) -> None:
    headers = {"Content-Type": "application/json"}
    status, body = await house.call("POST", "/iserver/auth/ssodh/init", data="{", headers=headers)
    assert (status, body["statusCode"]) == (400, 400)


async def raw(house: Any, request: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.door.port)
    writer.write(request.replace("\n", "\r\n").encode())
    async with asyncio.timeout(PATIENCE):
        answer = await reader.read(65536)
    writer.close()
    return answer.decode()


async def test_a_post_without_a_length_is_refused(house: Any) -> None:
    answer = await raw(house, f"POST /v1/api/tickle HTTP/1.1\nHost: 127.0.0.1:{house.door.port}\n\n")
    assert answer.startswith("HTTP/1.1 411")


@pytest.mark.parametrize("header", ["Host: evil.example", "Host: localhost\nOrigin: https://evil.example"])
async def test_pages_and_strange_hosts_are_kept_out(house: Any, header: str) -> None:
    answer = await raw(house, f"GET /v1/api/portfolio/accounts HTTP/1.1\n{header}\n\n")
    assert answer.startswith("HTTP/1.1 403")


async def test_answers_are_compressed_for_who_can_read_them(house: Any) -> None:
    async with house.http.get(f"{house.door.url}/iserver/accounts") as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    async with house.http.get(
        f"{house.door.url}/iserver/accounts", headers={"Accept-Encoding": "identity"}
    ) as response:
        assert "Content-Encoding" not in response.headers


async def test_tls_is_served_with_a_certificate_of_its_own(open_house: Callable[..., Any]) -> None:
    house = await open_house(tls=True)
    assert house.door.url.startswith("https://127.0.0.1:")
    unverified = ssl.create_default_context()
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    assert (await house.call("POST", "/tickle", ssl=unverified))[0] == 200
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await house.call("POST", "/tickle")


async def test_one_request_too_many_puts_the_address_into_the_penalty_box(open_house: Callable[..., Any]) -> None:
    house = await open_house(pacing=True)
    await house.get("/iserver/accounts")
    assert (await house.call("GET", "/iserver/account/orders"))[0] == 200
    assert await house.call("GET", "/iserver/account/orders") == (429, {"error": "Too many requests"})
    assert (await house.call("GET", "/portfolio/accounts"))[0] == 429
    house.advance(minutes=14)
    assert (await house.call("GET", "/portfolio/accounts"))[0] == 429
    house.advance(minutes=1)
    house.door.house.sessions.log_in()
    assert (await house.call("GET", "/portfolio/accounts"))[0] == 200


async def test_ten_requests_a_second_pass_and_no_more(open_house: Callable[..., Any]) -> None:
    house = await open_house(pacing=True)
    answers = await asyncio.gather(*(house.call("POST", "/iserver/auth/status") for _time in range(11)))
    assert sorted(status for status, _body in answers) == [200] * 10 + [429]


async def test_the_command_opens_the_door_and_says_where() -> None:
    options = ("--tws-port", "0", "--control-port", "0", "--webapi-port", "0", "--webapi-login", "--ready-json")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ibkr_sim", "serve", *options, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            ready = json.loads(await process.stdout.readline())
        url = f"http://127.0.0.1:{ready['webapi_port']}/v1/api/iserver/accounts"
        async with aiohttp.ClientSession() as http, http.get(url) as response:
            assert (await response.json())["selectedAccount"] == ready["accounts"][0]
    finally:
        process.terminate()
        await process.communicate()
