"""An order with its exits, at either door: all of it is placed or nothing, and what is left over goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ibkr_bridge.config.settings import GuardSettings

BRACKET = {
    "symbol": "AAPL",
    "side": "BUY",
    "qty": 10,
    "type": "LIMIT",
    "limit": 200,
    "tif": "GTC",
    "take_profit": {"limit": 500},
    "stop_loss": {"stop": 100, "client_order_id": "stop"},
}


async def placed(home: Any, **more: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    status, entry = await home.call("POST", "/orders", {**BRACKET, **more})
    assert status == 201, entry
    return entry, [await order(home, child) for child in entry["children"]]


async def order(home: Any, order_id: str) -> dict[str, Any]:
    return dict((await home.call("GET", f"/orders/{order_id}"))[1])


def theirs(home: Any) -> dict[str, Any]:
    """What IBKR holds, by the id of the order of ours that it carries."""
    exchange = home.simulator.exchange
    everything = [*exchange.open_orders(), *exchange.completed_orders()]
    return {really.request.order_ref.partition(".")[0]: really for really in everything}


async def test_an_order_and_its_exits_are_at_ibkr_together(home: Any) -> None:
    entry, (profit, stop) = await placed(home)
    assert [one["status"] for one in (entry, profit, stop)] == ["working"] * 3
    assert (profit["side"], profit["type"], profit["limit"], profit["qty"]) == ("SELL", "LIMIT", 500, 10)
    assert (stop["side"], stop["type"], stop["stop"], stop["tif"]) == ("SELL", "STOP", 100, "GTC")
    assert (profit["parent_id"], stop["parent_id"], entry["parent_id"]) == (entry["id"], entry["id"], None)
    assert stop["client_order_id"] == "stop"
    assert theirs(home).keys() == {entry["id"], profit["id"], stop["id"]}


async def test_exits_trade_only_once_their_order_has_filled(home: Any) -> None:
    """The take-profit would fill at once by itself: its limit is far below the market."""
    entry, (profit, stop) = await placed(home, take_profit={"limit": 150})
    await asyncio.sleep(0.3)
    assert (await order(home, profit["id"]))["status"] == "working"
    await home.call("PATCH", f"/orders/{entry['id']}", {"limit": 400})
    assert (await home.until_order(entry["id"], "filled"))["filled_qty"] == 10
    assert (await home.until_order(profit["id"], "filled"))["filled_qty"] == 10
    assert (await home.until_order(stop["id"], "cancelled"))["filled_qty"] == 0


async def test_cancelling_the_order_takes_its_exits_with_it(home: Any) -> None:
    entry, exits = await placed(home)
    await home.call("DELETE", f"/orders/{entry['id']}")
    for one in (entry, *exits):
        await home.until_order(one["id"], "cancelled")
    assert home.simulator.exchange.open_orders() == []


async def test_an_exit_can_be_changed_and_stays_an_exit(home: Any) -> None:
    entry, (profit, _stop) = await placed(home, take_profit={"limit": 150})
    status, changed = await home.call("PATCH", f"/orders/{profit['id']}", {"limit": 160})
    assert (status, changed["limit"], changed["status"]) == (200, 160, "working")
    await asyncio.sleep(0.2)
    assert (await order(home, profit["id"]))["status"] == "working"
    assert (await order(home, entry["id"]))["status"] == "working"


async def test_the_same_bracket_again_is_the_same_three_orders(home: Any) -> None:
    first, exits = await placed(home, client_order_id="mine")
    status, again = await home.call("POST", "/orders", {**BRACKET, "client_order_id": "mine"})
    assert (status, again["id"], again["children"]) == (200, first["id"], first["children"])
    assert len(theirs(home)) == 3
    other = {**BRACKET, "client_order_id": "mine", "take_profit": {"limit": 501}}
    status, problem = await home.call("POST", "/orders", other)
    assert (status, problem["code"]) == (422, "order.id_reused")
    status, problem = await home.call("POST", "/orders", {**BRACKET, "client_order_id": "another"})
    assert (status, problem["code"]) == (422, "order.id_reused"), "the exit's own id has an order"
    assert exits[1]["client_order_id"] == "stop"
    assert len(theirs(home)) == 3


async def test_one_member_that_a_guard_denies_denies_the_whole(build: Callable[..., Any]) -> None:
    guards = GuardSettings.wide_open().model_copy(update={"price_collar_percent": Decimal(50)})
    async with build(guards=guards) as home:
        status, problem = await home.call("POST", "/orders", {**BRACKET, "take_profit": {"limit": 50}})
        assert (status, problem["code"]) == (422, "guard.price_collar")
        assert problem["detail"].startswith("Of a child")
        assert theirs(home) == {}


async def test_an_exit_on_the_wrong_side_of_nonsense_is_refused_before_anything_is_sent(home: Any) -> None:
    status, problem = await home.call("POST", "/orders", {**BRACKET, "stop_loss": {"limit": 100}})
    assert (status, problem["code"]) == (422, "request.invalid")
    assert theirs(home) == {}


async def test_a_lost_answer_leaves_unknown_orders_that_are_all_found(build: Any) -> None:
    async with build(first_word_timeout=1.0) as home:
        bid = (await home.call("GET", "/market/quote/AAPL"))[1]["bid"]
        prices = {
            "limit": bid - 1,
            "take_profit": {"limit": bid + 1},
            "stop_loss": None,
        }  # nothing that IBKR asks about
        near = {**BRACKET, **prices, "client_order_id": "mine"}
        home.tap.muted = True
        status, entry = await home.call("POST", "/orders", near)
        assert (status, entry["status"]) == (202, "unknown")
        status, again = await home.call("POST", "/orders", near)
        assert again["id"] == entry["id"]
        home.tap.muted = False
        home.tap.cut()
        for name in (entry["id"], *entry["children"]):
            await home.until_order(name, "working")
        assert len(theirs(home)) == 2


async def test_an_order_whose_exit_ibkr_refuses_is_taken_back(home: Any) -> None:
    """500.001 is between two price steps."""
    async with home.http.ws_connect("/ws/ib") as socket:
        _status, told = await home.call("POST", "/orders", {**BRACKET, "take_profit": {"limit": 500.001}})
        entry = told.get("order", told)

        async def ended() -> bool:
            return (await order(home, entry["id"]))["status"] in ("cancelled", "rejected")

        await home.until(ended)
        assert home.simulator.exchange.open_orders() == []
        profit, _stop = [await order(home, child) for child in entry["children"]]
        assert profit["status"] == "rejected"
        if entry["status"] != "rejected":  # one door takes a part, the other nothing
            text = ""
            while "only a part" not in text:
                message = await socket.receive_json(timeout=10)
                text = message["data"].get("text", "") if message["event"] == "orderMessage" else ""
