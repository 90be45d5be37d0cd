"""Order types, times in force, groups and combinations at the Web API's door."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

ACCOUNT = "DU9912345"
ORDERS = f"/iserver/account/{ACCOUNT}/orders"
AAPL, MSFT, USD_SPREAD = 265598, 272093, 28812380
PAIR = f"{USD_SPREAD};;;{AAPL}/1,{MSFT}/-2"


async def placed(house: Any, **terms: Any) -> Any:
    """The exchange's order of a ticket that was taken."""
    (row,) = await house.place(terms)
    return house.market.order(int(row["order_id"]))


async def listed(house: Any, order: Any) -> dict[str, Any]:
    rows = (await house.get("/iserver/account/orders"))["orders"]
    return next(row for row in rows if row["orderId"] == order.perm_id)


@pytest.mark.parametrize(
    ("written", "kind", "named", "prices"),
    [
        ("MIT", "MIT", "MIT", {"price": "0.95"}),
        ("LIT", "LIT", "LIT", {"price": "0.96", "auxPrice": "0.95"}),
        ("MOC", "MOC", "MARKETONCLOSE", {}),
        ("LOC", "LOC", "LIMITONCLOSE", {"price": "0.95"}),
        ("MIDPRICE", "MIDPRICE", "MIDPRICE", {"price": "0.95"}),
        ("REL", "REL", "RELATIVE", {"price": "0.95"}),
        ("TRAIL", "TRAIL", "TRAILING_STOP", {}),
        ("TRAILLMT", "TRAIL LIMIT", "TRAILING_STOP_LIMIT", {"price": "1.07", "auxPrice": "1.06"}),
    ],
)
async def test_every_order_type_rests_and_is_told_in_ibkrs_words(
    trader: Any, written: str, kind: str, named: str, prices: dict[str, str]
) -> None:
    terms = {name: trader.price(factor) for name, factor in prices.items()}
    trailing = {"trailingAmt": 5, "trailingType": "amt"} if "TRAIL" in written else {}
    order = await placed(trader, orderType=written, **terms, **trailing)
    assert order.request.order_type == kind
    row = await listed(trader, order)
    assert (row["origOrderType"], row["status"]) == (named, order.status.value)
    assert not order.status.done
    status = await trader.get(f"/iserver/account/order/status/{order.perm_id}")
    assert status["order_type"] == named


async def test_a_trailing_stop_takes_an_amount_or_a_percentage_and_a_first_stop(trader: Any) -> None:
    stop = trader.price("0.95")
    by_amount = await placed(trader, orderType="TRAIL", side="SELL", price=stop, trailingAmt=2.5, trailingType="amt")
    assert (by_amount.request.stop_price, float(by_amount.request.trail_stop)) == (Decimal("2.5"), stop)
    assert (await listed(trader, by_amount))["price"] == f"{by_amount.stop:.2f}"
    by_percent = await placed(trader, orderType="TRAIL", side="SELL", trailingAmt=1, trailingType="%")
    assert (by_percent.request.trailing_percent, by_percent.request.stop_price) == (1, None)
    assert float(by_percent.stop) == pytest.approx(trader.price("0.99"), abs=0.05)
    refused = await trader.place({"orderType": "TRAIL", "side": "SELL"})
    assert "needs a trailing amount" in refused["error"]
    status, _body = await trader.call(
        "POST", ORDERS, json={"orders": [{"conid": AAPL, "side": "SELL", "orderType": "TRAIL", "trailingType": "x"}]}
    )
    assert status == 400


async def test_a_trailing_limit_needs_its_limit_and_its_stop(trader: Any) -> None:
    terms = {"orderType": "TRAILLMT", "side": "SELL", "trailingAmt": 5, "trailingType": "amt"}
    order = await placed(trader, price=trader.price("0.94"), auxPrice=trader.price("0.95"), **terms)
    assert (float(order.request.limit_price), float(order.request.trail_stop)) == (
        trader.price("0.94"),
        trader.price("0.95"),
    )
    assert "error" in await trader.place({"price": trader.price("0.94"), **terms})


@pytest.mark.parametrize(
    ("terms", "status"),
    [
        ({"tif": "IOC"}, "Cancelled"),
        ({"tif": "FOK"}, "Inactive"),
        ({"tif": "OPG"}, "PreSubmitted"),
        ({"tif": "GTD", "goodTillDate": "20260302-16:00:00"}, "Submitted"),
    ],
)
async def test_a_time_in_force_means_what_it_says(trader: Any, terms: dict[str, Any], status: str) -> None:
    order = await placed(trader, orderType="LMT", price=trader.price("0.9"), **terms)
    assert order.status.value == status
    if terms["tif"] == "GTD":
        assert order.request.good_till == datetime(2026, 3, 2, 16, tzinfo=UTC)
        trader.advance(hours=1, seconds=1)
        assert trader.market.order(order.perm_id).status.value == "Cancelled"


async def test_a_date_that_is_none_or_past_is_refused(trader: Any) -> None:
    limit = {"orderType": "LMT", "price": trader.price("0.9"), "tif": "GTD"}
    assert "Invalid date" in (await trader.place(limit))["error"]
    assert "Invalid date" in (await trader.place({**limit, "goodTillDate": "20260301-16:00:00"}))["error"]
    order = {"conid": AAPL, "side": "BUY", "quantity": 1, **limit, "goodTillDate": "tomorrow"}
    assert (await trader.call("POST", ORDERS, json={"orders": [order]}))[0] == 400


async def test_all_or_none_and_a_strategy_are_kept_and_told_back(trader: Any) -> None:
    strategy = {"strategy": "Adaptive", "strategyParameters": {"adaptivePriority": "Normal"}}
    order = await placed(trader, orderType="LMT", price=trader.price("0.9"), allOrNone=True, **strategy)
    assert order.request.all_or_none
    status = await trader.get(f"/iserver/account/order/status/{order.perm_id}")
    assert (status["all_or_none"], status["strategy"]) == (True, "Adaptive")
    assert (await listed(trader, order))["strategyParameters"] == {"adaptivePriority": "Normal"}


async def test_a_stop_outside_regular_hours_is_refused_during_them(open_house: Callable[..., Any]) -> None:
    day = timedelta(days=1)
    trader = await open_house(idle_timeout=day, login_timeout=day)
    await trader.ready()
    stop = {"orderType": "STP", "side": "SELL", "price": trader.price("0.9"), "outsideRTH": True}
    assert "outside regular hours" in (await trader.place(stop))["error"]
    trader.advance(hours=8)
    assert (await trader.place(stop))[0]["order_status"] == "PreSubmitted"
    limit = await placed(trader, orderType="LMT", price=trader.price("0.9"), outsideRTH=True)
    assert (await listed(trader, limit))["outsideRTH"] is True


async def test_a_group_without_a_parent_shares_a_name_and_ends_with_the_first_fill(trader: Any) -> None:
    rows = await trader.place(
        {"orderType": "LMT", "price": trader.price("0.9"), "isSingleGroup": True},
        {"orderType": "STP", "price": trader.price("1.1"), "isSingleGroup": True},
        {"orderType": "TRAIL", "trailingAmt": 30, "trailingType": "amt", "isSingleGroup": True},
    )
    orders = [trader.market.order(int(row["order_id"])) for row in rows]
    names = {(await listed(trader, order))["ocaGroupId"] for order in orders}
    assert len(names) == 1
    assert names.pop().startswith("oco-")
    trader.simulator.exchange.backstage.fill(orders[1].perm_id)
    states = [trader.market.order(order.perm_id).status.value for order in orders]
    assert states == ["Cancelled", "Filled", "Cancelled"]


async def test_a_change_keeps_what_an_order_is_bound_to(trader: Any) -> None:
    entry = {"orderType": "LMT", "price": trader.price("0.9"), "cOID": "entry"}
    exits = {"orderType": "LMT", "side": "SELL", "parentId": "entry", "tif": "GTC"}
    take, entered = await trader.place(entry, {**exits, "price": trader.price("1.1")})
    change = {"conid": AAPL, "quantity": 10, **exits, "price": trader.price("1.2")}
    answer = await trader.post(f"/iserver/account/{ACCOUNT}/order/{take['order_id']}", change)
    while "messageIds" in answer[0]:
        answer = await trader.post(f"/iserver/reply/{answer[0]['id']}", {"confirmed": True})
    child = trader.market.order(int(take["order_id"]))
    assert (float(child.request.limit_price), str(child.request.parent)) == (trader.price("1.2"), entered["order_id"])
    assert child.status.value == "PreSubmitted"


async def test_a_combination_fills_leg_by_leg_and_is_told_by_its_legs(trader: Any) -> None:
    (row,) = await trader.place({"conid": None, "conidex": PAIR, "orderType": "MKT", "quantity": 5})
    assert row["order_status"] == "Filled"
    held = [trader.market.position(ACCOUNT, conid).quantity for conid in (AAPL, MSFT)]
    assert held == [5, -10]
    told = (await trader.get("/iserver/account/orders"))["orders"][0]
    assert (told["conid"], told["conidex"], told["secType"]) == (USD_SPREAD, PAIR, "BAG")
    trades = await trader.get("/iserver/account/trades")
    assert [(one["sec_type"], one["side"], one["size"]) for one in reversed(trades)] == [
        ("BAG", "B", 5.0),
        ("STK", "B", 5.0),
        ("STK", "S", 10.0),
    ]


async def test_a_combination_may_cost_less_than_nothing(trader: Any) -> None:
    bid = await trader.place(
        {"conid": None, "conidex": PAIR, "orderType": "LMT", "price": -900.25, "quantity": 5, "tif": "GTC"}
    )
    assert bid[0]["order_status"] == "Submitted"
    told = (await trader.get("/iserver/account/orders"))["orders"][0]
    assert (told["price"], told["conidex"]) == ("-900.25", PAIR)


@pytest.mark.parametrize(
    ("conidex", "status"),
    [
        ("28812380;;;265598", 400),
        ("1;;;265598/1,272093/-1", 400),
        ("28812380;;;265598/0,272093/-1", 400),
        ("28812380@SMART;;;265598/1,1/-1", 200),
        ("61227087;;;265598/1,272093/-1", 200),
        ("28812380;;;265598/1,265598/-1", 200),
    ],
)
async def test_legs_that_make_no_combination_are_refused(trader: Any, conidex: str, status: int) -> None:
    order = {"conidex": conidex, "side": "BUY", "quantity": 1, "orderType": "MKT", "tif": "DAY"}
    answered, body = await trader.call("POST", ORDERS, json={"orders": [order]})
    assert (answered, "error" in body) == (status, True)


async def test_the_stream_names_a_group_and_an_order_type(trader: Any) -> None:
    stream = await (await trader.stream()).welcomed()
    await stream.say("sor+{}")
    await stream.settle()
    order = await placed(trader, orderType="TRAIL", side="SELL", trailingAmt=1, trailingType="%")
    told = await stream.next("sor")
    assert told["args"][0]["orderId"] == order.perm_id
    assert told["args"][0]["orderType"] == "Trailing Stop"
