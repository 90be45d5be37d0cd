"""Messages that mislead other clients: what the gateway says of a live order, and what becomes of it here."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

LIMIT = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "LIMIT", "limit": 100}


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (10349, "Order TIF was set to DAY based on order preset."),
        (399, "Order Message: BUY 10 AAPL Warning: your order will not be placed at the exchange until 09:30"),
        (2109, "Order Event Warning: Attribute 'Outside Regular Trading Hours' is ignored"),
        (10311, "This order will be directly routed."),
        (202, "Order Canceled - reason:"),
    ],
)
async def test_an_informational_message_leaves_a_live_order_alive(home: Any, code: int, text: str) -> None:
    _status, order = await home.call("POST", "/orders", LIMIT)
    home.tap.message(order["broker"][0]["order_id"], code, text)
    home.tap.message(-1, 2104, "farm")
    _status, now = await home.call("GET", "/ib/handshake")  # its answer comes after the message
    _status, now = await home.call("GET", f"/orders/{order['id']}")
    assert now["status"] == "working"
    status, cancelled = await home.call("DELETE", f"/orders/{order['id']}")
    assert (status, cancelled["status"]) == (200, "cancelled")


@pytest.mark.parametrize("code", [10147, 10148, 161])
async def test_a_refused_cancel_of_a_live_order_does_not_show_it_cancelled(home: Any, code: int) -> None:
    _status, order = await home.call("POST", "/orders", LIMIT)
    home.tap.message(order["broker"][0]["order_id"], code, "OrderId that needs to be cancelled cannot be.")
    await home.call("GET", "/ib/handshake")
    assert (await home.call("GET", f"/orders/{order['id']}"))[1]["status"] == "working"


async def test_a_refused_contract_request_does_not_hang(home: Any) -> None:
    status, problem = await home.call("GET", "/market/quote/NOSUCH")
    assert (status, problem["code"]) == (404, "contract.unknown")


async def test_a_gateway_that_does_not_answer_is_a_504_not_a_wait_without_end(hasty: Any) -> None:
    hasty.tap.muted = True
    status, problem = await hasty.call("GET", "/ib/handshake")
    assert (status, problem["code"]) == (504, "broker.silent")


async def test_a_bad_price_is_ibkrs_refusal_with_its_code_and_no_order_is_left(home: Any) -> None:
    status, problem = await home.call("POST", "/orders", {**LIMIT, "limit": "100.001"})
    assert (status, problem["code"], problem["ibkr_code"]) == (422, "broker.refused", 110)
    assert problem["order"]["status"] == "rejected"
    assert not home.simulator.exchange.open_orders()


async def test_an_order_beyond_the_funds_is_ibkrs_refusal_with_its_words(home: Any) -> None:
    status, problem = await home.call("POST", "/orders", {**LIMIT, "qty": 10_000_000})
    assert (status, problem["code"], problem["ibkr_code"]) == (422, "broker.refused", 201)
    assert "Order rejected" in problem["detail"]


async def test_a_refusal_is_told_as_soon_as_ibkr_has_spoken(build: Any) -> None:
    async with build(first_word_timeout=300.0) as home, asyncio.timeout(60):
        assert (await home.call("POST", "/orders", {**LIMIT, "qty": 10_000_000}))[0] == 422


async def test_a_change_keeps_the_order_and_its_permanent_id(home: Any) -> None:
    _status, order = await home.call("POST", "/orders", LIMIT)
    status, changed = await home.call("PATCH", f"/orders/{order['id']}", {"limit": 101.5, "qty": 7})
    assert (status, changed["limit"], changed["qty"]) == (200, 101.5, 7)
    assert changed["broker"] == order["broker"]
    [at_broker] = home.simulator.exchange.open_orders()
    assert (at_broker.request.limit_price, at_broker.request.quantity) == (101.5, 7)


async def test_a_refused_change_keeps_the_old_terms(home: Any) -> None:
    _status, order = await home.call("POST", "/orders", LIMIT)
    status, problem = await home.call("PATCH", f"/orders/{order['id']}", {"limit": "100.001"})
    assert (status, problem["code"], problem["ibkr_code"]) == (422, "broker.refused", 110)
    _status, now = await home.call("GET", f"/orders/{order['id']}")
    assert (now["status"], now["limit"]) == ("working", 100)


async def test_an_ended_order_can_be_neither_changed_nor_cancelled_again(home: Any) -> None:
    _status, order = await home.call("POST", "/orders", {"symbol": "AAPL", "side": "BUY", "qty": 1, "type": "MARKET"})
    await home.until_order(order["id"], "filled")
    for method, body in (("DELETE", None), ("PATCH", {"qty": 2})):
        status, problem = await home.call(method, f"/orders/{order['id']}", body)
        assert (status, problem["code"]) == (409, "order.finished")
