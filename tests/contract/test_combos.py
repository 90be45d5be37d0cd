"""Several contracts under one order: one fill of the whole, positions by leg, guards leg by leg."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ibkr_bridge.config.settings import GuardSettings

LEGS = [{"symbol": "AAPL", "side": "BUY", "ratio": 2}, {"symbol": "MSFT", "side": "SELL"}]
COMBO = {"legs": LEGS, "side": "BUY", "qty": 3, "type": "MARKET"}


async def held(home: Any) -> bool:
    _status, told = await home.call("GET", "/account/positions")
    return {row["symbol"]: row["position"] for row in told["positions"]} == {"AAPL": 6, "MSFT": -3}


async def charged(home: Any, order_id: str) -> bool:
    return (await home.call("GET", f"/orders/{order_id}"))[1]["commission"] is not None


async def balanced(home: Any) -> bool:
    _status, told = await home.call("GET", "/reconciliation")
    return told["status"] == "balanced" and not told["open_questions"] and len(told["positions"]) == 2


async def test_a_combo_fills_as_one_and_moves_the_positions_of_its_legs(home: Any) -> None:
    status, order = await home.call("POST", "/orders", COMBO)
    assert status in (201, 202), order
    assert [(leg["symbol"], leg["side"], leg["ratio"]) for leg in order["contract"]["legs"]] == [
        ("AAPL", "BUY", 2),
        ("MSFT", "SELL", 1),
    ]
    done = await home.until_order(order["id"], "filled")
    assert (done["filled_qty"], done["remaining_qty"], done["contract"]["sec_type"]) == (3, 0, "BAG")
    await home.until(lambda: held(home))
    await home.until(lambda: charged(home, order["id"]))


async def test_what_a_combo_costs_may_be_below_zero(home: Any) -> None:
    legs = [{"symbol": "AAPL", "side": "BUY"}, {"symbol": "MSFT", "side": "SELL"}]
    body = {"legs": legs, "side": "BUY", "qty": 1, "type": "LIMIT", "limit": -400}
    status, order = await home.call("POST", "/orders", body)
    assert (status, order["status"], order["limit"]) == (201, "working", -400), order
    status, changed = await home.call("PATCH", f"/orders/{order['id']}", {"limit": -450})
    assert (status, changed["limit"]) == (200, -450), changed
    await home.call("DELETE", f"/orders/{order['id']}")
    await home.until_order(order["id"], "cancelled")


async def test_each_leg_of_a_combo_meets_the_guards(build: Any) -> None:
    async with build(guards=GuardSettings.wide_open().model_copy(update={"max_position": Decimal(5)})) as home:
        status, problem = await home.call("POST", "/orders", COMBO)
        assert (status, problem["code"]) == (422, "guard.position")
        assert "Of the leg AAPL" in problem["detail"]
        assert not home.simulator.exchange.open_orders()


async def test_a_working_combo_counts_in_the_positions_of_its_legs(build: Any) -> None:
    async with build(guards=GuardSettings.wide_open().model_copy(update={"max_position": Decimal(10)})) as home:
        resting = {**COMBO, "type": "LIMIT", "limit": -4000}
        assert (await home.call("POST", "/orders", resting))[0] == 201
        body = {"symbol": "AAPL", "side": "BUY", "qty": 5, "type": "MARKET"}
        status, problem = await home.call("POST", "/orders", body)
        assert (status, problem["code"], problem["value"]) == (422, "guard.position", "11")


async def test_legs_that_cannot_be_one_combo_are_refused(home: Any) -> None:
    twice = [{"symbol": "AAPL", "side": "BUY"}, {"symbol": "AAPL", "side": "SELL"}]
    status, problem = await home.call("POST", "/orders", {**COMBO, "legs": twice})
    assert (status, problem["errors"][0]["field"]) == (422, "legs")
    status, problem = await home.call("POST", "/orders", {**COMBO, "symbol": "AAPL"})
    assert (status, problem["errors"][0]["field"]) == (422, "legs")


async def test_the_books_agree_after_a_combo(home: Any) -> None:
    _status, order = await home.call("POST", "/orders", COMBO)
    await home.until_order(order["id"], "filled")
    await home.until(lambda: balanced(home))
