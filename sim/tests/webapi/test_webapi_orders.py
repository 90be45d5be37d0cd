"""Orders: questions and answers, groups, changes, and the lists that answer empty at first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ibkr_sim.webapi.settings import Unsettled

ACCOUNT, SECOND = "DU9912345", "DU9967890"
ORDERS = f"/iserver/account/{ACCOUNT}/orders"
AAPL = 265598


def order(**changes: Any) -> dict[str, Any]:
    return {"conid": AAPL, "side": "BUY", "quantity": 10, "orderType": "MKT", "tif": "DAY", **changes}


async def ask(house: Any, **changes: Any) -> Any:
    return await house.post(ORDERS, {"orders": [order(**changes)]})


async def reply(house: Any, question: Any, *, confirmed: bool = True) -> Any:
    return await house.post(f"/iserver/reply/{question[0]['id']}", {"confirmed": confirmed})


async def test_a_market_order_is_asked_about_and_fills(trader: Any) -> None:
    question = await ask(trader, cOID="mine-1")
    assert set(question[0]) == {"id", "message", "isSuppressed", "messageIds", "messageOptions"}
    chain = [question[0]["messageIds"]]
    while "messageIds" in (question := await reply(trader, question))[0]:
        chain.append(question[0]["messageIds"])
    assert chain == [["o10151"], ["o10153"]]
    row = question[0]
    assert (row["order_status"], row["local_order_id"], row["encrypt_message"]) == ("Filled", "mine-1", "1")
    assert trader.market.position(ACCOUNT, AAPL).quantity == 10


async def test_a_far_price_without_market_data_is_asked_about_twice(house: Any) -> None:
    await house.get("/iserver/accounts")
    first = await ask(house, orderType="LMT", price=house.price("0.5"), quantity=600)
    assert first[0]["messageIds"] == ["o163"]
    assert "Percentage constraint of 3%" in first[0]["message"][0]
    second = await reply(house, first)
    assert second[0]["messageIds"] == ["o354"]
    third = await reply(house, second)
    assert third[0]["messageIds"] == ["o383"]
    assert (await reply(house, third))[0]["order_status"] == "Submitted"


async def test_all_questions_may_come_under_one_id(open_house: Callable[..., Any]) -> None:
    house = await open_house(unsettled=Unsettled(questions_together=True))
    await house.get("/iserver/accounts")
    question = await ask(house)
    assert question[0]["messageIds"] == ["o354", "o10151", "o10153"]
    assert len(question[0]["message"]) == 3
    assert (await reply(house, question))[0]["order_status"] == "Filled"


async def test_a_no_discards_the_order(trader: Any) -> None:
    answer = await reply(trader, await ask(trader), confirmed=False)
    assert answer == {"error": "Order not confirmed "}
    assert trader.market.open_orders() == []


@pytest.mark.parametrize(("status", "error"), [(400, "reply id not found: "), (503, "Service Unavailable")])
async def test_a_new_order_makes_earlier_questions_stale(
    open_house: Callable[..., Any], status: int, error: str
) -> None:
    house = await open_house(unsettled=Unsettled(stale_reply_status=status))
    await house.get("/iserver/accounts")
    stale = await ask(house)
    fresh = await ask(house)
    answered, body = await house.call("POST", f"/iserver/reply/{stale[0]['id']}", json={"confirmed": True})
    assert (answered, body["error"].startswith(error)) == (status, True)
    assert "messageIds" in (await reply(house, fresh))[0]
    answered, _body = await house.call("POST", f"/iserver/reply/{fresh[0]['id']}", json={"confirmed": True})
    assert answered == status


async def test_suppressed_questions_are_not_asked_until_the_next_init(trader: Any) -> None:
    path = "/iserver/questions/suppress"
    assert await trader.post(path, {"messageIds": ["o10151", "o10153"]}) == {"status": "submitted"}
    assert (await ask(trader))[0]["order_status"] == "Filled"
    assert await trader.post(f"{path}/reset") == {"status": "submitted"}
    assert "messageIds" in (await ask(trader))[0]
    assert (await trader.call("POST", path, json={"messageIds": []}))[0] == 500
    assert (await trader.call("POST", path, json={"messageIds": ["o1"] * 52}))[0] == 500
    assert (await trader.call("POST", path, json={"messageIds": ["o999999"]}))[0] == 200


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"price": "150.0", "orderType": "LMT"}, 400, "java.lang.String cannot be cast to java.lang.Number"),
        ({"orderType": "LMT", "price": 150.001}, 200, "The price does not conform"),
        ({"orderType": "PEG BEST"}, 200, "Unsupported order type"),
        ({"conid": 1}, 200, "No security definition"),
        ({"tif": "PAX"}, 200, "Invalid time in force"),
        ({"side": "HOLD"}, 400, "Bad Request"),
        ({"quantity": 0}, 200, "The order size cannot be zero"),
        ({"acctId": "DU1"}, 400, "Bad Request: accountId is not valid: DU1"),
    ],
)
async def test_a_senseless_order_is_refused_with_its_reason(
    trader: Any, changes: dict[str, Any], status: int, error: str
) -> None:
    answered, body = await trader.call("POST", ORDERS, json={"orders": [order(**changes)]})
    assert (answered, body["error"].startswith(error)) == (status, True), body


async def test_an_order_beyond_the_funds_is_refused_after_its_questions(trader: Any) -> None:
    answer = await trader.place({"quantity": 100_000, "orderType": "LMT", "price": trader.price()})
    assert "available funds are insufficient" in answer["error"]


async def test_orders_for_an_unknown_account_are_a_bad_request(trader: Any) -> None:
    status, body = await trader.call("POST", "/iserver/account/U1/orders", json={"orders": [order()]})
    assert (status, body["error"]) == (400, "Bad Request: accountId is not valid: U1")


@pytest.mark.parametrize("status", [200, 400])
async def test_a_client_order_id_is_good_for_one_order_a_day(open_house: Callable[..., Any], status: int) -> None:
    house = await open_house(unsettled=Unsettled(duplicate_status=status))
    await house.ready()
    limit = {"orderType": "LMT", "price": house.price("0.99"), "cOID": "once", "tif": "GTC"}
    await house.place(limit)
    answered, body = await house.call("POST", ORDERS, json={"orders": [order(**limit)]})
    assert (answered, body["error"].startswith("Order couldn't be submitted: Local order ID=once")) == (status, True)
    assert len(house.market.open_orders()) == 1
    twins = [order(cOID="twin"), order(cOID="twin")]
    assert (await house.call("POST", ORDERS, json={"orders": twins}))[0] == status


async def test_live_orders_come_at_the_second_call_in_ibkrs_words(house: Any) -> None:
    await house.get("/iserver/accounts")
    (placed,) = await house.place({"orderType": "LMT", "price": house.price("0.99"), "cOID": "w-1", "tif": "GTC"})
    assert await house.get("/iserver/account/orders") == {"orders": [], "snapshot": False}
    told = await house.get("/iserver/account/orders")
    (row,) = told["orders"]
    assert told["snapshot"] is True
    assert row["orderId"] == int(placed["order_id"])
    price = f"{house.price('0.99'):.2f}"
    expected = {
        "status": "Submitted", "side": "BUY", "orderType": "Limit", "origOrderType": "LIMIT", "timeInForce": "GTC",
        "price": price, "order_ref": "w-1", "remainingQuantity": 10.0, "sizeAndFills": "0/10",
        "orderDesc": f"Buy 10 AAPL Limit {price}, GTC", "lastExecutionTime": "260302150000",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected


async def test_force_clears_the_list_and_the_next_call_has_it(trader: Any) -> None:
    await trader.place({})
    assert await trader.get("/iserver/account/orders?force=true") == {"orders": [], "snapshot": False}
    (row,) = (await trader.get("/iserver/account/orders"))["orders"]
    assert (row["status"], row["timeInForce"], row["price"]) == ("Filled", "CLOSE", "")
    assert row["avgPrice"] == f"{trader.price():.2f}"


@pytest.mark.parametrize("name", ["filled", "Filled"])
async def test_filters_answer_empty_once_and_then_choose(trader: Any, name: str) -> None:
    await trader.place({})
    await trader.place({"orderType": "LMT", "price": trader.price("0.99")})
    path = f"/iserver/account/orders?filters={name}"
    assert (await trader.get(path))["snapshot"] is False
    assert [row["status"] for row in (await trader.get(path))["orders"]] == ["Filled"]


async def test_a_single_order_is_told_in_the_other_vocabulary(trader: Any) -> None:
    (placed,) = await trader.place({})
    told = await trader.get(f"/iserver/account/order/status/{placed['order_id']}")
    expected = {
        "side": "B", "order_status": "Filled", "order_ccp_status": "2", "cum_fill": "10.0", "size": "0.0",
        "order_type": "MARKET", "tif": "DAY", "average_price": f"{trader.price():.2f}", "child_order_type": "0",
    }  # fmt: skip
    assert {name: told[name] for name in expected} == expected
    unknown = await trader.call("GET", "/iserver/account/order/status/553617933")
    assert unknown == (503, {"error": "Order 553617933 is not found", "statusCode": 503})
    assert (await trader.call("GET", "/iserver/account/order/status/0"))[0] == 400


async def test_trades_come_at_the_second_call_and_outlive_midnight(house: Any) -> None:
    await house.get("/iserver/accounts")
    await house.place({"cOID": "t-1"})
    assert await house.get("/iserver/account/trades") == []
    (row,) = await house.get("/iserver/account/trades")
    ((execution, charge),) = house.market.executions()
    assert row["execution_id"] == execution.exec_id
    assert (row["side"], row["size"], row["price"]) == ("B", 10.0, f"{execution.price:.2f}")
    assert (row["commission"], row["net_amount"]) == (str(float(charge.amount)), float(execution.price * 10))
    assert (row["order_ref"], row["position"], row["order_description"][:4]) == ("t-1", "10", "Bot ")
    house.advance(hours=14)
    house.door.house.sessions.log_in()
    await house.get("/iserver/account/trades")
    assert await house.get("/iserver/account/trades") == []
    assert [trade["order_ref"] for trade in await house.get("/iserver/account/trades?days=7")] == ["t-1"]


async def test_an_order_is_changed_with_a_bare_ticket(trader: Any) -> None:
    (placed,) = await trader.place({"orderType": "LMT", "price": trader.price("0.99"), "cOID": "m-1"})
    path = f"/iserver/account/{ACCOUNT}/order/{placed['order_id']}"
    changed = await trader.post(path, order(orderType="LMT", price=trader.price("0.98"), quantity=7))
    assert changed[0]["order_id"] == placed["order_id"]
    (live,) = trader.market.open_orders()
    assert (float(live.request.limit_price), live.request.quantity) == (trader.price("0.98"), 7)
    assert live.request.order_ref == "m-1"
    assert (await trader.call("POST", f"/iserver/account/{ACCOUNT}/order/77", json=order()))[0] == 400
    filled = await trader.post(path, order(orderType="LMT", price=trader.price("1.01"), quantity=7))
    assert filled[0]["order_status"] == "Filled"
    assert "error" in await trader.post(path, order(orderType="LMT", price=trader.price("1.01"), quantity=9))


async def test_a_cancel_acknowledges_the_request(trader: Any) -> None:
    (placed,) = await trader.place({"orderType": "LMT", "price": trader.price("0.99")})
    path = f"/iserver/account/{ACCOUNT}/order/{placed['order_id']}"
    status, body = await trader.call("DELETE", path)
    assert (status, body["msg"], body["order_id"]) == (200, "Request was submitted", int(placed["order_id"]))
    (row,) = (await trader.get("/iserver/account/orders"))["orders"]
    assert (row["status"], row["orderDesc"][:11]) == ("Cancelled", "Cancelled: ")
    assert (await trader.call("DELETE", path))[0] == 400
    missing = await trader.call("DELETE", f"/iserver/account/{ACCOUNT}/order/42")
    assert missing == (400, {"error": "OrderID 42 doesn't exist"})


async def test_minus_one_cancels_everything(trader: Any) -> None:
    for _time in range(2):
        await trader.place({"orderType": "LMT", "price": trader.price("0.99")})
    assert (await trader.call("DELETE", f"/iserver/account/{ACCOUNT}/order/-1"))[0] == 200
    assert trader.market.open_orders() == []


async def test_a_stop_rests_as_presubmitted(trader: Any) -> None:
    (placed,) = await trader.place({"orderType": "STP", "side": "SELL", "price": trader.price("0.95")})
    assert placed["order_status"] == "PreSubmitted"
    stop_limit = {
        "orderType": "STOP_LIMIT",
        "side": "SELL",
        "price": trader.price("0.94"),
        "auxPrice": trader.price("0.95"),
    }
    (placed,) = await trader.place(stop_limit)
    request = trader.market.order(int(placed["order_id"])).request
    assert (float(request.limit_price), float(request.stop_price)) == (trader.price("0.94"), trader.price("0.95"))


def bracket(house: Any, entry: dict[str, Any], parent: str = "root") -> list[dict[str, Any]]:
    exits = {"side": "SELL", "parentId": parent, "tif": "GTC"}
    return [
        {"cOID": "root", **entry},
        {"orderType": "LMT", "price": house.price("1.02"), **exits},
        {"orderType": "STP", "price": house.price("0.98"), **exits},
    ]


async def test_a_brackets_children_wait_for_their_parent(trader: Any) -> None:
    rows = await trader.place(*bracket(trader, {"orderType": "LMT", "price": trader.price("0.99")}))
    assert [row.get("parent_order_id") for row in rows[:2]] == [rows[2]["order_id"]] * 2
    parent = int(rows[2]["order_id"])
    live = {row["orderId"]: row for row in (await trader.get("/iserver/account/orders"))["orders"]}
    children = [row for row in live.values() if row.get("parentId") == parent]
    assert [(row["status"], row["ocaGroupId"]) for row in children] == [("PreSubmitted", str(parent))] * 2
    await trader.call("DELETE", f"/iserver/account/{ACCOUNT}/order/{parent}")
    assert trader.market.open_orders() == []


async def test_a_filled_exit_ends_the_other(trader: Any) -> None:
    rows = await trader.place(*bracket(trader, {}))
    take, stop, parent = (trader.market.order(int(row["order_id"])) for row in rows)
    assert (parent.status, take.status, stop.status) == ("Filled", "Submitted", "PreSubmitted")
    trader.simulator.exchange.backstage.fill(take.perm_id)
    assert trader.market.order(stop.perm_id).status == "Cancelled"


async def test_a_child_of_nobody_kills_its_group(trader: Any) -> None:
    rows = await trader.place(*bracket(trader, {"orderType": "LMT", "price": trader.price("0.99")}, parent="nobody"))
    assert [row["order_id"] for row in rows[:2]] == ["-1", "-1"]
    assert rows[0]["order_status"] == "Failed"
    assert rows[0]["text"] == "Order couldn't be submitted: Parent order ID=nobody isn't recognized."
    assert (rows[2]["order_status"], rows[2]["local_order_id"]) == ("Inactive", "root")
    assert trader.market.open_orders() == []


async def test_a_child_that_is_refused_leaves_its_parent_alive(trader: Any) -> None:
    legs = bracket(trader, {"orderType": "LMT", "price": trader.price("0.99")})
    legs[1]["orderType"] = "PEG BEST"
    rows = await trader.place(*legs)
    assert [row["order_status"] for row in rows] == ["Failed", "PreSubmitted", "Submitted"]


async def test_a_child_of_a_bogus_contract_stops_everything(trader: Any) -> None:
    legs = bracket(trader, {"orderType": "LMT", "price": trader.price("0.99")})
    legs[1]["conid"] = 1
    assert "error" in await trader.place(*legs)
    assert trader.market.open_orders() == []


async def test_one_of_a_group_fills_and_the_other_is_cancelled(trader: Any) -> None:
    rows = await trader.place(
        {"orderType": "LMT", "price": trader.price("0.99"), "isSingleGroup": True},
        {"orderType": "LMT", "price": trader.price("0.98"), "isSingleGroup": True},
    )
    first, second = (int(row["order_id"]) for row in rows)
    trader.simulator.exchange.backstage.fill(first)
    assert trader.market.order(second).status == "Cancelled"


async def test_a_preview_says_what_an_order_would_do(trader: Any) -> None:
    before = trader.market.net_liquidation(ACCOUNT)
    limit = trader.price("0.99")
    told = await trader.post(f"{ORDERS}/whatif", {"orders": [order(orderType="LMT", price=limit)]})
    assert told["amount"]["amount"] == f"{limit * 10:,.2f} USD (10 Shares)"
    assert told["equity"]["current"] == f"{before:,.0f}"
    assert told["position"] == {"current": "0", "change": "10", "after": "10"}
    assert told["error"] is None
    assert trader.market.open_orders() == []
    big = await trader.post(f"{ORDERS}/whatif", {"orders": [order(quantity=100_000)]})
    assert "insufficient" in big["error"]
    assert (await trader.call("POST", f"{ORDERS}/whatif", json={"orders": [order(conid=0)]}))[0] == 400


async def test_orders_of_the_selected_account_are_listed(trader: Any) -> None:
    await trader.place({"orderType": "LMT", "price": trader.price("0.99")})
    assert await trader.post("/iserver/account", {"acctId": SECOND}) == {"set": True, "acctId": SECOND}
    assert (await trader.get("/iserver/account/orders"))["orders"] == []
    assert await trader.post("/iserver/account", {"acctId": SECOND}) == {"success": "Account already set"}
    await trader.post("/iserver/account", {"acctId": "All"})
    assert len((await trader.get("/iserver/account/orders"))["orders"]) == 1
    assert (await trader.call("POST", "/iserver/account", json={}))[0] == 400
    assert (await trader.call("POST", "/iserver/account", json={"acctId": "U1"}))[0] == 500
