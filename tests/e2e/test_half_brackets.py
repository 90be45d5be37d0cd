"""Of an order with its exits a part is lost on the way: what is left is taken back, unless it has begun to fill."""

from __future__ import annotations

from typing import Any

BRACKET = {
    "symbol": "AAPL",
    "side": "BUY",
    "qty": 10,
    "type": "LIMIT",
    "limit": 200,
    "take_profit": {"limit": 500},
    "stop_loss": {"stop": 100},
}


async def test_an_order_without_the_exits_that_never_arrived_is_taken_back(build: Any) -> None:
    async with build(
        first_word_timeout=1.0, never_arrived_after=2.0, inquiry_interval=0.5, tws_time_zone="America/New_York"
    ) as home:
        home.simulator.faults.inject("silent_drop", "order:2")
        _status, entry = await home.call("POST", "/orders", BRACKET)
        for child in entry["children"]:
            await home.until_order(child, "never_arrived")
        assert (await home.until_order(entry["id"], "cancelled"))["filled_qty"] == 0
        assert home.simulator.exchange.open_orders() == []


async def test_an_order_that_has_filled_stays_although_its_exits_never_arrived(build: Any) -> None:
    async with build(
        first_word_timeout=1.0, never_arrived_after=2.0, inquiry_interval=0.5, tws_time_zone="America/New_York"
    ) as home:
        home.simulator.faults.inject("silent_drop", "order:2")
        _status, entry = await home.call("POST", "/orders", {**BRACKET, "limit": 400})
        for child in entry["children"]:
            await home.until_order(child, "never_arrived")
        assert (await home.until_order(entry["id"], "filled"))["filled_qty"] == 10


async def test_the_exits_of_an_order_that_ended_unfilled_end_with_it(home: Any) -> None:
    _status, entry = await home.call("POST", "/orders", {**BRACKET, "tif": "IOC"})
    for child in entry["children"]:
        await home.until_order(child, "cancelled")
    assert (await home.call("GET", f"/orders/{entry['id']}"))[1]["filled_qty"] == 0
    assert home.simulator.exchange.open_orders() == []
