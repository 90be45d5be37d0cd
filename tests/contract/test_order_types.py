"""Every order type, time in force and extra that a door can carry reaches IBKR as it was written; the rest is 501."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ibkr_bridge.config.settings import GuardSettings

LATER = (datetime.now(UTC) + timedelta(days=10)).strftime("%Y-%m-%dT20:00:00Z")
AAPL = {"symbol": "AAPL", "side": "BUY", "qty": 10}
TYPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "MARKET_ON_CLOSE": ({}, {"order_type": "MOC"}),
    "LIMIT_ON_CLOSE": ({"limit": 200}, {"order_type": "LOC", "limit_price": Decimal(200)}),
    "MARKET_IF_TOUCHED": ({"stop": 200}, {"order_type": "MIT", "stop_price": Decimal(200)}),
    "LIMIT_IF_TOUCHED": (
        {"stop": 200, "limit": 201},
        {"order_type": "LIT", "stop_price": Decimal(200), "limit_price": Decimal(201)},
    ),
    "TRAIL": (
        {"side": "SELL", "trail": 5, "stop": 200},
        {"order_type": "TRAIL", "stop_price": Decimal(5), "trail_stop": Decimal(200)},
    ),
    "TRAIL_LIMIT": (
        {"side": "SELL", "trail_percent": 3, "stop": 200, "limit_offset": 1},
        {"order_type": "TRAIL LIMIT", "trailing_percent": Decimal(3), "trail_stop": Decimal(200)},
    ),
    "MIDPRICE": ({"limit": 200}, {"order_type": "MIDPRICE", "limit_price": Decimal(200)}),
    "RELATIVE": ({"limit": 200, "offset": "0.05"}, {"order_type": "REL", "limit_price": Decimal(200)}),
    "PEG_MID": ({"limit": 200, "offset": "0.05"}, {"order_type": "PEG MID", "limit_price": Decimal(200)}),
}
EXTRAS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "order.tif.GTD": ({"tif": "GTD", "good_till": LATER}, {"tif": "GTD"}),
    "order.tif.OPG": ({"tif": "OPG"}, {"tif": "OPG"}),
    "order.all_or_none": ({"all_or_none": True}, {"all_or_none": True}),
    "order.hidden": ({"hidden": True}, {"hidden": True}),
    "order.display_qty": ({"display_qty": 2}, {"display_size": Decimal(2)}),
    "order.oca": ({"oca": {"group": "either", "type": "reduce"}}, {"oca_group": "either", "oca_type": 2}),
}


def at_ibkr(home: Any, order: dict[str, Any]) -> Any:
    exchange = home.simulator.exchange
    known = [*exchange.open_orders(), *exchange.completed_orders()]
    return next(really.request for really in known if really.request.order_ref.startswith(order["id"]))


async def able(home: Any, ability: str) -> bool:
    _status, told = await home.call("GET", "/capabilities")
    return ability in told["supported"]


async def refused(home: Any, ability: str, body: dict[str, Any]) -> None:
    status, problem = await home.call("POST", "/orders", body)
    assert (status, problem["code"]) == (501, "capability.missing")
    assert ability in problem["detail"]
    assert not home.simulator.exchange.open_orders()


@pytest.mark.parametrize("kind", TYPES)
async def test_every_order_type_reaches_ibkr_as_it_was_written(home: Any, kind: str) -> None:
    terms, wanted = TYPES[kind]
    body = {**AAPL, "type": kind, **terms}
    if not await able(home, f"order.type.{kind}"):
        return await refused(home, f"order.type.{kind}", body)
    status, order = await home.call("POST", "/orders", body)
    assert (status, order["status"]) == (201, "working"), order
    assert {name: str(order[name]) for name in terms} == {name: str(value) for name, value in terms.items()}
    really = at_ibkr(home, order)
    assert {name: getattr(really, name) for name in wanted} == wanted
    await home.call("DELETE", f"/orders/{order['id']}")
    await home.until_order(order["id"], "cancelled")
    return None


@pytest.mark.parametrize("ability", EXTRAS)
async def test_every_extra_reaches_ibkr_or_is_refused_with_the_reason(home: Any, ability: str) -> None:
    extra, wanted = EXTRAS[ability]
    body = {**AAPL, "type": "LIMIT", "limit": 200, **extra}
    if not await able(home, ability):
        return await refused(home, ability, body)
    status, order = await home.call("POST", "/orders", body)
    assert (status, order["status"]) == (201, "working"), order
    assert {name: order[name] for name in extra} == extra
    really = at_ibkr(home, order)
    assert {name: getattr(really, name) for name in wanted} == wanted
    return None


async def test_a_trail_is_changed_and_nothing_else_of_it(home: Any) -> None:
    body = {**AAPL, "side": "SELL", "type": "TRAIL", "trail": 5, "stop": 200}
    _status, order = await home.call("POST", "/orders", body)
    status, changed = await home.call("PATCH", f"/orders/{order['id']}", {"trail": 7})
    assert (status, changed["trail"], changed["stop"]) == (200, 7, 200), changed
    assert at_ibkr(home, order).stop_price == 7
    status, problem = await home.call("PATCH", f"/orders/{order['id']}", {"stop": 210})
    assert (status, problem["errors"][0]["field"]) == (422, "stop")


async def test_a_condition_keeps_an_order_asleep_until_it_comes_true(home: Any) -> None:
    conditions = {"items": [{"type": "price", "symbol": "MSFT", "below": 10}]}
    body = {**AAPL, "type": "MARKET", "conditions": conditions}
    if not await able(home, "order.conditions"):
        return await refused(home, "order.conditions", body)
    status, order = await home.call("POST", "/orders", body)
    assert (status, order["status"]) == (201, "working")
    [told] = order["conditions"]["items"]
    assert (told["type"], told["conid"], told["below"], told["above"]) == ("price", 272093, 10, None)
    conditions["items"][0] = {"type": "price", "symbol": "MSFT", "above": 10}
    _status, awake = await home.call("POST", "/orders", {**body, "conditions": conditions})
    assert (await home.until_order(awake["id"], "filled"))["filled_qty"] == 10
    assert (await home.call("GET", f"/orders/{order['id']}"))[1]["status"] == "working"
    return None


async def test_of_a_group_one_that_fills_takes_the_others_back(home: Any) -> None:
    group = {"oca": {"group": "exits"}, "type": "LIMIT"}
    if not await able(home, "order.oca"):
        return await refused(home, "order.oca", {**AAPL, **group, "limit": 200})
    _status, resting = await home.call("POST", "/orders", {**AAPL, **group, "limit": 200})
    _status, filling = await home.call("POST", "/orders", {**AAPL, **group, "limit": 500})
    await home.until_order(filling["id"], "filled")
    await home.until_order(resting["id"], "cancelled")
    return None


async def test_a_group_is_placed_at_once_and_ends_together(home: Any) -> None:
    """At either door: the Web API takes a group in one request only."""
    resting = {**AAPL, "type": "LIMIT", "limit": 200, "client_order_id": "resting"}
    filling = {**AAPL, "symbol": "MSFT", "type": "LIMIT", "limit": 900, "client_order_id": "filling"}
    status, told = await home.call("POST", "/orders/oca", {"orders": [resting, filling]})
    assert status == 201, told
    one, other = told["orders"]
    assert one["oca"] == other["oca"] == {"group": one["id"], "type": "cancel"}
    await home.until_order(other["id"], "filled")
    await home.until_order(one["id"], "cancelled")
    status, again = await home.call("POST", "/orders/oca", {"orders": [resting, filling]})
    assert [order["id"] for order in again["orders"]] == [one["id"], other["id"]]
    status, problem = await home.call("POST", "/orders", resting)
    assert (status, problem["code"]) == (422, "order.id_reused"), "on its own it is another wish"


async def test_of_a_group_a_guard_lets_all_through_or_none(build: Any) -> None:
    async with build(guards=GuardSettings.wide_open().model_copy(update={"max_quantity": Decimal(5)})) as home:
        small = {**AAPL, "qty": 5, "type": "LIMIT", "limit": 200}
        status, problem = await home.call("POST", "/orders/oca", {"orders": [small, {**small, "qty": 6}]})
        assert (status, problem["code"]) == (422, "guard.quantity")
        assert not home.simulator.exchange.open_orders()


async def test_of_a_group_all_count_since_two_may_fill_at_once(build: Any) -> None:
    async with build(guards=GuardSettings.wide_open().model_copy(update={"max_position": Decimal(10)})) as home:
        one = {**AAPL, "qty": 6, "type": "LIMIT", "limit": 200}
        status, problem = await home.call("POST", "/orders/oca", {"orders": [one, {**one, "limit": 201}]})
        assert (status, problem["code"], problem["value"]) == (422, "guard.position", "12")
        assert not home.simulator.exchange.open_orders()
        assert (await home.call("POST", "/orders/oca", {"orders": [one, {**one, "symbol": "MSFT"}]}))[0] == 201


async def test_an_algorithm_goes_with_its_parameters(home: Any) -> None:
    algo = {"strategy": "Adaptive", "params": {"adaptivePriority": "Normal"}}
    status, order = await home.call("POST", "/orders", {**AAPL, "type": "LIMIT", "limit": 200, "algo": algo})
    assert (status, order["algo"]) == (201, algo), order


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"type": "TRAIL"}, "trail"),
        ({"type": "TRAIL", "trail": 1, "trail_percent": 1}, "trail"),
        ({"type": "LIMIT", "limit": -5}, "limit"),
        ({"type": "LIMIT", "limit": 5, "tif": "GTD"}, "good_till"),
        ({"type": "LIMIT", "limit": 5, "display_qty": 11}, "display_qty"),
        ({"type": "MARKET", "trail": 1}, "trail"),
        ({"type": "MARKET", "conditions": {"items": [{"type": "price", "above": 5}]}}, "conditions"),
        ({"type": "MARKET", "conditions": {"items": [{"type": "time", "above": 5}]}}, "conditions"),
        ({"type": "LIMIT", "limit": 5, "adjust": {"trigger": 4, "type": "TRAIL", "stop": 3, "trail": 1}}, "adjust"),
    ],
)
async def test_terms_that_do_not_hold_together_name_the_field(home: Any, terms: dict[str, Any], field: str) -> None:
    status, problem = await home.call("POST", "/orders", {**AAPL, **terms})
    assert (status, problem["code"], problem["errors"][0]["field"]) == (422, "request.invalid", field)
