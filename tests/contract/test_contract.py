"""What callers may rely on, whichever of IBKR's doors is open. The numbers are for talking about them."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from ibkr_bridge.config.settings import GuardSettings
from ibkr_bridge.storage.memory import MemoryJournal

LIMIT = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "LIMIT", "limit": 265, "client_order_id": "mine"}
MARKET = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "MARKET"}


async def placed(home: Any, **more: Any) -> dict[str, Any]:
    status, order = await home.call("POST", "/orders", {**LIMIT, **more})
    assert status == 201, order
    return dict(order)


async def filled(home: Any, **more: Any) -> dict[str, Any]:
    status, order = await home.call("POST", "/orders", {**MARKET, **more})
    assert status in (201, 202), order

    async def whole() -> dict[str, Any] | None:
        found = (await home.call("GET", f"/orders/{order['id']}"))[1]
        return found if found["status"] == "filled" and found["commission"] is not None else None

    found: dict[str, Any] = await home.until(whole)
    return found


def theirs(home: Any) -> list[Any]:
    exchange = home.simulator.exchange
    return [*exchange.open_orders(), *exchange.completed_orders()]


async def heard(socket: Any, event: str, **data: Any) -> dict[str, Any]:
    """The next message of that kind whose data say this."""
    while True:
        message = await socket.receive_json(timeout=10)
        if message["event"] == event and data.items() <= message["data"].items():
            return dict(message["data"])


async def test_01_a_quote_has_a_price_and_an_age(home: Any) -> None:
    status, quote = await home.call("GET", "/market/quote/AAPL")
    assert status == 200
    assert quote["bid"] < quote["ask"]
    assert (quote["conid"], quote["stale"]) == (265598, None)
    assert quote["as_of"].endswith("Z")


async def test_02_quotes_stream_by_themselves(home: Any) -> None:
    async with home.http.ws_connect("/ws/stream") as socket:
        await socket.send_json({"action": "subscribe", "symbol": "AAPL", "id": 1})
        seen = [await socket.receive_json(timeout=10) for _ in range(4)]
    assert [message for message in seen if message["type"] == "quote" and message["bid"]]


async def test_03_a_contract_that_does_not_exist_is_404(home: Any) -> None:
    status, problem = await home.call("GET", "/market/quote/NOPE")
    assert (status, problem["code"]) == (404, "contract.unknown")


async def test_04_a_new_order_works_and_carries_our_reference(home: Any) -> None:
    order = await placed(home)
    assert (order["status"], order["limit"], order["filled_qty"]) == ("working", 265, 0)
    [really] = home.simulator.exchange.open_orders()
    assert really.request.order_ref.startswith(order["id"])
    assert order["broker"][0]["reference"] == really.request.order_ref


async def test_05_a_market_order_fills_with_its_commission_as_the_ledger_says(home: Any) -> None:
    order = await filled(home)
    rows = home.simulator.exchange.executions()
    assert sum(row.shares for row, _charge in rows) == order["filled_qty"] == 10
    assert Decimal(str(order["commission"])) == sum(charge.amount for _row, charge in rows)
    paid = sum(row.shares * row.price for row, _charge in rows)
    assert Decimal(str(order["avg_fill_price"])) == paid / 10


async def test_06_every_fill_is_told_once_with_its_commission(home: Any) -> None:
    async with home.http.ws_connect("/ws/ib") as socket:
        order = await filled(home)
        await home.call("DELETE", f"/orders/{(await placed(home))['id']}")
        told: list[dict[str, Any]] = []
        while not (told and told[-1]["event"] == "orderStatus" and told[-1]["data"]["status"] == "cancelled"):
            told.append(await socket.receive_json(timeout=10))
    ids = [message["data"]["exec_id"] for message in told if message["event"] == "execDetails"]
    assert sorted(ids) == sorted(row.exec_id for row, _charge in home.simulator.exchange.executions())
    charged = [message["data"]["exec_id"] for message in told if message["event"] == "commissionReport"]
    assert sorted(charged) == sorted(ids)
    assert order["filled_qty"] == 10


async def test_07_the_same_client_order_id_is_the_same_order(home: Any) -> None:
    order = await placed(home)
    status, again = await home.call("POST", "/orders", LIMIT)
    assert (status, again["id"]) == (200, order["id"])
    status, problem = await home.call("POST", "/orders", {**LIMIT, "qty": 11})
    assert (status, problem["code"]) == (422, "order.id_reused")
    assert len(theirs(home)) == 1


async def test_08_fifty_callers_with_one_id_make_one_order(home: Any) -> None:
    answers = await asyncio.gather(*(home.call("POST", "/orders", LIMIT) for _ in range(50)))
    assert sorted(status for status, _order in answers) == [200] * 49 + [201]
    assert len({order["id"] for _status, order in answers}) == len(theirs(home)) == 1


async def test_09_a_change_keeps_the_order(home: Any) -> None:
    order = await placed(home)
    status, changed = await home.call("PATCH", f"/orders/{order['id']}", {"limit": 264, "qty": 12})
    assert (status, changed["id"], changed["limit"], changed["qty"]) == (200, order["id"], 264, 12)
    [really] = home.simulator.exchange.open_orders()
    assert (really.request.limit_price, really.request.quantity) == (264, 12)


async def test_10_a_cancel_cancels_and_may_be_repeated(home: Any) -> None:
    order = await placed(home)
    await home.call("DELETE", f"/orders/{order['id']}")
    await home.until_order(order["id"], "cancelled")
    status, again = await home.call("DELETE", f"/orders/{order['id']}")
    assert (status, again["status"]) == (200, "cancelled")
    assert not home.simulator.exchange.open_orders()


async def test_11_what_ibkr_refuses_is_422_with_ibkrs_words(home: Any) -> None:
    status, problem = await home.call("POST", "/orders", {**LIMIT, "limit": "265.001"})
    assert (status, problem["code"]) == (422, "broker.refused")
    assert problem["detail"]
    assert problem["order"]["status"] == "rejected"


async def test_12_a_lost_answer_is_202_and_the_order_is_found_and_never_sent_again(build: Any) -> None:
    async with build(first_word_timeout=1.0) as home:
        await home.call("GET", "/market/quote/AAPL")
        home.tap.muted = True
        status, order = await home.call("POST", "/orders", LIMIT)
        assert (status, order["status"]) == (202, "unknown")
        assert order["deadline"]
        home.tap.muted = False
        home.tap.cut()
        await home.until_order(order["id"], "working")
        assert len(theirs(home)) == 1


async def test_13_while_ibkr_is_away_orders_are_503_and_reads_say_that_they_are_old(home: Any) -> None:
    await home.call("GET", "/market/quote/AAPL")
    await home.call("GET", "/account/summary")
    await home.call("GET", "/positions")
    _status, order = await home.call("POST", "/orders", {**LIMIT, "client_order_id": None})
    home.tap.closed = True
    home.tap.cut()
    await home.until_ready(ready=False)
    status, problem = await home.call("POST", "/orders", LIMIT)
    assert (status, problem["code"]) == (503, "broker.away")
    for path in ("/market/quote/AAPL", "/account/summary", "/positions", "/orders", f"/orders/{order['id']}"):
        status, answer = await home.call("GET", path)
        assert (status, bool(answer["stale"])) == (200, True), path
    home.tap.closed = False
    await home.until_ready()
    assert len(theirs(home)) == 1


async def test_14_loss_and_return_are_told_once_each(home: Any) -> None:
    async with home.http.ws_connect("/ws/ib") as socket:
        await heard(socket, "connectionChanged", connected=True)
        home.tap.closed = True
        home.tap.cut()
        await heard(socket, "connectionChanged", connected=False)
        await asyncio.sleep(1.5)  # time for some attempts in vain
        home.tap.closed = False
        message = await socket.receive_json(timeout=20)
        while message["event"] != "connectionChanged":
            message = await socket.receive_json(timeout=20)
        assert message["data"]["connected"]


async def test_15_fills_during_an_outage_are_found_and_told_once(home: Any) -> None:
    order = await placed(home, limit=260)
    async with home.http.ws_connect("/ws/ib") as socket:
        home.tap.closed = True
        home.tap.cut()
        await home.until_ready(ready=False)
        [really] = home.simulator.exchange.open_orders()
        home.simulator.exchange.backstage.fill(really.perm_id)
        home.tap.closed = False
        await heard(socket, "execDetails", order_id=order["id"])
        found = await home.until_order(order["id"], "filled")
        assert found["filled_qty"] == 10


async def test_16_a_restart_knows_every_order(build: Any) -> None:
    journal = MemoryJournal()
    async with build(journal=journal) as home:
        order = await placed(home)
    async with build(journal=journal) as home:
        status, found = await home.call("GET", f"/orders/{order['id']}")
        assert (status, found["client_order_id"]) == (200, "mine")


async def test_17_positions_summary_and_pnl_are_the_ledgers(home: Any) -> None:
    await filled(home)

    async def held() -> dict[str, Any] | None:
        rows = (await home.call("GET", "/positions"))[1]["positions"]
        return rows[0] if rows else None

    position = await home.until(held)
    [really] = [row for row in home.simulator.exchange.positions(home.account) if row.quantity]
    assert (position["qty"], position["contract"]["symbol"]) == (10, "AAPL")
    assert abs(Decimal(str(position["avg_cost"])) - really.average_cost) < Decimal("0.001")
    status, summary = await home.call("GET", "/account/summary")
    assert status == 200
    figure = Decimal(summary["account_summary"]["NetLiquidation"]["value"])
    assert abs(figure - home.simulator.exchange.net_liquidation(home.account)) < 1000
    status, pnl = await home.call("GET", "/pnl")
    assert status == 200
    assert pnl["account"] == home.account


async def test_18_a_preview_costs_nothing_and_places_nothing(home: Any) -> None:
    await home.call("GET", "/market/quote/AAPL")
    status, reckoned = await home.call("POST", "/orders/preview", LIMIT)
    assert status == 200
    assert reckoned["commission"] is not None
    assert reckoned["initial_margin"]["change"] is not None
    assert not theirs(home)


async def test_19_guards_refuse_before_anything_leaves(build: Any) -> None:
    async with build(guards=GuardSettings(market_hours=False, max_quantity=Decimal(5))) as home:
        status, problem = await home.call("POST", "/orders", LIMIT)
        assert (status, problem["code"]) == (422, "guard.quantity")
        assert not theirs(home)


async def test_20_a_halt_stops_cancels_and_outlives_nothing_but_resume(home: Any) -> None:
    await asyncio.gather(*(placed(home, client_order_id=f"n{number}") for number in range(5)))
    status, report = await home.call("POST", "/admin/halt", {"cancel": True})
    assert (status, len(report["cancelled"]), report["remaining"]) == (200, 5, [])
    assert not home.simulator.exchange.open_orders()
    assert (await home.call("POST", "/orders", LIMIT))[1]["code"] == "guard.halt"
    await home.call("POST", "/admin/resume", {})
    await placed(home, client_order_id="after")


async def test_21_flatten_brings_positions_to_zero(home: Any) -> None:
    await filled(home)
    await home.until(lambda: _positions(home))
    await home.call("POST", "/admin/halt", {"flatten": True})

    async def flat() -> bool:
        return not [row for row in home.simulator.exchange.positions(home.account) if row.quantity]

    await home.until(flat)


async def test_22_the_books_balance(build: Any) -> None:
    async with build(settling=0.3, reconcile_interval=1) as home:
        await home.until(lambda: _balanced(home))
        await filled(home)
        found = await home.until(lambda: _balanced(home, lines=1))
        assert (found["positions"][0]["expected"], found["positions"][0]["broker"]) == (10, 10)


async def test_23_what_a_door_cannot_do_is_named_with_its_reason(home: Any, door: str) -> None:
    status, found = await home.call("GET", "/capabilities")
    assert (status, found["door"]) == (200, door)
    assert found["supported"]
    assert all(found["missing"].values())


@pytest.mark.parametrize(
    ("terms", "kind"),
    [
        ({"type": "STOP", "stop": 300}, "STOP"),
        ({"type": "STOP_LIMIT", "stop": 300, "limit": 301}, "STOP_LIMIT"),
        ({"tif": "GTC"}, "LIMIT"),
    ],
)
async def test_24_every_order_type_works_on_every_door(home: Any, terms: dict[str, Any], kind: str) -> None:
    order = await placed(home, **{**({} if "limit" in terms or "tif" in terms else {"limit": None}), **terms})
    assert (order["type"], order["status"]) == (kind, "working")


async def test_25_a_repeated_list_of_orders_is_the_same(home: Any) -> None:
    first, second = [await placed(home, client_order_id=name) for name in ("a", "b")]
    _status, page = await home.call("GET", "/orders")
    assert [order["id"] for order in page["orders"]] == [second["id"], first["id"]]


async def _positions(home: Any) -> Any:
    return (await home.call("GET", "/positions"))[1]["positions"]


async def _balanced(home: Any, lines: int = 0) -> dict[str, Any] | None:
    found = (await home.call("GET", "/reconciliation"))[1]
    return found if found["status"] == "balanced" and len(found["positions"]) >= lines else None
