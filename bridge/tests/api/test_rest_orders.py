"""Orders, over the real service and the real simulator."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bridge.tests.api.conftest import Caller

LIMIT = {"symbol": "AAPL", "side": "BUY", "qty": 100, "type": "LIMIT", "limit": 150.50, "tif": "DAY"}
MARKET = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "MARKET"}
MEMBERS = {
    "id", "client_order_id", "status", "account", "contract", "side", "qty", "type", "limit", "stop", "tif",
    "filled_qty", "remaining_qty", "avg_fill_price", "commission", "created_at", "updated_at", "reason", "evidence",
    "broker",
}  # fmt: skip


async def test_an_order_is_placed_found_changed_and_cancelled(caller: Caller) -> None:
    async with caller.http.post(caller.url + "/orders", json=LIMIT) as answer:
        placed = await answer.json()
        assert answer.status == 201
        assert answer.headers["Location"] == f"/orders/{placed['id']}"
    assert placed.keys() >= MEMBERS
    assert (placed["status"], placed["side"], placed["type"], placed["limit"]) == ("working", "BUY", "LIMIT", 150.5)
    assert placed["contract"] == {
        "conid": 265598,
        "symbol": "AAPL",
        "sec_type": "STK",
        "exchange": "SMART",
        "currency": "USD",
        "primary_exchange": "NASDAQ",
        "local_symbol": "AAPL",
        "legs": None,
    }
    path = f"/orders/{placed['id']}"
    now = (await caller.get(path))[1]
    assert (now.pop("stale"), bool(now.pop("as_of"))) == (None, True)
    assert now == placed
    status, changed = await caller.call("PATCH", path, json={"limit": "151.25", "qty": 90})
    assert (status, changed["id"], changed["limit"], changed["qty"]) == (200, placed["id"], 151.25, 90)
    status, cancelled = await caller.call("DELETE", path)
    assert status in (200, 202)
    assert cancelled["status"] in ("cancelled", "pending_cancel")
    assert (await caller.call("DELETE", path))[0] == 200
    status, problem = await caller.call("PATCH", path, json={"limit": 1})
    assert (status, problem["code"]) == (409, "order.finished")


async def test_the_same_client_order_id_is_one_order(caller: Caller) -> None:
    body = {**LIMIT, "client_order_id": "mine-1"}
    first, second = await caller.post("/orders", body), await caller.post("/orders", body)
    assert (first[0], second[0]) == (201, 200)
    assert first[1]["id"] == second[1]["id"]
    again = await caller.post("/orders", LIMIT, headers={"Idempotency-Key": "mine-1"})
    assert (again[0], again[1]["id"]) == (200, first[1]["id"])
    status, problem = await caller.post("/orders", {**body, "qty": 99})
    assert (status, problem["code"]) == (422, "order.id_reused")
    status, problem = await caller.post("/orders", body, headers={"Idempotency-Key": "other"})
    assert (status, problem["errors"][0]["field"]) == (422, "client_order_id")
    assert len((await caller.get("/orders"))[1]["orders"]) == 1


async def test_twenty_callers_with_one_id_make_one_order(caller: Caller) -> None:
    body = {**LIMIT, "client_order_id": "mine-2"}
    answers = await asyncio.gather(*(caller.post("/orders", body) for _ in range(20)))
    assert sorted(status for status, _ in answers) == [200] * 19 + [201]
    assert len({order["id"] for _, order in answers}) == 1


@pytest.mark.parametrize(
    "contract",
    [
        {"conid": 265598},
        {"contract": {"symbol": "AAPL"}},
        {"contract": {"conid": 265598, "symbol": "AAPL", "sec_type": "STK", "exchange": "SMART", "currency": "USD"}},
        {"symbol": "AAPL", "sec_type": "stk", "exchange": "SMART", "currency": "USD", "primary_exchange": "NASDAQ"},
    ],
)
async def test_a_contract_is_named_in_several_ways(caller: Caller, contract: dict[str, Any]) -> None:
    body = {**contract, "side": "buy", "qty": "3", "type": "lmt", "limit": "100.5", "tif": "gtc"}
    status, order = await caller.post("/orders", body)
    assert (status, order["contract"]["conid"], order["type"], order["tif"]) == (201, 265598, "LIMIT", "GTC")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"qty": 0}, "qty"),
        ({"qty": -1}, "qty"),
        ({"qty": True}, "qty"),
        ({"qty": "many"}, "qty"),
        ({"qty": "1e3"}, "qty"),
        ({"qty": 10**16}, "qty"),
        ({"qty": None}, "qty"),
        ({"qty": [1]}, "qty"),
        ({"limit": None}, "limit"),
        ({"limit": 0}, "limit"),
        ({"type": "MARKET"}, "limit"),
        ({"type": "STOP_LIMIT"}, "stop"),
        ({"type": "PEG"}, "type"),
        ({"side": "HOLD"}, "side"),
        ({"tif": "GTX"}, "tif"),
        ({"stop": 3}, "stop"),
        ({"lmit": 3}, "lmit"),
        ({"outside_rth": "yes"}, "outside_rth"),
        ({"symbol": None}, "symbol"),
        ({"symbol": "A" * 33}, "symbol"),
        ({"conid": 1.5}, "conid"),
        ({"conid": True}, "conid"),
        ({"account": "../etc"}, "account"),
        ({"client_order_id": "x" * 65}, "client_order_id"),
        ({"client_order_id": "a\nb"}, "client_order_id"),
        ({"contract": {"symbol": "AAPL"}}, "contract"),
        ({"symbol": None, "contract": {"smybol": "AAPL"}}, "contract.smybol"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_body_that_makes_no_sense_is_refused_by_field(
    shared: Caller, change: dict[str, Any], field: str
) -> None:
    body = {name: value for name, value in {**LIMIT, **change}.items() if value is not None or name in ("qty",)}
    status, problem = await shared.post("/orders", body)
    assert (status, problem["code"]) == (422, "request.invalid")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert (await shared.get("/orders"))[1]["orders"] == []


@pytest.mark.parametrize(
    "body",
    [
        '{"symbol":"AAPL","side":"BUY","qty":NaN,"type":"MARKET"}',
        '{"symbol":"AAPL","side":"BUY","qty":Infinity,"type":"MARKET"}',
        '{"symbol":"AAPL","side":"BUY","qty":1e999999,"type":"MARKET"}',
        '{"symbol":"AAPL","side":"BUY","qty":1,"qty":100,"type":"MARKET"}',
        '{"symbol":"AAPL"',
        "[" * 30_000,
        "[]",
        "",
        "null",
        "7",
        '"AAPL"',
        "1" * 6000,
        b'{"symbol":"\xff"}',
        r'{"symbol":"\ud800","side":"BUY","qty":1,"type":"MARKET"}',
        r'{"\ud800":1}',
        r'{"symbol":"AA\u0000PL","side":"BUY","qty":1,"type":"MARKET"}',
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_body_that_is_no_order_is_refused(shared: Caller, body: str | bytes) -> None:
    headers = {"Content-Type": "application/json"}
    status, problem = await shared.call("POST", "/orders", data=body, headers=headers)
    assert (status, problem["code"]) == (422, "request.invalid")


async def test_a_refusal_by_ibkr_carries_its_text_and_the_order(caller: Caller) -> None:
    body = {**LIMIT, "qty": 100_000_000, "limit": 250}
    status, problem = await caller.post("/orders", body)
    assert (status, problem["code"]) == (422, "broker.refused")
    assert problem["order"]["status"] == "rejected"
    assert problem["detail"] == problem["ibkr_text"] == problem["order"]["reason"]


async def test_a_preview_places_nothing(caller: Caller) -> None:
    status, preview = await caller.post("/orders/preview", {**LIMIT, "client_order_id": "mine-3"})
    assert status == 200
    assert preview["initial_margin"]["change"] > 0
    assert preview["commission"] > 0
    assert (await caller.get("/orders"))[1]["orders"] == []


async def test_orders_are_listed_newest_first_in_pages(caller: Caller) -> None:
    made = [(await caller.post("/orders", {**LIMIT, "limit": 100 + price}))[1]["id"] for price in range(3)]
    await caller.post("/orders", MARKET)
    status, page = await caller.get("/orders?status=working&status=sent&limit=2")
    assert (status, [order["id"] for order in page["orders"]]) == (200, [made[2], made[1]])
    rest = (await caller.get("/orders", params={"status": "working", "limit": 2, "cursor": page["next_cursor"]}))[1]
    assert ([order["id"] for order in rest["orders"]], rest["next_cursor"]) == ([made[0]], None)


async def test_a_change_that_changes_nothing_is_refused(caller: Caller) -> None:
    placed = (await caller.post("/orders", LIMIT))[1]
    status, problem = await caller.call("PATCH", f"/orders/{placed['id']}", json={})
    assert (status, problem["code"]) == (422, "request.invalid")


LEG = {"conid": 265598, "side": "BUY"}


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ({"legs": [LEG, {"conid": 272093}]}, ["legs.1.side"]),
        ({"legs": [{**LEG, "ratio": 0}, {**LEG, "sid": "BUY"}]}, ["legs.0.ratio", "legs.1.sid"]),
        ({"legs": [LEG]}, ["legs"]),
        ({"symbol": "AAPL", "conditions": {"items": [{"type": "prize", "above": 1}]}}, ["conditions.items.0.type"]),
        ({"symbol": "AAPL", "conditions": {"items": []}}, ["conditions.items"]),
    ],
)
async def test_the_item_that_is_wrong_is_named_and_not_how_many_are_left(
    caller: Caller, words: dict[str, Any], fields: list[str]
) -> None:
    status, problem = await caller.post("/orders", {"side": "BUY", "qty": 1, "type": "MARKET", **words})
    assert (status, problem["code"]) == (422, "request.invalid")
    assert [error["field"] for error in problem["errors"]] == fields
    assert "Tuple" not in problem["detail"]
