"""An order whose fate is unknown: what the broker is asked, and who may decide."""

from __future__ import annotations

from typing import Any

import pytest

LIMIT = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "LIMIT", "limit": 100, "client_order_id": "mine"}


@pytest.fixture
def home(hasty: Any) -> Any:
    return hasty


async def swallowed(home: Any) -> dict[str, Any]:
    """An order whose bytes never reach the gateway."""
    await home.call("GET", "/market/quote/AAPL")
    home.tap.deaf = True
    _status, order = await home.call("POST", "/orders", LIMIT)
    assert order["status"] == "unknown"
    home.tap.deaf = False
    home.tap.cut()
    return dict(order)


async def reconnected(home: Any) -> None:
    async def again() -> bool:
        return bool(home.tap.connections > 1)

    await home.until(again)
    await home.until_ready()


async def test_three_complete_looks_over_the_stated_time_make_it_never_arrived(build: Any) -> None:
    async with build(
        first_word_timeout=1.0, never_arrived_after=0.5, inquiry_interval=0.2, tws_time_zone="America/New_York"
    ) as home:
        order = await swallowed(home)
        found = await home.until_order(order["id"], "never_arrived")
        assert "complete looks" in found["evidence"][-1]["text"]
        assert not home.simulator.exchange.open_orders()


async def test_a_repeat_of_an_order_that_never_arrived_is_not_sent_by_itself(build: Any) -> None:
    async with build(
        first_word_timeout=1.0, never_arrived_after=0.2, inquiry_interval=0.1, tws_time_zone="America/New_York"
    ) as home:
        order = await swallowed(home)
        await home.until_order(order["id"], "never_arrived")
        status, again = await home.call("POST", "/orders", LIMIT)
        assert (status, again["id"], again["status"]) == (200, order["id"], "never_arrived")
        assert not home.simulator.exchange.open_orders()


async def test_a_person_may_decide_and_only_while_it_is_unknown(home: Any) -> None:
    order = await swallowed(home)
    verdict = {"status": "never_arrived", "note": "not in TWS"}
    status, resolved = await home.call("POST", f"/orders/{order['id']}/resolve", verdict)
    assert (status, resolved["status"]) == (200, "never_arrived")
    assert resolved["evidence"][-1]["text"] == "resolved by hand: not in TWS"
    status, problem = await home.call("POST", f"/orders/{order['id']}/resolve", verdict)
    assert (status, problem["code"]) == (409, "order.not_unknown")


async def test_a_fill_decided_by_hand_counts_in_full(home: Any) -> None:
    order = await swallowed(home)
    verdict = {"status": "filled", "note": "seen in TWS", "avg_fill_price": 99.5}
    _status, resolved = await home.call("POST", f"/orders/{order['id']}/resolve", verdict)
    assert (resolved["status"], resolved["filled_qty"], resolved["avg_fill_price"]) == ("filled", 10, 99.5)


async def test_a_number_that_may_never_have_arrived_is_given_to_no_other_order(home: Any) -> None:
    lost = await swallowed(home)
    await reconnected(home)
    status, other = await home.call("POST", "/orders", {**LIMIT, "client_order_id": "another"})
    assert status == 201
    assert other["broker"][0]["order_id"] > lost["broker"][0]["order_id"]
    await home.call("DELETE", f"/orders/{lost['id']}")
    assert (await home.call("GET", f"/orders/{other['id']}"))[1]["status"] == "working"


async def test_a_change_of_what_ibkr_may_not_have_is_refused(home: Any) -> None:
    order = await swallowed(home)
    await reconnected(home)
    status, problem = await home.call("PATCH", f"/orders/{order['id']}", {"limit": 101})
    assert (status, problem["code"], problem["retryable"]) == (409, "order.not_heard_of", True)
    assert not home.simulator.exchange.open_orders()
