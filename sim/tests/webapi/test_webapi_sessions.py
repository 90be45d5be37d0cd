"""Both tiers of a session: login, bridge, competition, and how they end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ibkr_sim.webapi.sessions.portal import Access
from ibkr_sim.webapi.settings import Unsettled

INIT = {"publish": True, "compete": True}


async def test_before_a_login_calls_are_denied_in_plain_words(open_house: Callable[..., Any]) -> None:
    house = await open_house(auto_login=False)
    assert await house.call("GET", "/iserver/accounts") == (401, "Access Denied")
    assert await house.call("POST", "/tickle") == (401, "Access Denied")
    status, body = await house.call("POST", "/iserver/auth/status")
    assert (status, set(body)) == (200, {"authenticated", "competing", "connected", "MAC"})
    assert body["authenticated"] is body["connected"] is False


async def test_the_login_page_says_simulator_and_keeps_nothing(open_house: Callable[..., Any]) -> None:
    house = await open_house(auto_login=False)
    status, page = await house.call("GET", "/sso/Login?forwardTo=22&RL=1")
    assert status == 200
    assert "SIMULATOR" in page
    url = house.door.url.removesuffix("/v1/api")
    typed = {"user_name": "somebody", "password": "secret"}
    async with house.http.post(f"{url}/sso/Login", data=typed, allow_redirects=False) as response:
        assert response.status == 302
        cookies = {name: morsel.value for name, morsel in response.cookies.items()}
        onward = response.headers["Location"]
    async with house.http.get(url + onward, cookies=cookies, allow_redirects=False) as response:
        assert response.status == 302
        assert "api" in response.cookies
    assert "Client login succeeds" in (await house.call("GET", "/sso/Success"))[1]
    assert (await house.post("/iserver/auth/status"))["authenticated"] is True
    told = await house.get("/v1/portal/sso/validate?gw=1")
    assert (told["RESULT"], told["USER_NAME"]) == (True, "simulator")
    assert "somebody" not in str(vars(house.door.house.sessions.gateway))


async def test_who_logs_in_again_does_not_compete_with_himself(open_house: Callable[..., Any]) -> None:
    house = await open_house(auto_login=False)
    url = house.door.url.removesuffix("/v1/api")
    typed = {"user_name": "somebody", "password": "secret"}
    for _login in range(2):
        async with house.http.post(f"{url}/sso/Login", data=typed, allow_redirects=False) as response:
            onward = response.headers["Location"]
            cookies = {name: morsel.value for name, morsel in response.cookies.items()}
        async with house.http.get(url + onward, cookies=cookies, allow_redirects=False) as response:
            assert "api" in response.cookies
    status = await house.post("/iserver/auth/status")
    assert (status["authenticated"], status["competing"]) == (True, False)


async def test_nobody_logs_in_by_the_dispatcher_alone(open_house: Callable[..., Any]) -> None:
    house = await open_house(auto_login=False)
    status, _page = await house.call("GET", "/sso/Dispatcher")
    assert status == 302
    assert (await house.post("/iserver/auth/status"))["authenticated"] is False


async def test_what_the_gateway_program_asks_of_its_upstream_is_answered(house: Any) -> None:
    assert (await house.get("/v1/portal/one/user"))["username"] == "simulator"
    assert (await house.call("GET", "/v1/portal/ssodh/init"))[0] == 200
    house.advance(minutes=5)
    assert (await house.call("GET", "/sso/ping"))[0] == 200
    assert await house.post("/v1/portal/iserver/reauthenticate") == {"message": "triggered"}


async def test_a_session_tells_who_it_is(house: Any) -> None:
    status = await house.post("/iserver/auth/status")
    assert set(status) == {
        "authenticated", "established", "competing", "connected", "message", "MAC", "serverInfo", "hardware_info",
        "fail",
    }  # fmt: skip
    tickle = await house.post("/tickle")
    assert set(tickle) == {"session", "ssoExpires", "collission", "userId", "hmds", "iserver"}
    assert len(tickle["session"]) == 32
    assert tickle["hmds"] == {"error": "no bridge"}


async def test_an_init_by_query_alone_leaves_no_bridge(house: Any) -> None:
    answer = await house.post("/iserver/auth/ssodh/init?publish=true&compete=true")
    assert answer["authenticated"] is True
    assert (await house.call("GET", "/iserver/accounts"))[0] == 200
    unbridged = (400, {"error": "Bad Request: no bridge", "statusCode": 400})
    assert await house.call("GET", "/iserver/account/orders") == unbridged
    await house.post("/iserver/auth/ssodh/init", INIT)
    await house.get("/iserver/accounts")
    assert (await house.call("GET", "/iserver/account/orders"))[0] == 200


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"error": "Please query /accounts first"}),
        (400, {"error": "Bad Request: Please query /accounts first", "statusCode": 400}),
    ],
)
async def test_accounts_come_first(open_house: Callable[..., Any], status: int, body: object) -> None:
    house = await open_house(unsettled=Unsettled(accounts_first_status=status))
    assert await house.call("GET", "/iserver/account/orders") == (status, body)
    assert await house.call("GET", "/iserver/marketdata/snapshot?conids=265598&fields=31") == (status, body)


async def test_an_init_forgets_every_preflight(trader: Any) -> None:
    assert (await trader.get("/iserver/account/orders"))["snapshot"] is True
    await trader.post("/iserver/questions/suppress", {"messageIds": ["o163"]})
    await trader.post("/iserver/auth/ssodh/init", INIT)
    assert (await trader.call("GET", "/iserver/account/orders"))[0] == 500
    await trader.get("/iserver/accounts")
    assert (await trader.get("/iserver/account/orders"))["snapshot"] is False
    assert await trader.get("/iserver/account/trades") == []
    thin = await trader.get("/iserver/marketdata/snapshot?conids=265598&fields=31")
    assert thin == [{"conidEx": "265598", "conid": 265598}]


async def test_a_competitor_takes_the_brokerage_session_or_is_turned_away(trader: Any) -> None:
    sessions = trader.door.house.sessions
    rival = sessions.sign_in(Access.OAUTH2, "rival")
    assert sessions.initialise(rival, compete=False, bridged=True) is False
    assert rival.competing
    assert sessions.initialise(rival, compete=True, bridged=True) is True
    status = await trader.post("/iserver/auth/status")
    assert (status["authenticated"], status["competing"], status["connected"]) == (False, True, True)
    assert (await trader.call("GET", "/iserver/account/orders"))[0] == 400
    answer = await trader.post("/iserver/auth/ssodh/init", {"publish": True, "compete": False})
    assert (answer["authenticated"], answer["competing"]) == (False, True)
    assert (await trader.post("/iserver/auth/ssodh/init", INIT))["authenticated"] is True


async def test_idleness_ends_first_the_bridge_and_then_the_login(house: Any) -> None:
    house.advance(minutes=5)
    assert (await house.post("/tickle"))["iserver"]["authStatus"]["authenticated"] is True
    house.advance(minutes=7)
    status = await house.post("/iserver/auth/status")
    assert (status["authenticated"], status["connected"]) == (False, True)
    house.advance(minutes=11)
    assert await house.post("/tickle") == {"error": "no session"}
    expired = (401, {"error": "not authenticated", "statusCode": 401})
    assert await house.call("GET", "/portfolio/accounts") == expired


async def test_midnight_of_the_region_ends_the_login(open_house: Callable[..., Any]) -> None:
    house = await open_house(login_timeout=timedelta(days=9), idle_timeout=timedelta(days=9))
    house.advance(hours=13.9)
    assert (await house.post("/iserver/auth/status"))["authenticated"] is True
    house.advance(hours=0.2)
    assert (await house.post("/iserver/auth/status"))["authenticated"] is False


async def test_a_logout_ends_everything(house: Any) -> None:
    assert await house.post("/logout") == {"status": True}
    assert (await house.call("GET", "/portfolio/accounts"))[0] == 401


async def test_a_session_that_comes_up_slowly_is_established_later(open_house: Callable[..., Any]) -> None:
    house = await open_house(unsettled=Unsettled(bridging_shape=True, establishing=timedelta(seconds=3)))
    answer = await house.post("/iserver/auth/ssodh/init", INIT)
    assert (answer["passed"], answer["established"]) == (True, False)
    house.advance(seconds=3)
    assert (await house.post("/iserver/auth/status"))["established"] is True


async def test_validate_counts_down_to_the_end_of_the_login(house: Any) -> None:
    house.advance(minutes=2)
    await house.post("/tickle")
    assert 0 < (await house.get("/sso/validate"))["EXPIRES"] <= 600_000
