"""Reads, over the real service and the real simulator."""

from __future__ import annotations

import json
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
        assert "POST" in answer.headers["Allow"]


async def test_prices_arrive_digit_for_digit(caller: Caller) -> None:
    body = '{"symbol":"AAPL","side":"BUY","qty":1,"type":"LIMIT","limit":150.10}'
    headers = {"Content-Type": "application/json"}
    async with caller.http.post(caller.url + "/orders", data=body, headers=headers) as answer:
        text = await answer.text()
        assert answer.status == 201
    assert '"limit":150.10,' in text
    assert f'"limit":{json.loads(text)["limit"]}' in await caller.text("/orders")
