"""The session over the gateway's door: its beginning, its bad days, and what each is called."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from ibkr_bridge.domain.contract import ContractQuery
from ibkr_bridge.domain.errors import BrokerAway, WorldMismatch
from ibkr_bridge.domain.session import SessionState
from ibkr_bridge.ports.upstream import QuoteChanged, QuoteFailed, SessionChanged
from ibkr_bridge.runtime.clock import SystemClock
from ibkr_bridge.upstream.webapi.adapter import WebApiUpstream
from ibkr_bridge.upstream.webapi.errors import Unauthenticated, Unavailable
from ibkr_bridge.upstream.webapi.refusals import lost
from ibkr_bridge.upstream.webapi.settings import IBKR, WebApiSettings
from ibkr_sim.webapi.sessions.portal import Access
from ibkr_sim.webapi.settings import Unsettled

Rig = Any
Opening = Callable[..., Any]
INIT = "POST /iserver/auth/ssodh/init"


async def test_a_gateway_that_is_logged_in_is_ready_after_admission(rig: Rig) -> None:
    session = rig.upstream.session
    assert session.accounts == ("DU9912345", "DU9967890")
    [(accounts, (host, port))] = rig.admitted
    assert (accounts, host) == (session.accounts, "127.0.0.1")
    assert port > 0
    assert await rig.upstream.handshake() < 1
    assert [event.session.state for event in rig.told(SessionChanged)] == [SessionState.READY]


async def test_a_gateway_without_a_login_says_where_to_log_in_and_is_ready_soon_after(rigs: Opening) -> None:
    rig = await rigs(door_auto_login=False)
    reason = await rig.code("session.login_needed")
    root = rig.door.url.removesuffix("/v1/api")
    assert f"Open http://127.0.0.1:{rig.moments.port} in a browser" in reason
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        await browser.post(f"{root}/sso/Login", data={"user_name": "x"})
    await rig.ready()


async def test_nothing_at_the_address_is_unreachable(rigs: Opening) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    rig = await rigs(url=f"http://127.0.0.1:{port}/v1/api")
    assert "Gateway running" in await rig.code("session.unreachable")


async def test_a_gateway_that_hangs_is_silent(rigs: Opening) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        rig = await rigs(url=f"http://127.0.0.1:{hanging.getsockname()[1]}/v1/api", connect_timeout=0.2)
        await rig.code("session.silent")
        with pytest.raises(BrokerAway):
            await rig.upstream.contracts(ContractQuery(symbol="AAPL"))


async def test_a_gateway_that_falls_silent_later_is_given_up_and_taken_back(rigs: Opening, make: Any) -> None:
    rig = await (await rigs(connect_timeout=0.2, tickle_interval=0.05)).ready()
    rig.moments.bad.append(make.bad("POST", "/tickle", hangs=True, times=4))
    assert (
        "tickle"
        in (await rig.event(SessionChanged, lambda event: event.session.code == "session.silent")).session.reason
    )
    await rig.until(lambda: rig.told(SessionChanged)[-1].session.ready)


async def test_single_tickles_may_fail(rigs: Opening, make: Any) -> None:
    rig = await (await rigs(tickle_interval=0.05)).ready()
    rig.moments.bad.append(make.bad("POST", "/tickle", 503, times=2))
    before = rig.moments.count("POST /tickle")
    await rig.until(lambda: rig.moments.count("POST /tickle") > before + 5)
    assert len(rig.told(SessionChanged)) == 1


async def test_a_brokerage_session_held_elsewhere_is_left_alone(rigs: Opening) -> None:
    rig = await rigs(run=False)
    _hold_elsewhere(rig)
    rig.run()
    assert "log out there" in await rig.code("session.competing")
    assert rig.moments.count(INIT) == 0


async def test_a_brokerage_session_held_elsewhere_is_taken_where_that_is_wanted(rigs: Opening) -> None:
    rig = await rigs(run=False, compete=True)
    _hold_elsewhere(rig)
    rig.run()
    await rig.ready()


async def test_a_session_taken_by_another_login_is_told_as_competing(rig: Rig) -> None:
    _hold_elsewhere(rig)
    await rig.event(SessionChanged, lambda event: event.session.code == "session.competing")


async def test_the_bridge_is_asked_for_again_when_ibkr_fails_at_first(rigs: Opening, make: Any) -> None:
    rig = await rigs(run=False)
    backend = {"error": "can't connect to backend service"}
    rig.moments.bad.append(make.bad("POST", "/iserver/auth/ssodh/init", 500, backend, times=2))
    rig.run()
    await rig.ready()
    assert rig.moments.count(INIT) == 3


async def test_a_session_that_is_still_being_established_is_waited_for(rigs: Opening) -> None:
    slowly = Unsettled(bridging_shape=True, establishing=timedelta(seconds=2))
    rig = await (await rigs(door_unsettled=slowly, speed=20)).ready()
    assert rig.moments.count("POST /iserver/auth/status") > 2


async def test_many_callers_of_a_session_that_is_gone_wait_for_one_new_one(rig: Rig, make: Any) -> None:
    refusal = {"error": "not authenticated", "statusCode": 401}
    rig.moments.bad.append(make.bad("GET", "/trsrv/stocks", 401, refusal, times=3))
    asked = [rig.upstream.contracts(ContractQuery(symbol="AAPL")) for _caller in range(3)]
    answers = await asyncio.gather(*asked)
    assert all(len(found) == 1 for found in answers)
    assert rig.moments.count(INIT) == 2


async def test_an_account_that_ibkr_does_not_know_costs_no_session(rig: Rig, make: Any) -> None:
    rig.moments.bad.append(make.bad("GET", "/portfolio/", 401, times=9))
    with pytest.raises(Exception, match="does not know this account"):
        await rig.upstream.account_summary("DU1")
    assert rig.upstream.session.ready


async def test_accounts_that_must_be_asked_for_first_are_asked_for_again(rig: Rig, make: Any) -> None:
    refusal = {"error": "Please query /accounts first"}
    rig.moments.bad.append(make.bad("GET", "/iserver/contract/", 500, refusal))
    assert await rig.upstream.contracts(ContractQuery(symbol="AAPL"))
    assert rig.moments.count("GET /iserver/accounts") == 2


async def test_a_penalty_is_waited_out_without_a_single_call(rig: Rig, make: Any) -> None:
    refusal = {"error": "Too many requests"}
    rig.moments.bad.append(make.bad("GET", "/trsrv/stocks", 429, refusal, {"Retry-After": "1"}))
    with pytest.raises(BrokerAway):
        await rig.upstream.contracts(ContractQuery(symbol="AAPL"))
    assert rig.upstream.session.code == "session.paced"
    await asyncio.sleep(0.1)  # what had left before the penalty arrives
    calls = len(rig.moments.asked)
    await asyncio.sleep(0.6)
    assert len(rig.moments.asked) == calls
    await rig.ready()


async def test_an_account_that_the_session_lacks_is_named(rigs: Opening) -> None:
    rig = await rigs(account="DU1")
    assert "DU1" in await rig.code("session.account_missing")


async def test_the_wrong_world_ends_the_way_to_ibkr(rigs: Opening) -> None:
    rig = await rigs(run=False)

    async def refuse(_accounts: tuple[str, ...], _our_end: tuple[str, int]) -> None:
        raise WorldMismatch("not here")

    upstream = WebApiUpstream(WebApiSettings(url=rig.door.url), SystemClock(), refuse)
    with pytest.raises(ExceptionGroup) as raised:
        await upstream.run(lambda _event: None)
    assert raised.group_contains(WorldMismatch)


async def test_a_renewed_session_is_a_new_one(rig: Rig) -> None:
    opened = rig.upstream.session.opened_at
    rig.upstream.renew("because")
    await rig.until(lambda: rig.upstream.session.ready and rig.upstream.session.opened_at > opened)
    assert rig.moments.count(INIT) == 2


async def test_the_session_is_kept_alive(rigs: Opening) -> None:
    rig = await (await rigs(tickle_interval=0.05)).ready()
    await rig.until(lambda: rig.moments.count("POST /tickle") > 4)


async def test_a_reset_of_the_day_is_expected_and_called_so(rigs: Opening) -> None:
    rig = await (await rigs(tickle_interval=0.05)).ready()
    rig.simulator.clock.advance(timedelta(hours=24))
    await rig.code("session.login_needed")
    rig.door.house.sessions.log_in()
    await rig.ready()


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (datetime(2026, 3, 3, 5, 10, tzinfo=UTC), "session.reset"),
        (datetime(2026, 3, 3, 16, 10, tzinfo=UTC), "session.reset"),
        (datetime(2026, 3, 3, 14, 0, tzinfo=UTC), "session.lost"),
    ],
)
def test_a_session_that_ends_after_midnight_somewhere_has_been_reset(at: datetime, code: str) -> None:
    assert lost(Unauthenticated("gone"), at).code == code
    assert lost(Unavailable("gone"), at).code == "session.silent"


async def test_a_stream_that_falls_silent_is_replaced_and_prices_come_by_snapshot_meanwhile(rigs: Opening) -> None:
    rig = await (await rigs(socket_silence=0.3, door_heartbeat=5.0, retry_first=0.4)).ready()
    [contract] = await rig.upstream.contracts(ContractQuery(symbol="AAPL"))
    await rig.upstream.open_quote(contract)
    await rig.event(QuoteChanged)
    rig.moments.muted |= {"smd", "spl", "sys"}
    await rig.event(QuoteFailed, lambda event: event.conid == contract.conid)
    told = len(rig.told(QuoteChanged))
    await rig.until(lambda: len(rig.told(QuoteChanged)) > told)
    assert rig.upstream.session.ready


async def test_a_stream_that_does_not_know_the_session_is_told_its_name_once_and_then_replaced(rigs: Opening) -> None:
    rig = await rigs(run=False)
    rig.moments.forgetful = 2
    rig.run()
    await rig.ready()
    await rig.until(lambda: rig.moments.count("GET /ws") == 3)
    assert len(rig.moments.names) == 2


def _hold_elsewhere(rig: Rig) -> None:
    sessions = rig.door.house.sessions
    sessions.initialise(sessions.sign_in(Access.OAUTH1, "elsewhere"), compete=True, bridged=True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://192.0.2.1:5000/v1/api"},
        {"url": "https://192.0.2.1:5000/v1/api"},
        {"url": IBKR, "verify_tls": False},
        {"url": "127.0.0.1:5000"},
    ],
)
def test_settings_that_would_be_unsafe_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        WebApiSettings(**wrong)
