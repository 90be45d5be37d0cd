"""What happens to an order when the wire fails at the worst moment."""

from __future__ import annotations

import asyncio
from typing import Any

LIMIT = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "LIMIT", "limit": 100, "tif": "DAY"}
MARKET = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "MARKET"}


async def lose_the_answer(home: Any, body: dict[str, Any]) -> dict[str, Any]:
    """Place an order whose answer never arrives, and let the broken connection end."""
    await home.call("GET", "/market/quote/AAPL")
    home.tap.muted = True
    status, order = await home.call("POST", "/orders", body)
    assert (status, order["status"]) == (202, "unknown")
    assert order["evidence"]
    home.tap.muted = False
    home.tap.cut()
    return dict(order)


async def test_an_order_whose_answer_was_lost_is_found_working_and_never_sent_again(hasty: Any) -> None:
    order = await lose_the_answer(hasty, LIMIT)
    found = await hasty.until_order(order["id"], "working")
    assert found["broker"][0]["perm_id"]
    assert len(hasty.simulator.exchange.open_orders()) == 1


async def test_a_fill_during_the_outage_is_found_with_its_commission(hasty: Any) -> None:
    order = await lose_the_answer(hasty, MARKET)
    found = await hasty.until_order(order["id"], "filled")
    assert found["filled_qty"] == 10
    [(execution, commission)] = hasty.simulator.exchange.executions()
    found = await hasty.until_order(order["id"], "filled")
    assert found["avg_fill_price"] == float(execution.price)

    async def charged() -> bool:
        _status, now = await hasty.call("GET", f"/orders/{order['id']}")
        return bool(now["commission"] == float(commission.amount))

    await hasty.until(charged)


async def test_an_order_that_never_arrived_stays_unknown_and_is_not_sent_again(home: Any) -> None:
    await home.call("GET", "/market/quote/AAPL")
    home.tap.deaf = True
    status, order = await home.call("POST", "/orders", LIMIT)
    assert (status, order["status"]) == (202, "unknown")
    home.tap.deaf = False
    home.tap.cut()
    await home.until_ready(ready=False)
    await home.until_ready()

    async def looked() -> bool:
        _status, now = await home.call("GET", f"/orders/{order['id']}")
        return len(now["evidence"]) > 1

    await home.until(looked)
    assert (await home.call("GET", f"/orders/{order['id']}"))[1]["status"] == "unknown"
    assert not home.simulator.exchange.open_orders()
    assert not home.simulator.exchange.completed_orders()


async def test_fifty_callers_with_one_id_make_one_order(home: Any) -> None:
    body = {**LIMIT, "client_order_id": "strategy-7"}
    answers = await asyncio.gather(*(home.call("POST", "/orders", body) for _ in range(50)))
    assert sorted(status for status, _order in answers) == [200] * 49 + [201]
    assert len({order["id"] for _status, order in answers}) == 1
    assert len(home.simulator.exchange.open_orders()) == 1


async def test_an_id_with_another_body_is_refused(home: Any) -> None:
    assert (await home.call("POST", "/orders", {**LIMIT, "client_order_id": "a"}))[0] == 201
    status, problem = await home.call("POST", "/orders", {**LIMIT, "qty": 11, "client_order_id": "a"})
    assert (status, problem["code"]) == (422, "order.id_reused")


async def test_an_id_still_answers_while_the_broker_is_away(home: Any) -> None:
    body = {**LIMIT, "client_order_id": "a"}
    _status, first = await home.call("POST", "/orders", body)
    home.tap.closed = True
    home.tap.cut()
    await home.until_ready(ready=False)
    status, again = await home.call("POST", "/orders", body)
    assert (status, again["id"]) == (200, first["id"])


async def test_a_refused_order_leaves_its_id_free(build: Any) -> None:
    async with build(read_only=True) as home:
        body = {**LIMIT, "client_order_id": "a"}
        for _ in range(2):
            status, problem = await home.call("POST", "/orders", body)
            assert (status, problem["code"]) == (422, "guard.read_only")
        assert not home.simulator.exchange.open_orders()
