"""Reads, over the real service and the real simulator."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yarl

if TYPE_CHECKING:
    from bridge.tests.api.conftest import Caller, Calling

READS = {
    "/": "/",
    "/health": "/health",
    "/livez": "/livez",
    "/readyz": "/readyz",
    "/ib/handshake": "/ib/handshake",
    "/capabilities": "/capabilities",
    "/account/summary": "/account/summary",
    "/account/positions": "/account/positions",
    "/positions": "/positions",
    "/pnl": "/pnl",
    "/market/quote/AAPL?exchange=SMART&currency=USD": "/market/quote/{symbol}",
    "/market/quote/EUR.USD": "/market/quote/{symbol}",
    "/market/status?ex=NYSE": "/market/status",
    "/orders": "/orders",
}


async def test_every_read_answers_what_its_schema_promises(caller: Caller) -> None:
    await caller.post("/orders", {"symbol": "AAPL", "side": "BUY", "qty": 5, "type": "MARKET"})
    description = (await caller.get("/openapi.json"))[1]
    for path, route in READS.items():
        status, answer = await caller.get(path)
        assert status == 200, answer
        promised = description["paths"][route]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(answer, {**promised, "components": description["components"]})


@pytest.mark.asyncio(loop_scope="module")
async def test_the_front_page_and_health_have_the_members_clients_look_at(shared: Caller) -> None:
    front = (await shared.get("/"))[1]
    assert front["status"] == "running"
    assert front["connected"] is True
    assert front["timestamp"].endswith("Z")
    health = (await shared.get("/health"))[1]
    assert health["status"] == "healthy"
    assert health["ib_connected"] is True
    assert health["authenticated"] is True
    assert health["service"]["status"] == "healthy"
    assert health["ibkr"]["authenticated"] is True


async def test_a_read_only_service_is_healthy_and_not_ready(calling: Calling) -> None:
    async with calling(read_only=True) as caller:
        status, health = await caller.get("/health")
        assert (status, health["status"], health["trading"]) == (200, "healthy", False)
        status, problem = await caller.get("/readyz")
        assert (status, problem["code"], problem["retryable"]) == (503, "service.not_ready", True)
        assert any("READ_ONLY" in reason for reason in problem["why_not_trading"])
        status, problem = await caller.post("/orders", {"symbol": "AAPL", "side": "BUY", "qty": 1, "type": "MARKET"})
        assert (status, problem["code"]) == (422, "guard.read_only")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_summary_is_text_by_tag(shared: Caller) -> None:
    answer = (await shared.get("/account/summary"))[1]
    assert answer["account_summary"]["NetLiquidation"] == {
        "value": "1000000.00",
        "currency": "USD",
        "account": shared.account,
    }


@pytest.mark.asyncio(loop_scope="module")
async def test_another_account_is_not_shown(shared: Caller) -> None:
    for path in ("/account/summary", "/positions", "/account/positions", "/pnl", "/orders"):
        status, problem = await shared.get(path, params={"account": "DU9967890"})
        assert (status, problem["code"]) == (404, "account.unknown"), path


async def test_a_position_appears_in_both_spellings(caller: Caller) -> None:
    await caller.post("/orders", {"symbol": "AAPL", "side": "BUY", "qty": 7, "type": "MARKET"})
    async with caller.socket("/ws/ib") as socket:
        await caller.hear(socket, event="pnlUpdate")
    plain = (await caller.get("/account/positions"))[1]["positions"][0]
    ours = (await caller.get("/positions"))[1]["positions"][0]
    assert (plain["symbol"], plain["secType"], plain["position"]) == ("AAPL", "STK", 7)
    assert (ours["contract"]["symbol"], ours["qty"], ours["account"]) == ("AAPL", 7, caller.account)
    assert plain["avgCost"] == ours["avg_cost"] > 0


@pytest.mark.asyncio(loop_scope="module")
async def test_a_currency_pair_is_found_by_its_everyday_name(shared: Caller) -> None:
    quote = (await shared.get("/market/quote/EUR.USD"))[1]
    assert (quote["symbol"], quote["currency"], quote["exchange"], quote["sec_type"]) == (
        "EUR",
        "USD",
        "IDEALPRO",
        "CASH",
    )
    status, problem = await shared.get("/market/quote/EUR.USD?currency=CHF")
    assert (status, problem["errors"][0]["field"]) == (422, "currency")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_conid_decides(shared: Caller) -> None:
    assert (await shared.get("/market/quote/AAPL?conid=265598"))[1]["conid"] == 265598


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "path",
    [
        "/market/quote/A%00B",
        "/market/quote/A%0AB",
        "/market/quote/%C3%A9",
        "/market/quote/%FF",
        "/market/quote/AAPL?exchange=SM%00ART",
        "/market/quote/AAPL?currency=USD%00",
        "/market/quote/AAPL?conid=99999999999",
        "/market/status?ex=%00",
        "/positions?account=%00",
        "/orders?cursor=%00",
        "/orders?account=..%2F",
    ],
)
async def test_no_control_character_gets_through(shared: Caller, path: str) -> None:
    status, problem = await shared.get(yarl.URL(shared.url + path, encoded=True))
    assert (status, problem["code"]) == (422, "request.invalid")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/market/quote/NOSUCH", 404, "contract.unknown"),
        ("/market/status?ex=NOWHERE", 404, "exchange.unknown"),
        ("/market/status", 422, "request.invalid"),
        ("/orders/nosuchorder", 404, "order.unknown"),
        ("/orders?status=sleeping", 422, "request.invalid"),
        ("/orders?limit=0", 422, "request.invalid"),
        ("/nowhere", 404, "route.unknown"),
        ("/health/", 404, "route.unknown"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_refusal_is_a_problem_with_a_code(shared: Caller, path: str, status: int, code: str) -> None:
    async with shared.http.get(shared.url + path) as answer:
        problem: dict[str, Any] = await answer.json(content_type=None)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert (answer.status, problem["status"], problem["code"]) == (status, status, code)
        assert problem["type"] == f"urn:ibkr-bridge:error:{code}"
        assert problem["instance"] == path.partition("?")[0]
        assert {"title", "detail", "advice", "retryable"} <= problem.keys()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_wrong_method_is_405_and_says_what_is_allowed(shared: Caller) -> None:
    async with shared.http.put(shared.url + "/orders", json={}) as answer:
        assert answer.status == 405
        assert (await answer.json(content_type=None))["code"] == "method.unknown"
        assert answer.headers["Allow"] == "GET, HEAD, POST"
    async with shared.http.post(shared.url + "/livez", json={}) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.asyncio(loop_scope="module")
async def test_head_is_answered_like_get_without_a_body(shared: Caller) -> None:
    for path in (*READS, "/openapi.json", "/docs"):
        async with shared.http.head(shared.url + path) as answer:
            assert (answer.status, await answer.read()) == (200, b""), path
            assert int(answer.headers["Content-Length"]) > 0
    for path, status in (("/market/quote/NOSUCH", 404), ("/orders?limit=0", 422), ("/admin/halt", 405)):
        async with shared.http.head(shared.url + path) as answer:
            assert (answer.status, await answer.read()) == (status, b""), path
    assert "head" not in (await shared.get("/openapi.json"))[1]["paths"]["/orders"]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/positions?acount=DU9967890", "acount"),
        ("GET", "/orders?limit=5&state=working", "state"),
        ("GET", "/market/quote/AAPL?curency=CHF", "curency"),
        ("GET", "/market/history/AAPL?bars=1m", "bars"),
        ("GET", "/livez?x", "x"),
        ("GET", "/admin/session-status?account=DU9967890", "account"),
        ("POST", "/orders?dry_run=true", "dry_run"),
        ("DELETE", "/orders/01KAJ2M8YQ6Z3V5W7X9ABCDEFG?force=1", "force"),
    ],
)
async def test_a_word_of_the_query_that_is_not_known_is_refused(
    shared: Caller, method: str, path: str, name: str
) -> None:
    body = {"symbol": "AAPL", "side": "BUY", "qty": 1, "type": "MARKET"} if method == "POST" else None
    status, problem = await shared.call(method, path, json=body)
    assert (status, problem["code"], problem["errors"][0]["field"]) == (422, "request.invalid", name)
    assert "no such parameter" in problem["detail"]
    assert (await shared.get("/orders"))[1]["orders"] == []


@pytest.mark.asyncio(loop_scope="module")
async def test_a_word_that_is_not_known_is_told_with_those_that_are(shared: Caller) -> None:
    problem = (await shared.get("/positions?acount=DU9967890"))[1]
    assert problem["errors"][0]["message"] == "There is no such parameter; known are account."
    for path in ("/openapi.json?v=2", "/docs?v=2", "/v1/api/tickle?v=2"):
        async with shared.http.get(shared.url + path) as answer:
            assert answer.status == 200, path


async def test_a_cursor_that_no_page_gave_is_refused_everywhere(caller: Caller) -> None:
    placed = [
        (await caller.post("/orders", {"symbol": "AAPL", "side": "BUY", "qty": 1, "type": "MARKET"}))[1]["id"]
        for _order in range(3)
    ]
    first = (await caller.get("/orders?limit=2"))[1]
    rest = (await caller.get("/orders", params={"limit": 2, "cursor": first["next_cursor"]}))[1]
    assert [order["id"] for order in (*first["orders"], *rest["orders"])] == placed[::-1]
    assert rest["next_cursor"] is None
    unheard = "01KAJ2M8YQ6Z3V5W7X9ABCDEFG"
    for path in (
        *(f"/orders?cursor={cursor}" for cursor in ("garbage", "~", "0", unheard)),
        f"/orders?foreign=true&cursor={placed[0]}",
        *(f"/executions?cursor={cursor}" for cursor in ("garbage", "-1", "007", "999999", placed[0])),
    ):
        status, problem = await caller.get(path)
        assert (status, problem["code"], problem["errors"][0]["field"]) == (422, "request.invalid", "cursor"), path


async def test_money_has_eight_decimals_at_most(caller: Caller) -> None:
    await caller.post("/orders", {"symbol": "AAPL", "side": "BUY", "qty": 3, "type": "MARKET"})
    door = caller.engine.accounts
    async with caller.socket("/ws/ib") as socket:
        await caller.hear(socket, event="pnlUpdate")
    [held] = (await door.positions(None)).value
    noisy = Decimal("-0.7916666666666666")
    door.position_changed(
        replace(held, avg_cost=Decimal("100.33333333333333"), unrealized_pnl=noisy, realized_pnl=Decimal("0.1"))
    )
    text = await caller.text("/positions")
    assert '"unrealized_pnl":-0.79166667,' in text
    assert '"avg_cost":100.33333333,' in text
    assert '"realized_pnl":0.1}' in text
    assert '"avgCost":100.33333333,' in await caller.text("/account/positions")


async def test_prices_arrive_digit_for_digit(caller: Caller) -> None:
    body = '{"symbol":"AAPL","side":"BUY","qty":1,"type":"LIMIT","limit":150.10}'
    headers = {"Content-Type": "application/json"}
    async with caller.http.post(caller.url + "/orders", data=body, headers=headers) as answer:
        text = await answer.text()
        assert answer.status == 201
    assert '"limit":150.10,' in text
    assert f'"limit":{json.loads(text)["limit"]}' in await caller.text("/orders")
