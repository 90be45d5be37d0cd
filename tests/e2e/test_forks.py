"""A change that left two orders at the broker, and fills booked anew: one order, and figures that are true."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

LIMIT = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "LIMIT", "limit": 100, "client_order_id": "mine"}


async def placed(home: Any, **more: Any) -> dict[str, Any]:
    status, order = await home.call("POST", "/orders", {**LIMIT, **more})
    assert status == 201
    return dict(order)


async def until_alone(home: Any, order_id: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        order = (await home.call("GET", f"/orders/{order_id}"))[1]
        live = [theirs for theirs in order["broker"] if theirs["status"] == "working"]
        return order if len(live) == len(home.simulator.exchange.open_orders()) == 1 else None

    found: dict[str, Any] = await home.until(look)
    return found


async def test_the_second_order_that_a_change_left_is_shown_and_cancelled(home: Any) -> None:
    order = await placed(home)
    home.simulator.faults.inject("modify_forks", "modify")
    async with home.http.ws_connect("/ws/ib") as socket:
        status, problem = await home.call("PATCH", f"/orders/{order['id']}", {"limit": 101})
        assert (status, problem["code"]) == (422, "broker.refused")
        assert "second order" in problem["detail"]
        texts: list[str] = []
        while not any("2 live orders" in text for text in texts):
            message = await socket.receive_json(timeout=5)
            if message["event"] == "orderMessage":
                texts.append(message["data"]["text"])
    alone = await until_alone(home, order["id"])
    assert len(alone["broker"]) == 2
    assert alone["status"] == "working"
    [really] = home.simulator.exchange.open_orders()

    async def true_terms() -> bool:
        shown = (await home.call("GET", f"/orders/{order['id']}"))[1]
        return bool(Decimal(str(shown["limit"])) == really.request.limit_price)

    await home.until(true_terms)


async def test_cancelling_a_forked_order_cancels_both(home: Any) -> None:
    order = await placed(home)
    home.simulator.faults.inject("modify_forks", "modify")
    home.simulator.faults.inject("refused_cancel", "cancel")
    await home.call("PATCH", f"/orders/{order['id']}", {"limit": 101})
    await home.call("DELETE", f"/orders/{order['id']}")
    await home.until_order(order["id"], "cancelled")

    async def nothing_left() -> bool:
        return not home.simulator.exchange.open_orders()

    await home.until(nothing_left)


async def test_a_corrected_fill_changes_the_figures_and_counts_once(home: Any) -> None:
    home.simulator.faults.inject("corrected_execution", "execution", options={"price_by": "-0.25", "shares_by": "-1"})
    order = await placed(home, limit=300)

    async def corrected() -> dict[str, Any] | None:
        shown = (await home.call("GET", f"/orders/{order['id']}"))[1]
        return dict(shown) if shown["filled_qty"] == 9 else None

    shown = await home.until(corrected)
    [(execution, charge)] = home.simulator.exchange.executions()
    assert Decimal(str(shown["avg_fill_price"])) == execution.price
    assert Decimal(str(shown["commission"])) == charge.amount


async def test_a_busted_fill_counts_for_nothing(home: Any) -> None:
    home.simulator.faults.inject("busted_execution", "execution")
    order = await placed(home, limit=300)

    async def busted() -> dict[str, Any] | None:
        shown = (await home.call("GET", f"/orders/{order['id']}"))[1]
        return dict(shown) if shown["filled_qty"] == 0 and shown["commission"] == 0 else None

    shown = await home.until(busted)
    assert shown["avg_fill_price"] is None
    [(execution, charge)] = home.simulator.exchange.executions()
    assert execution.shares == charge.amount == 0

    async def nothing_held() -> bool:
        rows = (await home.call("GET", "/positions"))[1]["positions"]
        return not any(row["qty"] for row in rows)

    await home.until(nothing_held)
    lines = (await home.call("GET", "/reconciliation"))[1]["positions"]
    assert not any(line["difference"] for line in lines)


async def test_a_correction_names_the_execution_that_it_replaces(home: Any) -> None:
    home.simulator.faults.inject("corrected_execution", "execution")
    async with home.http.ws_connect("/ws/ib") as socket:
        await placed(home, limit=300)
        told: list[dict[str, Any]] = []
        while len(told) < 2:
            message = await socket.receive_json(timeout=5)
            if message["event"] == "execDetails":
                told.append(message["data"])
    assert told[0]["corrects"] is None
    assert told[1]["corrects"] == told[0]["exec_id"]
