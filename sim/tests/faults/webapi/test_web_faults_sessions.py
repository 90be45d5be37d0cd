"""Faults of sessions at the Web API's door: lost, late and taken logins, tokens and bridges."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from ibkr_sim.faults.catalogue import KINDS
from ibkr_sim.faults.injection import FaultOrder
from ibkr_sim.faults.trigger import InvalidFault
from ibkr_sim.server import Simulator, SimulatorSettings

if TYPE_CHECKING:
    from sim.tests.faults.webapi.conftest import House

ACCOUNT = "DU9912345"
ORDERS = f"/iserver/account/{ACCOUNT}/orders"
INIT = "/iserver/auth/ssodh/init"
BODY = {"publish": True, "compete": True}
ORDER = {"orders": [{"conid": 265598, "side": "BUY", "quantity": 10, "orderType": "MKT", "cOID": "mine"}]}
NO_BRIDGE = (400, {"error": "Bad Request: no bridge", "statusCode": 400})
UNAUTHENTICATED = (401, {"error": "not authenticated", "statusCode": 401})


async def test_init_fails_so_many_times_and_then_succeeds(web: House) -> None:
    web.fault("init_500", tries=2)
    for _time in range(2):
        assert await web.call("POST", INIT, json=BODY) == (500, {"error": "can't connect to backend service"})
    assert (await web.post(INIT, BODY))["authenticated"] is True


async def test_a_session_is_not_established_until_its_time(web: House) -> None:
    web.fault("not_established", seconds=10)
    told = await web.post(INIT, BODY)
    assert (told["passed"], told["authenticated"], told["established"]) == (True, True, False)
    assert (await web.post("/iserver/auth/status"))["established"] is False
    web.advance(11)
    await web.until(lambda: not web.simulator.faults.injections)
    assert (await web.post("/iserver/auth/status"))["established"] is True
    assert "passed" not in await web.post(INIT, BODY)


async def test_in_the_middle_of_the_day_everything_is_401_until_a_new_init(web: House) -> None:
    web.fault("unauthorized", "request:/iserver/account/*/orders:2")
    await web.place("first")
    assert await web.call("POST", ORDERS, json=ORDER) == UNAUTHENTICATED
    assert await web.call("POST", "/tickle") == UNAUTHENTICATED
    await web.post(INIT, BODY)
    assert not web.simulator.faults.injections
    await web.get("/iserver/accounts")
    assert (await web.place("second"))[0]["order_status"] == "Filled"
    assert [row[0] for row in web.truth()] == ["first", "second"]


async def test_the_bridge_is_gone_between_two_orders(web: House) -> None:
    web.fault("no_bridge", "order:1")
    await web.place("first")
    assert await web.call("POST", ORDERS, json=ORDER) == NO_BRIDGE
    assert (await web.post("/iserver/auth/status"))["authenticated"] is True
    await web.post(INIT, BODY)
    assert (await web.call("POST", ORDERS, json=ORDER))[1] == {"error": "Please query /accounts first"}
    await web.get("/iserver/accounts")
    assert (await web.place("second"))[0]["order_status"] == "Filled"
    assert [row[0] for row in web.truth()] == ["first", "second"]


async def test_accounts_must_be_asked_for_again(web: House) -> None:
    web.fault("accounts_first")
    assert await web.call("POST", ORDERS, json=ORDER) == (500, {"error": "Please query /accounts first"})
    await web.get("/iserver/accounts")
    await web.place("mine")
    assert web.truth() == [("mine", "Filled", "10")]


async def test_somebody_else_has_the_session_until_one_competes(web: House) -> None:
    stream = await web.stream()
    web.fault("competing")
    told = (await stream.next("sts"))["args"]
    assert (told["authenticated"], told["competing"]) == (False, True)
    assert await web.call("POST", ORDERS, json=ORDER) == NO_BRIDGE
    assert (await web.post(INIT, {"publish": True, "compete": False}))["authenticated"] is False
    assert (await web.post(INIT, BODY))["authenticated"] is True
    await web.get("/iserver/accounts")
    await web.place("mine")
    assert web.truth() == [("mine", "Filled", "10")]


async def test_somebody_else_leaves_after_a_while(web: House) -> None:
    web.fault("competing", seconds=30)
    assert (await web.post("/iserver/auth/status"))["competing"] is True
    web.advance(31)
    await web.until(lambda: not web.simulator.faults.injections)
    assert (await web.post("/iserver/auth/status"))["competing"] is False
    assert (await web.post(INIT, {"publish": True, "compete": False}))["authenticated"] is True


async def test_somebody_else_takes_the_session_again_and_again(web: House) -> None:
    web.fault("competing", every=5)
    for _time in range(2):
        assert (await web.post(INIT, BODY))["authenticated"] is True
        web.advance(6)
        await web.until(lambda: next(iter(web.door.house.sessions)).competing)
        assert await web.call("POST", ORDERS, json=ORDER) == NO_BRIDGE


async def test_a_lost_login_is_access_denied_in_text_until_somebody_logs_in(web: House) -> None:
    stream = await web.stream()
    web.fault("login_lost")
    assert "sts" in [said.get("topic") for said in await stream.rest()]
    assert await web.call("GET", "/iserver/accounts") == (401, "Access Denied")
    assert await web.call("POST", INIT, json=BODY) == (401, "Access Denied")
    await _log_in(web)
    await web.ready()
    await web.place("mine")
    assert web.truth() == [("mine", "Filled", "10")]


async def _log_in(web: House) -> None:
    """As a person does in a browser, with a cookie jar."""
    root = web.door.url.removesuffix("/v1/api")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        form = {"user_name": "simulator", "password": "anything"}
        async with browser.post(f"{root}/sso/Login", data=form) as response:
            assert "Client login succeeds" in await response.text()


async def test_clearing_a_lost_login_logs_in_again(web: House) -> None:
    web.fault("login_lost")
    web.clear()
    assert (await web.post("/iserver/auth/status"))["authenticated"] is True


async def test_at_midnight_outer_and_brokerage_session_end_at_once(web: House) -> None:
    await web.rest("rests")
    web.fault("midnight_reset", seconds=60)
    assert await web.call("GET", "/iserver/accounts") == UNAUTHENTICATED
    assert await web.call("GET", "/portfolio/accounts") == UNAUTHENTICATED
    web.advance(61)
    await web.until(lambda: not web.simulator.faults.injections)
    assert (await web.call("GET", "/iserver/account/orders"))[0] == 500
    assert web.truth() == [("rests", "Submitted", "0")]


async def test_a_second_factor_keeps_everybody_out_until_it_is_given(web: House) -> None:
    web.fault("second_factor")
    assert await web.call("POST", INIT, json=BODY) == UNAUTHENTICATED
    web.clear()
    assert (await web.post("/iserver/auth/status"))["authenticated"] is True


async def test_over_night_the_port_refuses_and_the_brokerage_session_is_gone_afterwards(web: House) -> None:
    stream = await web.stream()
    web.fault("nightly_restart", seconds=60)
    with pytest.raises(EOFError):
        await stream.next("sts")
    with pytest.raises(aiohttp.ClientConnectionError):
        await web.call("GET", "/portfolio/accounts")
    web.advance(61)
    await web.until(lambda: web.door.is_open)
    assert isinstance(await web.get("/portfolio/accounts"), list)
    assert await web.call("POST", ORDERS, json=ORDER) == NO_BRIDGE
    assert (await web.post(INIT, BODY))["authenticated"] is True


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a port at which nobody listens")
async def test_over_night_no_other_program_is_given_the_port(web: House) -> None:
    web.fault("nightly_restart", seconds=60)
    await web.until(lambda: not web.door.is_open)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", web.door.port))


async def test_behind_a_relay_a_restart_accepts_and_drops(web: House) -> None:
    web.fault("nightly_restart", relay=True)
    with pytest.raises(aiohttp.ClientConnectionError):
        await web.call("GET", "/portfolio/accounts")
    web.clear()
    assert isinstance(await web.get("/portfolio/accounts"), list)


async def test_a_fault_ordered_at_the_start_is_there_before_the_first_caller(open_web: Callable[..., Any]) -> None:
    web = await open_web(faults=(FaultOrder("login_lost"),))
    assert await web.call("GET", "/iserver/accounts") == (401, "Access Denied")


def test_a_fault_of_this_door_is_refused_while_the_door_is_closed() -> None:
    with pytest.raises(InvalidFault, match="paced_out concerns the Web API's door alone, and that is closed"):
        Simulator(SimulatorSettings(faults=(FaultOrder("paced_out"),)))


@pytest.mark.parametrize(
    ("name", "chosen", "reason"),
    [
        ("tif_preset", {"client": "gateway"}, "tif_preset concerns the TWS door alone, and gateway is no client of it"),
        ("silent_sor", {"client": 1}, "silent_sor concerns the Web API's door alone, and 1 is no client of it"),
        ("farm_down", {"on": "request:3"}, "request happens at the Web API's door alone"),
        ("delay", {"on": "reply", "client": 7}, "reply happens at the Web API's door alone"),
    ],
)
async def test_what_no_client_could_notice_is_refused(
    web: House, name: str, chosen: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidFault, match=reason):
        web.fault(name, **chosen)
    assert not web.simulator.faults.injections


async def test_a_fault_for_another_way_in_does_not_concern_the_gateway(web: House) -> None:
    web.fault("paced_out", client="oauth1")
    assert isinstance(await web.get("/portfolio/accounts"), list)
    web.fault("paced_out", client="gateway")
    assert (await web.call("GET", "/portfolio/accounts"))[0] == 429


async def test_with_every_fault_cleared_service_is_as_before(web: House) -> None:
    for name in KINDS:
        web.fault(name, "order:1000")
        if name not in ("nightly_restart", "second_factor"):
            web.fault(name)
    assert web.clear() >= len(KINDS)
    await web.post(INIT, BODY)
    await web.ready()
    assert (await web.place("after"))[0]["order_status"] == "Filled"
    assert web.truth() == [("after", "Filled", "10")]
