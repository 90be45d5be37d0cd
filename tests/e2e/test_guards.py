"""The guards as a caller meets them: the default ones of `serve`, on live quotes and rates."""

from __future__ import annotations

from typing import Any

from ibkr_bridge.config.settings import GuardSettings

BUY = {"symbol": "AAPL", "side": "BUY", "qty": 100, "type": "LIMIT", "limit": 150.50, "tif": "DAY"}


def serve_defaults(**changed: Any) -> GuardSettings:
    """As `serve` has them, but for the hours: the simulator never closes."""
    return GuardSettings(**{"market_hours": False, **changed})


async def test_the_users_order_passes_the_default_guards(build: Any) -> None:
    async with build(guards=serve_defaults()) as home:
        assert (await home.call("POST", "/orders", BUY))[0] == 201


async def test_an_order_worth_too_much_is_denied_in_francs_at_the_live_rate(build: Any) -> None:
    async with build(guards=serve_defaults()) as home:
        status, problem = await home.call("POST", "/orders", {**BUY, "qty": 1000})
        assert (status, problem["code"], problem["limit"]) == (422, "guard.order_value", "50000")
        rate = home.simulator.exchange.quote(12087820)
        middle = (rate.bid + rate.ask) / 2
        assert abs(float(problem["value"]) - 150_500 * float(middle)) < 1500  # the rate walks on meanwhile
        _status, denied = await home.call("GET", "/orders?status=denied")
        assert [order["reason"] for order in denied["orders"]] == [problem["detail"]]
        assert not home.simulator.exchange.open_orders()


async def test_market_orders_are_denied_by_default(build: Any) -> None:
    async with build(guards=serve_defaults()) as home:
        status, problem = await home.call(
            "POST", "/orders", {"symbol": "AAPL", "side": "BUY", "qty": 1, "type": "MARKET"}
        )
        assert (status, problem["code"]) == (422, "guard.market_orders")


async def test_a_slipped_decimal_point_is_denied(build: Any) -> None:
    async with build(guards=serve_defaults(max_order_value=0)) as home:
        status, problem = await home.call("POST", "/orders", {**BUY, "limit": 1505})
        assert (status, problem["code"]) == (422, "guard.price_collar")


async def test_a_price_that_is_given_as_an_offset_is_judged_too(build: Any) -> None:
    async with build(guards=serve_defaults()) as home:
        relative = {**BUY, "qty": 1, "type": "RELATIVE", "limit": None, "offset": 400}
        status, problem = await home.call("POST", "/orders", relative)
        assert (status, problem["code"]) == (422, "guard.price_collar")


async def test_a_slipped_decimal_point_of_a_combo_is_denied(build: Any) -> None:
    pair = [{"symbol": "MSFT", "side": "BUY"}, {"symbol": "AAPL", "side": "SELL"}]
    async with build(guards=serve_defaults()) as home:
        combo = {"legs": pair, "side": "BUY", "qty": 1, "type": "LIMIT", "limit": 235}
        assert (await home.call("POST", "/orders", combo))[0] == 201
        status, problem = await home.call("POST", "/orders", {**combo, "limit": 2350})
        assert (status, problem["code"]) == (422, "guard.price_collar")
        loose = serve_defaults(price_collar_percent=0)
    async with build(guards=loose) as home:
        status, problem = await home.call("POST", "/orders", {**combo, "limit": 100_000})
        assert (status, problem["code"]) == (422, "guard.order_value")


async def test_a_change_passes_the_same_guards(build: Any) -> None:
    async with build(guards=serve_defaults()) as home:
        _status, order = await home.call("POST", "/orders", BUY)
        status, problem = await home.call("PATCH", f"/orders/{order['id']}", {"qty": 1000})
        assert (status, problem["code"]) == (422, "guard.order_value")
        [at_broker] = home.simulator.exchange.open_orders()
        assert at_broker.request.quantity == 100


async def test_a_denial_is_told_to_listeners(build: Any) -> None:
    async with build(guards=serve_defaults()) as home, home.http.ws_connect("/ws/ib") as socket:
        await home.call("POST", "/orders", {**BUY, "qty": 1000})
        heard: list[dict[str, Any]] = []
        while not heard or heard[-1]["data"].get("status") != "denied":
            heard.append(await socket.receive_json(timeout=5))
        assert "order is worth" in heard[-1]["data"]["reason"]


async def test_twice_the_same_order_at_once_is_denied_and_with_an_id_it_is_one(build: Any) -> None:
    async with build(guards=serve_defaults()) as home:
        assert (await home.call("POST", "/orders", BUY))[0] == 201
        status, problem = await home.call("POST", "/orders", BUY)
        assert (status, problem["code"]) == (422, "guard.repeats")
        other = {**BUY, "qty": 99, "client_order_id": "mine"}
        assert [(await home.call("POST", "/orders", other))[0] for _ in range(2)] == [201, 200]
