"""IBKR's gateway program in front of the door: its own requests, its one jar of cookies, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import aiohttp
import pytest

KEPT = frozenset(["XYZAB", "XYZAB_AM.LOGIN", "JSESSIONID", "USERID", "cp", "api", "portal", "web", "RL", "URL_PARAM"])
"""Cookies of these names enter the gateway's jar; it drops all others, and those of its callers."""
AGENT = "ClientPortalGW/1"


class Gateway:
    """Its requests to its upstream, with what it keeps between them."""

    def __init__(self, house: Any) -> None:
        self.house = house
        self.root = house.door.url.removesuffix("/v1/api")
        self.jar = {"REGION": "", "USERID": ""}

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.jar.items())

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, str, str]:
        """Status, body and location."""
        headers = {"Cookie": self.cookie, "Accept-Encoding": "identity", **options.pop("headers", {})}
        request = self.house.http.request(method, self.root + path, headers=headers, allow_redirects=False, **options)
        async with request as answer:
            for line in answer.headers.getall("Set-Cookie", []):
                for name, morsel in SimpleCookie(line).items():
                    if name in KEPT:
                        self.jar[name] = morsel.value
            return answer.status, await answer.text(), answer.headers.get("Location", "")

    async def log_in(self) -> None:
        """The page in a browser, then what the gateway does by itself when it sees the redirection."""
        _status, page, _location = await self.ask("GET", "/sso/Login?forwardTo=22&RL=1&ip2loc=off")
        assert "SIMULATOR" in page
        status, _page, location = await self.ask("POST", "/sso/Login", data={"user_name": "me", "password": "no"})
        assert (status, location.partition("?")[0]) == (302, "/sso/Dispatcher")
        status, _page, _location = await self.ask("GET", location)
        assert status == 302


@pytest.fixture
async def gateway(open_house: Callable[..., Any]) -> Gateway:
    return Gateway(await open_house(auto_login=False, pacing=True))


async def test_before_the_login_its_upstreams_own_refusal_passes(gateway: Gateway) -> None:
    assert await gateway.ask("GET", "/v1/api/iserver/accounts") == (401, "Access Denied", "")
    status, _body, location = await gateway.ask("GET", "/")
    assert (status, location.partition("?")[0]) == (302, "/sso/Login")


async def test_the_login_takes_what_the_gateway_asks_of_its_upstream(gateway: Gateway) -> None:
    await gateway.log_in()
    status, body, _location = await gateway.ask("GET", "/v1/portal/sso/validate?gw=1")
    told = json.loads(body)
    assert (status, told["RESULT"], told["USER_ID"]) == (200, True, int(gateway.jar["USERID"]))
    assert told["USER_NAME"]
    assert "username" in json.loads((await gateway.ask("GET", "/v1/portal/one/user"))[1])
    assert (await gateway.ask("POST", "/v1/portal/ssodh/init", json={}))[0] == 200
    status, body, _location = await gateway.ask("POST", "/v1/portal/iserver/reauthenticate", data="")
    assert (status, json.loads(body)) == (200, {"message": "triggered"})
    status, body, _location = await gateway.ask("POST", "/v1/portal/iserver/auth/status", data="")
    assert json.loads(body)["authenticated"] is True


async def test_its_own_validation_leaves_its_caller_the_one_of_that_minute(gateway: Gateway) -> None:
    await gateway.log_in()
    assert (await gateway.ask("GET", "/v1/portal/sso/validate?gw=1"))[0] == 200
    assert (await gateway.ask("GET", "/v1/portal/sso/validate"))[0] == 200
    assert (await gateway.ask("GET", "/v1/portal/sso/validate"))[0] == 429


async def test_every_caller_of_the_gateway_is_in_its_one_session(gateway: Gateway) -> None:
    await gateway.log_in()
    told = json.loads((await gateway.ask("POST", "/v1/api/tickle", data=""))[1])
    assert told["session"] == gateway.jar["api"]
    assert gateway.jar.keys() <= KEPT | {"REGION"}
    assert (await gateway.ask("GET", "/v1/portal/portfolio/accounts", headers={"X-Caller": "another"}))[0] == 200


async def test_its_jar_is_enough_for_the_websocket(gateway: Gateway) -> None:
    await gateway.log_in()
    headers = {"Cookie": gateway.cookie, "User-Agent": AGENT, "Sec-WebSocket-Origin": gateway.root}
    async with gateway.house.http.ws_connect(f"{gateway.root}/v1/api/ws", headers=headers) as socket:
        first = await socket.receive(timeout=5)
        assert first.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)
        assert json.loads(first.data)["success"] == "simulator"


async def test_its_ping_keeps_the_login_but_no_brokerage_session(gateway: Gateway) -> None:
    """It does not tickle for its callers."""
    await gateway.log_in()
    for _time in range(3):
        gateway.house.advance(minutes=5)
        assert (await gateway.ask("GET", "/sso/ping"))[0] == 200
    status = json.loads((await gateway.ask("POST", "/v1/api/iserver/auth/status", data=""))[1])
    assert (status["authenticated"], status["connected"]) == (False, True)
    assert (await gateway.ask("GET", "/v1/api/portfolio/accounts"))[0] == 200


async def test_a_logout_ends_the_session_of_all(gateway: Gateway) -> None:
    await gateway.log_in()
    assert (await gateway.ask("POST", "/v1/api/logout", data=""))[0] == 200
    assert (await gateway.ask("GET", "/sso/ping"))[0] == 401
    assert (await gateway.ask("GET", "/v1/api/portfolio/accounts"))[0] == 401
