"""The routes of a trading bot's backend, at either door."""

from __future__ import annotations

from typing import Any

STOCK = {"symbol": "AAPL", "action": "BUY", "quantity": 2, "orderType": "MKT"}
RESTING = {**STOCK, "orderType": "LMT", "limitPrice": 250}


async def test_connect_says_that_it_is_connected_and_disconnect_ends_it_for_nobody(home: Any) -> None:
    status, said = await home.call("POST", "/api/ibkr/connect", {})
    assert (status, said["success"], said["connected"], said["account"]) == (200, True, True, home.account)
    status, said = await home.call("POST", "/api/ibkr/disconnect", {})
    assert (status, said["success"]) == (200, True)
    status, said = await home.call("GET", "/api/ibkr/status")
    assert (status, said["connected"], said["authenticated"]) == (200, True, True)


async def test_a_stock_order_fills_and_is_a_position(home: Any) -> None:
    status, said = await home.call("POST", "/api/ibkr/order/stock", STOCK)
    assert (status, said["success"]) == (201, True)
    await home.until_order(said["order"]["id"], "filled")

    async def held() -> dict[str, Any] | None:
        found: dict[str, Any] | None = (await home.call("GET", "/api/ibkr/positions/AAPL"))[1]["position"]
        return found

    assert (await home.until(held))["qty"] == 2
    _status, found = await home.call("GET", "/api/ibkr/positions")
    assert (found["count"], found["positions"][0]["contract"]["symbol"]) == (1, "AAPL")
    assert (await home.call("GET", "/api/ibkr/positions/MSFT"))[1]["position"] is None


async def test_open_orders_are_listed_and_cancelled(home: Any) -> None:
    _status, said = await home.call("POST", "/api/ibkr/order/stock", RESTING)
    order_id = said["order"]["id"]
    _status, found = await home.call("GET", "/api/ibkr/orders")
    assert [order["id"] for order in found["orders"]] == [order_id]
    assert (await home.call("GET", f"/api/ibkr/orders/{order_id}"))[1]["order"]["limit"] == 250
    status, _said = await home.call("DELETE", f"/api/ibkr/order/{order_id}")
    assert status in (200, 202)
    await home.until_order(order_id, "cancelled")
    assert (await home.call("GET", "/api/ibkr/orders"))[1]["count"] == 0


async def test_several_legs_are_one_combo(home: Any) -> None:
    """Legs that are sent one by one may fill alone. IBKR's numbers name any contract, so these two are stocks."""
    legs = [
        {"conid": 265598, "action": "BUY", "quantity": 4},
        {"conid": 272093, "action": "SELL", "quantity": 2},
    ]
    status, said = await home.call("POST", "/api/ibkr/order/options", {"symbol": "AAPL", "legs": legs})
    assert (status, said["success"]) == (201, True), said
    done = await home.until_order(said["order"]["id"], "filled")
    assert (done["qty"], [leg["ratio"] for leg in done["contract"]["legs"]]) == (2, [2, 1])


async def test_the_guards_stand_before_this_way_too(build: Any) -> None:
    async with build(read_only=True) as home:
        status, problem = await home.call("POST", "/api/ibkr/order/stock", STOCK)
        assert (status, problem["code"]) == (422, "guard.read_only")


async def test_what_is_asked_of_one_account_is_of_that_one(build: Any) -> None:
    async with build(pinned=False) as home:
        await home.until_ready()
        first, second = home.simulator.exchange.accounts
        _status, said = await home.call("POST", "/api/ibkr/order/stock", {**STOCK, "account": second})
        await home.until_order(said["order"]["id"], "filled")

        async def held(account: str) -> int:
            return int((await home.call("GET", f"/api/ibkr/positions?account={account}"))[1]["count"])

        async def counted() -> bool:
            _status, told = await home.call("GET", f"/reconciliation?account={second}")
            return {row["account"] for row in told["positions"]} == {second}

        await home.until(lambda: held(second))
        await home.until(counted)
        assert await held(first) == 0
        assert (await home.call("GET", f"/reconciliation?account={first}"))[1]["positions"] == []
        for path in ("/api/ibkr/positions", "/api/ibkr/orders", "/reconciliation"):
            status, problem = await home.call("GET", f"{path}?account=DU1")
            assert (status, problem["code"]) == (404, "account.unknown")
