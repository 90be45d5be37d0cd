"""Every call about sessions and orders, each answer compared with the books."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.model import Order, OrderRequest, Preview, Side
from tests.foreign.puppet import agree, made, same
from tests.foreign.tour import AAPL, Tour, contract

NOTHING = (None, "", "1.7976931348623157E+308", "1.7976931348623157e+308")
"""How a number that is not there is told."""


async def session(tour: Tour) -> None:
    app = tour.app
    assert (await app.event("server"))[0][0] == tour.version
    (first,) = await app.event("nextValidId")
    app.reqIds(1)
    assert (await app.event("nextValidId", count=2))[-1] == first
    app.reqManagedAccts()
    told = [row[0].strip(",").split(",") for row in await app.event("managedAccounts", count=2)]
    assert told == [list(tour.simulator.accounts)] * 2
    app.setServerLogLevel(5)
    if tour.version >= 167:
        app.reqUserInfo(number := tour.number())
        assert await app.event("userInfo", number) == [[number, ""]]
    now = int(tour.simulator.now.timestamp())
    app.reqCurrentTime()
    assert (await app.event("currentTime"))[0][0] == now
    if tour.says.speaks_milliseconds and tour.version >= 197:
        app.reqCurrentTimeInMillis()
        assert (await app.event("currentTimeInMillis"))[0][0] == now * 1000


def order_of(tour: Tour, number: int) -> Order:
    """The one that goes by this id of the client's."""

    def find(exchange: Exchange) -> list[Order]:
        rows = (*exchange.completed_orders(), *exchange.open_orders())
        return [row for row in rows if (row.request.client_id, row.request.order_id) == (tour.client_id, number)]

    (found,) = tour.ask(find)
    return found


async def standing(tour: Tour, number: int) -> Order:
    """The order, of which the client has heard the latest."""
    order = order_of(tour, number)
    parent = str(order.request.wire.get("parentId") or 0)
    known = [float(value) for value in (order.filled, order.remaining, order.average_price)]
    facts = [
        order.status.value,
        *known,
        order.perm_id,
        int(parent),
        float(order.last_price),
        tour.client_id,
        order.why_held,
    ]

    def told() -> list[Any]:
        rows = tour.app.rows("orderStatus", number)
        if not rows:
            return []
        status, *amounts, perm_id, parent_id, last, client_id, held = rows[-1][:9]
        return [status, *map(float, amounts), perm_id, parent_id, float(last), client_id, held or ""]

    await tour.app.becomes(told, facts)
    return order


async def trading(tour: Tour) -> None:
    app, first = tour.app, tour.app.heard["nextValidId"][-1][0]
    app.placeOrder(first, contract(), tour.order("MKT", 10))
    await tour.simulator.reaches(lambda exchange: exchange.position(tour.simulator.account, AAPL))
    price = (await standing(tour, first)).average_price
    await fills(tour)
    far = Decimal(int(price) // 2)
    await preview(tour, first + 1, far)
    await change(tour, first + 2, far)
    app.reqIds(1)
    assert (await app.event("nextValidId", count=3))[-1] == [first + 3]
    app.reqAutoOpenOrders(True)
    await tour.refused(-1, 327)


async def preview(tour: Tour, number: int, limit: Decimal) -> None:
    """Margin and commission are those that the exchange would ask, and no order is there."""
    account = tour.simulator.account
    request = OrderRequest(account, AAPL, Side.BUY, Decimal(10), "LMT", limit_price=limit)
    known: Preview = tour.ask(lambda exchange: exchange.preview(request))
    tour.app.placeOrder(number, contract(), tour.order("LMT", 10, lmtPrice=float(limit), whatIf=True))
    ((_contract, told, state),) = [row[1:] for row in await tour.app.event("openOrder", number)]
    agree(told, action="BUY", totalQuantity=10, orderType="LMT", lmtPrice=limit, whatIf=True)
    facts = {
        "initMarginBefore": known.initial_margin_before,
        "maintMarginBefore": known.maintenance_margin_before,
        "equityWithLoanBefore": known.equity_before,
        "initMarginChange": known.initial_margin_change,
        "maintMarginChange": known.maintenance_margin_change,
        "equityWithLoanChange": known.equity_change,
        "initMarginAfter": known.initial_margin_after,
        "maintMarginAfter": known.maintenance_margin_after,
        "equityWithLoanAfter": known.equity_after,
    }
    agree(state, status="PreSubmitted", **facts)
    costs = (known.commission, known.commission_min, known.commission_max)
    assert [float(value) for value in tour.says.commissions(state)] == [float(cost) for cost in costs]
    assert known.initial_margin_change > 0
    assert not tour.ask(lambda exchange: exchange.open_orders())


async def change(tour: Tour, number: int, limit: Decimal) -> None:
    """An order is placed, changed, listed beside one by hand, and cancelled."""
    app = tour.app
    app.placeOrder(number, contract(), tour.order("LMT", 5, lmtPrice=float(limit)))
    await app.event("orderStatus", number, "Submitted")
    app.placeOrder(number, contract(), tour.order("LMT", 6, lmtPrice=float(limit) + 1))
    await tour.simulator.reaches(lambda exchange: exchange.open_orders()[0].request.quantity == 6)
    order = await standing(tour, number)
    assert (order.request.limit_price, order.remaining) == (limit + 1, 6)
    by_hand = tour.simulator.order_by_hand("BUY", 3, "AAPL", limit="100")
    assert [row["permId"] for row in await listed(tour, "reqOpenOrders")] == [order.perm_id]
    rows = {row["permId"]: row for row in await listed(tour, "reqAllOpenOrders")}
    assert set(rows) == {order.perm_id, by_hand.perm_id}
    agree(rows[order.perm_id], orderId=number, clientId=tour.client_id, totalQuantity=6, lmtPrice=limit + 1, tif="DAY")
    agree(rows[by_hand.perm_id], orderId=0, clientId=0, totalQuantity=3, lmtPrice=100, orderType="LMT", action="BUY")
    tour.simulator.cancel_by_hand(by_hand.perm_id)
    app.cancelOrder(number, *tour.says.undone())
    await tour.refused(number, 202)
    assert (await standing(tour, number)).status == "Cancelled"
    assert tour.ask(lambda exchange: exchange.open_orders()) == []


async def listed(tour: Tour, call: str) -> list[dict[str, Any]]:
    """The orders that a list of them tells."""
    app = tour.app
    await tour.settled()
    before, ends = len(app.heard["openOrder"]), len(app.heard["openOrderEnd"])
    getattr(app, call)()
    await app.event("openOrderEnd", count=ends + 1)
    rows = app.heard["openOrder"][before:]
    for _number, what, _order, _state in rows:
        tour.describes(what, what["conId"])
    return [row[2] for row in rows]


async def fills(tour: Tour) -> None:
    """Every execution of the client's, and what it cost, has been told as it happened."""
    app, says = tour.app, tour.says
    known = {
        execution.exec_id: (execution, charge)
        for execution, charge in tour.ask(lambda exchange: exchange.executions())
        if execution.client_id == tour.client_id
    }
    await app.until(lambda: {row[0]["execId"] for row in app.heard[says.commission]} >= set(known), "commissions")
    told = {row[2]["execId"]: row[1:] for row in app.heard["execDetails"]}
    costs = {row[0]["execId"]: row[0] for row in app.heard[says.commission]}
    assert set(told) >= set(known)
    for name, (execution, charge) in known.items():
        what, row = told[name]
        tour.describes(what, execution.conid)
        agree(
            row,
            orderId=execution.order_id,
            permId=execution.perm_id,
            clientId=tour.client_id,
            acctNumber=execution.account,
            exchange=execution.exchange,
            side="BOT" if execution.side is Side.BUY else "SLD",
            shares=execution.shares,
            price=execution.price,
            cumQty=execution.cumulative,
            avgPrice=execution.average_price,
            orderRef=execution.order_ref,
            lastLiquidity=execution.liquidity,
        )
        assert says.second(row["time"]) == int(execution.time.timestamp())
        report = costs[name]
        (cost,) = says.charges(report)
        assert same(cost, charge.amount)
        assert report["currency"] == charge.currency
        profit = report.get("realizedPNL")
        assert str(profit) in map(str, NOTHING) if charge.realized_pnl is None else same(profit, charge.realized_pnl)


async def completed(tour: Tour) -> None:
    """Orders that have ended, all of them or those of the API; executions, all of them or some."""
    app = tour.app
    for api_only in (False, True):
        rows = tour.ask(lambda exchange: exchange.completed_orders())
        known = {row.perm_id: row for row in rows if row.request.order_id or not api_only}
        app.heard["completedOrder"].clear()
        ends = len(app.heard["completedOrdersEnd"])
        app.reqCompletedOrders(api_only)
        await app.event("completedOrdersEnd", count=ends + 1)
        if tour.version < tour.says.reads_completed_from:
            continue
        told = {row[1]["permId"]: row for row in app.heard["completedOrder"]}
        assert set(told) == set(known)
        for perm_id, order in known.items():
            what, row, state = told[perm_id]
            request = order.request
            agree(row, action=request.side.value, totalQuantity=request.quantity, orderType=request.order_type)
            agree(row, tif=request.tif, account=request.account, lmtPrice=request.limit_price or 0)
            assert (what["conId"] == request.conid) or what["secType"] == "BAG"
            assert state["status"] == order.status.value
            assert tour.says.second(state["completedTime"]) == int(order.updated_at.timestamp())
            agree(row, filledQuantity=order.filled)
    await asked_executions(tour)


async def asked_executions(tour: Tour) -> None:
    app, account = tour.app, tour.simulator.account
    rows = [execution for execution, _charge in tour.ask(lambda exchange: exchange.executions())]
    middle = rows[len(rows) // 2].time.replace(microsecond=0)
    for terms, known in (
        ({}, rows),
        ({"side": "SELL"}, [row for row in rows if row.side is Side.SELL]),
        ({"time": f"{middle:%Y%m%d-%H:%M:%S}"}, [row for row in rows if row.time >= middle]),
        ({"clientId": tour.client_id + 1}, []),
        ({"symbol": "AAPL", "secType": "STK", "acctCode": account}, [row for row in rows if row.conid == AAPL]),
    ):
        app.reqExecutions(number := tour.number(), made("ExecutionFilter", **terms))
        await app.event("execDetailsEnd", number)
        told = [row[1]["execId"] for row in app.rows("execDetails", number)]
        assert told == [row.exec_id for row in known], terms
