"""IBKR's own paths on the service: the same guards, questions and journal; nobody's session but their own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from ibkr_sim.webapi.pipeline import Pipeline

AAPL, SPY = 265598, 756733
MARKET = {"conid": AAPL, "side": "BUY", "quantity": 3, "orderType": "MKT", "tif": "DAY"}
RESTING = {**MARKET, "orderType": "LMT", "price": 265.5, "tif": "GTC"}
FAR = {**RESTING, "price": 200.5}


@pytest.fixture(params=["tws", "webapi"])
def door(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def home(build: Callable[..., Any], door: str) -> AsyncIterator[Any]:
    async with build(door=door, first_word_timeout=10.0) as one:
        yield one


@pytest.fixture
async def web(build: Callable[..., Any]) -> AsyncIterator[Any]:
    async with build(door="webapi", first_word_timeout=10.0) as one:
        yield one


@asynccontextmanager
async def somebody(home: Any) -> AsyncIterator[Callable[..., Any]]:
    """A caller that keeps its cookie, as a program does that has begun with a tickle."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(home.service.url, cookie_jar=jar) as http:

        async def call(method: str, path: str, body: object = None) -> tuple[int, Any]:
            async with http.request(method, path, json=body) as answer:
                return answer.status, await answer.json()

        await call("POST", "/tickle")
        yield call


async def placed(call: Callable[..., Any], account: str, *orders: dict[str, Any]) -> Any:
    """Every question answered with yes."""
    return await confirmed(call, await call("POST", f"/iserver/account/{account}/orders", {"orders": orders}))


async def confirmed(call: Callable[..., Any], answer: tuple[int, Any]) -> Any:
    status, told = answer
    while status == 200 and "message" in told[0]:
        status, told = await call("POST", f"/iserver/reply/{told[0]['id']}", {"confirmed": True})
    return told


async def test_the_session_is_told_in_ibkrs_shape_under_both_prefixes(home: Any) -> None:
    for prefix in ("", "/v1/api"):
        status, told = await home.call("POST", f"{prefix}/iserver/auth/status")
        assert (status, told["authenticated"], told["competing"], told["connected"]) == (200, True, False, True)
        status, told = await home.call("POST", f"{prefix}/tickle")
        assert len(told["session"]) == 32
        assert told["iserver"]["authStatus"]["authenticated"] is True
    _status, told = await home.call("GET", "/iserver/accounts")
    assert (told["accounts"], told["selectedAccount"]) == ([home.account], home.account)


async def test_an_order_of_this_way_is_one_order_with_its_own_names(home: Any) -> None:
    [row] = await placed(home.call, home.account, {**FAR, "cOID": "mine-1"})
    assert row["local_order_id"] == "mine-1"
    [ours] = (await home.call("GET", "/orders"))[1]["orders"]
    assert (ours["client_order_id"], str(ours["broker"][0]["order_id"])) == ("mine-1", row["order_id"])
    assert await placed(home.call, home.account, {**FAR, "cOID": "mine-1"}) == [row]
    assert len(home.simulator.exchange.open_orders()) == 1
    status, problem = await home.call(
        "POST", f"/iserver/account/{home.account}/orders", {"orders": [{**FAR, "quantity": 4, "cOID": "mine-1"}]}
    )
    assert (status, problem["code"]) == (400, "order.id_reused")
    assert "already registered" in problem["error"]


async def test_an_order_is_listed_changed_and_cancelled_by_ibkrs_number(home: Any) -> None:
    [row] = await placed(home.call, home.account, {**FAR, "cOID": "mine-2"})
    number = int(row["order_id"])
    _status, told = await home.call("GET", "/iserver/account/orders?filters=submitted,pre_submitted")
    [listed] = told["orders"]
    assert (listed["orderId"], listed["order_ref"], listed["price"], told["snapshot"]) == (
        number,
        "mine-2",
        "200.50",
        True,
    )
    assert (await home.call("GET", "/iserver/account/orders?filters=filled"))[1]["orders"] == []
    path = f"/iserver/account/{home.account}/order/{number}"
    status, told = await home.call("POST", path, {**FAR, "price": 201.5})
    while "message" in told[0]:
        status, told = await home.call("POST", f"/iserver/reply/{told[0]['id']}", {"confirmed": True})
    assert (status, told[0]["order_id"]) == (200, row["order_id"])
    _status, one = await home.call("GET", f"/iserver/account/order/status/{number}")
    assert (one["order_id"], one["limit_price"], one["side"]) == (number, "201.50", "B")
    status, told = await home.call("DELETE", path)
    assert (status, told["order_id"], told["conid"]) == (200, number, AAPL)
    assert not home.simulator.exchange.open_orders()
    status, problem = await home.call("DELETE", f"/iserver/account/{home.account}/order/999999999")
    assert (status, problem["code"]) == (400, "order.unknown")
    assert (await home.call("GET", "/iserver/account/order/status/999999999"))[0] == 503


async def test_minus_one_cancels_everything_of_ours(home: Any) -> None:
    for name in ("a", "b"):
        await placed(home.call, home.account, {**FAR, "cOID": name})
    status, told = await home.call("DELETE", f"/iserver/account/{home.account}/order/-1")
    assert (status, told["order_id"]) == (200, -1)
    await home.until(lambda: _none_open(home))


async def _none_open(home: Any) -> bool:
    return not home.simulator.exchange.open_orders()


async def test_a_fill_is_a_trade_and_a_position(home: Any) -> None:
    [row] = await placed(home.call, home.account, {**MARKET, "cOID": "mine-3"})

    async def traded() -> Any:
        return (await home.call("GET", "/iserver/account/trades/"))[1]

    [trade] = await home.until(traded)
    assert (trade["order_ref"], trade["size"], trade["side"]) == ("mine-3", 3, "B")
    assert str(trade["order_id"]) == row["order_id"]

    async def held() -> Any:
        return (await home.call("GET", f"/portfolio/{home.account}/positions"))[1]

    [short] = await home.until(held)
    assert set(short) == {"conid", "ticker", "position", "mkt_price", "mkt_value"}
    assert (short["conid"], short["ticker"], short["position"]) == (AAPL, "AAPL", 3)
    [full] = (await home.call("GET", f"/portfolio/{home.account}/positions/0"))[1]
    assert (full["conid"], full["ticker"], full["position"]) == (AAPL, "AAPL", 3)
    [fresh] = (await home.call("GET", f"/portfolio2/{home.account}/positions"))[1]
    assert (fresh["conid"], fresh["position"]) == (str(AAPL), 3)


async def test_the_guards_stand_before_this_way_too(build: Any, door: str) -> None:
    async with build(door=door, read_only=True) as home:
        for body in ({"orders": [MARKET]}, MARKET):
            status, problem = await home.call("POST", f"/iserver/account/{home.account}/orders", body)
            assert (status, problem["code"], problem["statusCode"]) == (400, "guard.read_only", 400)
            assert problem["error"] == problem["detail"]
        assert not home.simulator.exchange.completed_orders()


async def test_a_bracket_is_placed_whole_and_its_children_name_their_parent(home: Any) -> None:
    exit_ = {**FAR, "side": "SELL", "price": 900, "parentId": "entry", "isSingleGroup": True}
    told = await placed(home.call, home.account, {**FAR, "cOID": "entry"}, {**exit_, "cOID": "profit"})
    assert [row.get("local_order_id") for row in told] == ["profit", "entry"]
    profit, entry = told
    assert profit["parent_order_id"] == entry["order_id"]
    listed = (await home.call("GET", "/iserver/account/orders"))[1]["orders"]
    by_name = {row["order_ref"]: row for row in listed}
    assert str(by_name["profit"]["parentId"]) == by_name["profit"]["ocaGroupId"] == entry["order_id"]
    assert "parentId" not in by_name["entry"]
    assert len(home.simulator.exchange.open_orders()) == 2
    await home.call("DELETE", f"/iserver/account/{home.account}/order/{entry['order_id']}")
    await home.until(lambda: _none_open(home))


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"parentId": "mine"}, 400, "request.invalid"),
        ({"cashQty": 100}, 501, "capability.missing"),
        ({"orderType": "TRAIL", "trailingAmt": 1, "trailingType": "points"}, 400, "request.invalid"),
        ({"tif": "PAX"}, 501, "capability.missing"),
        ({"conid": None, "conidex": "28812380;;;265598"}, 400, "request.invalid"),
        ({"listingExchange": "NYSE"}, 501, "capability.missing"),
        ({"price": "200.5"}, 400, "request.invalid"),
        ({"quantity": 0}, 400, "request.invalid"),
        ({"side": "HOLD"}, 400, "request.invalid"),
        ({"conid": None}, 400, "request.invalid"),
        ({"cOID": "x" * 65}, 400, "request.invalid"),
        ({"colour": "red"}, 400, "request.invalid"),
        ({"acctId": "DU1"}, 400, "account.unknown"),
        ({"conid": 999999999}, 400, "contract.unknown"),
    ],
)
async def test_what_cannot_be_carried_or_read_is_refused_and_nothing_is_sent(
    home: Any, change: dict[str, Any], status: int, code: str
) -> None:
    path = f"/iserver/account/{home.account}/orders"
    found, problem = await home.call("POST", path, {"orders": [{**FAR, **change}]})
    assert (found, problem["code"]) == (status, code)
    assert not home.simulator.exchange.open_orders()


async def test_a_trailing_stop_is_placed_and_its_distance_changed(home: Any) -> None:
    trail = {**FAR, "side": "SELL", "orderType": "TRAIL", "price": 100, "trailingAmt": 5, "trailingType": "amt"}
    [told] = await placed(home.call, home.account, trail)
    assert home.simulator.exchange.open_orders()[0].request.stop_price == 5
    path = f"/iserver/account/{home.account}/order/{told['order_id']}"
    await confirmed(home.call, await home.call("POST", path, {**trail, "trailingAmt": 7}))
    assert home.simulator.exchange.open_orders()[0].request.stop_price == 7


async def test_of_a_group_one_that_fills_takes_the_others_back(home: Any) -> None:
    far = {**FAR, "isSingleGroup": True, "cOID": "far"}
    near = {**far, "price": 500, "cOID": "near"}
    told = await placed(home.call, home.account, far, near)
    assert [row["local_order_id"] for row in told] == ["far", "near"]
    await home.until(lambda: _none_open(home))
    listed = (await home.call("GET", "/iserver/account/orders"))[1]["orders"]
    assert {row["order_ref"]: row["status"] for row in listed} == {"far": "Cancelled", "near": "Filled"}
    assert len({row["ocaGroupId"] for row in listed}) == 1


async def test_a_combo_is_named_by_its_legs(home: Any) -> None:
    combo = {name: value for name, value in FAR.items() if name not in ("conid", "price")}
    combo |= {"conidex": "28812380;;;265598/2,272093/-1", "orderType": "MKT", "quantity": 3}
    [told] = await placed(home.call, home.account, combo)

    async def held() -> bool:
        rows = (await home.call("GET", f"/portfolio/{home.account}/positions/0"))[1]
        return {row["conid"]: row["position"] for row in rows} == {265598: 6, 272093: -3}

    await home.until(held)
    [listed] = (await home.call("GET", "/iserver/account/orders"))[1]["orders"]
    assert (listed["conidex"], str(listed["orderId"])) == (combo["conidex"], told["order_id"])


async def test_prices_come_as_numbers_in_the_seeds_form_and_as_text_in_ibkrs(home: Any) -> None:
    body = {"conids": [str(AAPL), SPY], "fields": ["31", "84", "86"]}
    status, told = await home.call("POST", "/iserver/marketdata/snapshot", body)
    assert (status, [row["conid"] for row in told]) == (200, [AAPL, SPY])
    assert all(isinstance(value, int | float) for row in told for value in row["data"].values())
    assert set(told[0]["data"]) == {"31", "84", "86"}
    _status, [row, nothing] = await home.call("GET", f"/iserver/marketdata/snapshot?conids={AAPL},1&fields=31,84,7762")
    assert (row["conidEx"], row["6509"]) == (str(AAPL), "RpB")
    assert "." in row["31"]
    assert nothing == {"conid": 1, "conidEx": "1"}


async def test_a_search_by_post_answers_as_by_get(home: Any) -> None:
    body = {"symbol": "AAPL", "secType": "STK", "name": False}
    _status, posted = await home.call("POST", "/iserver/secdef/search", body)
    _status, got = await home.call("GET", "/iserver/secdef/search?symbol=AAPL&secType=STK")
    assert posted == got
    assert posted[0]["conid"] == str(AAPL)


async def test_what_nobody_answers_is_refused_in_ibkrs_form(home: Any) -> None:
    for path in ("/iserver/nothing", "/v1/api/nothing", "/iserver/contract/..%2F1/info", "/v1/api/orders"):
        status, problem = await home.call("GET", path)
        assert (status, problem["error"], problem["statusCode"]) == (404, "Not Found", 404)
        assert problem["code"] == "route.unknown"
    assert (await home.call("DELETE", "/tickle"))[0] == 405
    status, problem = await home.call("GET", "/portfolio/U1/summary")
    assert (status, problem["code"]) == (401, "account.unknown")
    status, problem = await home.call("POST", "/fa/model/invest-divest", {})
    assert (status, problem["code"]) == (501, "capability.missing")
    async with home.http.post("/iserver/secdef/search", data="{", headers={"Content-Type": "application/json"}) as bad:
        assert (bad.status, (await bad.json())["error"]) == (400, "Bad Request: invalid JSON")


async def test_a_caller_who_logs_out_switches_and_suppresses_is_noticed_by_nobody(build: Any) -> None:
    async with (
        build(door="webapi", pinned=False, first_word_timeout=10.0) as home,
        somebody(home) as one,
        somebody(home) as other,
    ):
        second = home.simulator.exchange.accounts[1]
        assert await one("POST", "/iserver/account", {"acctId": second}) == (200, {"set": True, "acctId": second})
        assert (await one("GET", "/iserver/accounts"))[1]["selectedAccount"] == second
        assert (await other("GET", "/iserver/accounts"))[1]["selectedAccount"] == home.account
        suppressed = {"messageIds": ["o163", "o354", "o10151", "o10153"]}
        assert (await one("POST", "/iserver/questions/suppress", suppressed))[1] == {"status": "submitted"}
        orders = f"/iserver/account/{home.account}/orders"
        _status, [row] = await one("POST", orders, FAR)
        assert row["order_status"] == "Submitted"
        _status, [question] = await other("POST", orders, {**FAR, "quantity": 1})
        assert set(question) == {"id", "message", "isSuppressed", "messageIds", "messageOptions"}
        session = home.simulator.webapi.house.sessions.gateway
        assert session.progress.suppressed == frozenset()
        status, problem = await one("POST", f"/iserver/reply/{question['id']}", {"confirmed": True})
        assert (status, problem["error"]) == (404, f"reply id not found: '{question['id']}'")
        assert await one("POST", "/logout") == (200, {"status": True})
        assert (await other("POST", "/iserver/auth/status"))[1]["authenticated"] is True
        status, _row = await other("POST", f"/iserver/reply/{question['id']}", {"confirmed": True})
        assert status == 200
        assert (await one("GET", "/iserver/accounts"))[1]["selectedAccount"] == home.account
        status, told = await one("POST", orders, {**FAR, "quantity": 2})
        assert "message" in told[0]


async def test_a_question_is_declined_by_a_no_and_can_be_answered_once(web: Any) -> None:
    _status, [question] = await web.call("POST", f"/iserver/account/{web.account}/orders", FAR)
    path = f"/iserver/reply/{question['id']}"
    assert (await web.call("POST", path, {"confirmed": "yes"}))[0] == 400
    assert await web.call("POST", path, {"confirmed": False}) == (200, {"error": "Order not confirmed"})
    assert not web.simulator.exchange.open_orders()
    assert (await web.call("POST", path, {"confirmed": True}))[0] == 404
    assert (await web.call("GET", "/orders"))[1]["orders"][0]["status"] == "cancelled"


async def test_of_several_orders_each_has_its_answer(home: Any) -> None:
    body = {"orders": [{**RESTING, "cOID": "s-1"}, {**RESTING, "conid": 999999999, "cOID": "s-2"}]}
    await home.call("GET", f"/iserver/marketdata/snapshot?conids={AAPL}&fields=31")
    status, rows = await home.call("POST", f"/iserver/account/{home.account}/orders", body)
    assert status == 200
    assert [row["order_status"] for row in rows] == ["Submitted", "Failed"]
    assert (rows[1]["order_id"], rows[1]["code"]) == ("-1", "contract.unknown")


async def test_no_answer_tells_of_an_account_that_is_not_to_be_seen(web: Any) -> None:
    hidden = web.simulator.exchange.accounts[1]
    for path in (
        "/iserver/accounts",
        "/portfolio/accounts",
        "/portfolio/subaccounts2",
        f"/iserver/contract/{AAPL}/info-and-rules",
        "/iserver/account/pnl/partitioned",
        f"/portfolio/positions/{AAPL}",
    ):
        async with web.http.get(path) as answer:
            assert answer.status == 200, path
            assert hidden not in await answer.text(), path
    for path in (f"/portfolio/{hidden}/summary", f"/iserver/account/{hidden}/summary"):
        assert (await web.call("GET", path))[1]["code"] == "account.unknown"
    body = {"acctIds": [web.account, hidden], "period": "1D"}
    assert (await web.call("POST", "/pa/performance", body))[1]["code"] == "account.unknown"
    assert (await web.call("GET", f"/iserver/account/orders?account_id={hidden}"))[0] == 400


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each path was asked of the simulator."""
    counted: Counter[str] = Counter()
    handle = Pipeline.handle

    async def counting(self: Pipeline, request: Any, route: Any, path: str) -> Any:
        counted[path] += 1
        return await handle(self, request, route, path)

    monkeypatch.setattr(Pipeline, "handle", counting)
    return counted


async def test_identical_questions_are_asked_once_and_what_is_static_has_an_age(asked: Counter[str], web: Any) -> None:
    path = "/trsrv/stocks"
    before = asked[path]
    answers = await asyncio.gather(*(web.call("GET", f"{path}?symbols=SPY") for _caller in range(30)))
    assert all(told == answers[0] for told in answers)
    assert asked[path] == before + 1
    async with web.http.get(f"{path}?symbols=SPY") as again:
        assert int(again.headers["Age"]) >= 0
    assert asked[path] == before + 1


async def test_a_snapshot_that_ibkr_charges_for_is_taken_only_where_the_settings_allow_it(
    asked: Counter[str], build: Any, door: str
) -> None:
    path, allowed = f"/md/regsnapshot?conid={AAPL}", 1
    async with build(door=door, regulatory_snapshots=allowed) as home:
        answers = await asyncio.gather(*(home.call("GET", path) for _caller in range(4)))
        if door == "tws":
            assert {(status, told["code"]) for status, told in answers} == {(501, "capability.missing")}
            return
        assert sorted(status for status, _told in answers) == [200, 400, 400, 400]
        assert {told["code"] for status, told in answers if status == 400} == {"snapshot.not_allowed"}
    async with build(door=door) as home:
        assert (await home.call("GET", path))[1]["code"] == "snapshot.not_allowed"
    assert asked["/md/regsnapshot"] == allowed


async def test_ibkrs_refusal_keeps_its_status_and_its_words(web: Any) -> None:
    status, told = await web.call("GET", "/iserver/contract/1/info")
    assert (status, told["error"], told["statusCode"]) == (400, "Bad Request: conid is not valid", 400)
    assert (told["detail"], told["code"]) == (told["error"], "broker.refused")


async def test_a_caller_never_notices_that_the_session_was_lost(web: Any) -> None:
    sessions = web.simulator.webapi.house.sessions
    sessions.log_out(sessions.gateway)
    sessions.log_in()
    status, told = await web.call("GET", "/iserver/exchangerate?source=USD&target=CHF")
    assert (status, "rate" in told) == (200, True)


async def test_the_answers_that_need_a_search_or_a_login_first_come_whole(web: Any) -> None:
    status, told = await web.call("GET", f"/iserver/secdef/info?conid={AAPL}&sectype=STK")
    assert (status, told[0]["conid"]) == (200, AAPL)


async def test_at_tws_what_the_engine_does_not_know_is_refused_with_the_reason(build: Any) -> None:
    async with build(door="tws") as home:
        for path in ("/iserver/scanner/params", "/fyi/settings"):
            status, problem = await home.call("GET", path)
            assert (status, problem["code"]) == (501, "capability.missing")
            assert "Web API" in problem["error"]


async def test_the_session_can_be_looked_at_and_renewed(home: Any, curl: Any) -> None:
    status, told = await curl(f"curl {home.service.url}/admin/session-status")
    assert (status, told["authenticated"]) == (200, True)
    status, told = await curl(f"curl -X POST {home.service.url}/admin/refresh-session")
    assert (status, told["authenticated"]) == (200, True)
    assert told["since"] > (await home.call("GET", "/health"))[1]["timestamp"][:11]
