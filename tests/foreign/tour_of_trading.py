"""Every call about sessions, orders and accounts, each answer compared with the books."""

from __future__ import annotations

from decimal import Decimal

from tests.foreign.puppet import exact, exactly, made
from tests.foreign.tour import AAPL, Tour, contract


async def session(tour: Tour) -> None:
    app = tour.app
    assert (await app.event("server"))[0][0] == tour.version
    assert (await app.event("managedAccounts"))[0][0].strip(",").split(",") == list(tour.simulator.accounts)
    (first,) = await app.event("nextValidId")
    app.reqIds(1)
    assert (await app.event("nextValidId", count=2))[-1] == first
    app.reqManagedAccts()
    await app.event("managedAccounts", count=2)
    app.setServerLogLevel(5)
    app.reqMarketDataType(1)
    app.reqNewsBulletins(True)
    app.cancelNewsBulletins()
    if tour.version >= 167:
        app.reqUserInfo(number := tour.number())
        await app.event("userInfo", number)
    now = int(tour.simulator.now.timestamp())
    app.reqCurrentTime()
    assert (await app.event("currentTime"))[0][0] == now
    if tour.says.speaks_milliseconds and tour.version >= 197:
        app.reqCurrentTimeInMillis()
        assert (await app.event("currentTimeInMillis"))[0][0] == now * 1000


async def trading(tour: Tour) -> None:
    app, first = tour.app, tour.app.heard["nextValidId"][-1][0]
    app.placeOrder(first, contract(), tour.order("MKT", 10))
    await app.event(tour.says.commission)
    (execution, charge), *_rest = tour.ask(lambda exchange: exchange.executions())
    _id, bought, told = app.heard["execDetails"][0]
    assert (bought["conId"], told["orderId"], told["execId"]) == (AAPL, first, execution.exec_id)
    assert exactly([told["shares"], told["price"]]) == [execution.shares, execution.price]
    report = app.heard[tour.says.commission][0][0]
    assert exact(report.get("commission") or report.get("commissionAndFees")) == charge.amount
    await app.event("orderStatus", first, "Filled")
    far = float(execution.price) // 2
    app.placeOrder(first + 1, contract(), tour.order("LMT", 10, lmtPrice=far, whatIf=True))
    preview = (await app.event("openOrder", first + 1))[-1][3]
    assert exact(preview["initMarginChange"]) > 0
    app.placeOrder(first + 2, contract(), tour.order("LMT", 5, lmtPrice=far))
    await app.event("orderStatus", first + 2, "Submitted")
    app.placeOrder(first + 2, contract(), tour.order("LMT", 6, lmtPrice=far + 1))
    await app.until(lambda: tour.ask(lambda exchange: exchange.open_orders())[0].request.quantity == 6, "the change")
    (working,) = tour.ask(lambda exchange: exchange.open_orders())
    assert (working.request.order_id, working.request.limit_price) == (first + 2, Decimal(str(far + 1)))
    for call in (app.reqOpenOrders, app.reqAllOpenOrders):
        count = len(app.heard["openOrderEnd"])
        call()
        await app.event("openOrderEnd", count=count + 1)
    app.reqAutoOpenOrders(True)
    await tour.refused(-1, 327)
    app.cancelOrder(first + 2, tour.says.undone())
    await app.event("orderStatus", first + 2, "Cancelled")
    await tour.refused(first + 2, 202)
    assert tour.ask(lambda exchange: exchange.open_orders()) == []


async def brackets(tour: Tour) -> None:
    app, first = tour.app, tour.app.heard["nextValidId"][-1][0] + 10
    price = tour.ask(lambda exchange: exchange.quote(AAPL).last)
    assert price is not None
    far = float(price) // 2
    app.placeOrder(first, contract(), tour.order("LMT", 4, lmtPrice=far, transmit=False))
    child = {"action": "SELL", "parentId": first}
    app.placeOrder(first + 1, contract(), tour.order("LMT", 4, lmtPrice=far * 3, transmit=False, **child))
    app.placeOrder(first + 2, contract(), tour.order("STP", 4, auxPrice=far - 10, **child))
    for number in (first, first + 1, first + 2):
        await app.event("orderStatus", number)
    open_ids = {order.request.order_id for order in tour.ask(lambda exchange: exchange.open_orders())}
    assert open_ids == {first, first + 1, first + 2}
    app.reqGlobalCancel(tour.says.undone())
    for number in open_ids:
        await app.event("orderStatus", number, "Cancelled")
    app.reqCompletedOrders(False)
    await app.event("completedOrdersEnd")
    known = {order.perm_id for order in tour.ask(lambda exchange: exchange.completed_orders())}
    if tour.version >= tour.says.reads_completed_from:
        assert {row[1]["permId"] for row in app.heard["completedOrder"]} == known
    app.reqExecutions(number := tour.number(), made("ExecutionFilter"))
    await app.event("execDetailsEnd", number)
    asked = [row[2]["execId"] for row in app.heard["execDetails"] if row[0] == number]
    assert asked == [execution.exec_id for execution, _charge in tour.ask(lambda exchange: exchange.executions())]


async def accounts(tour: Tour) -> None:
    app, account = tour.app, tour.simulator.account
    held = tour.ask(lambda exchange: exchange.position(account, AAPL))
    assert held is not None
    app.reqPositions()
    await app.event("positionEnd")
    owner, what, quantity, cost = app.heard["position"][0]
    assert (owner, what["conId"], exact(quantity)) == (account, AAPL, held.quantity)
    assert abs(exact(cost) - held.average_cost) < Decimal("0.0001")
    app.cancelPositions()
    app.reqPositionsMulti(number := tour.number(), account, "")
    await app.event("positionMultiEnd", number)
    assert exact(app.heard["positionMulti"][0][4]) == held.quantity
    app.cancelPositionsMulti(number)
    values = tour.ask(lambda exchange: exchange.account_values(account))
    cash = next(row.value for row in values if (row.key, row.currency) == ("TotalCashValue", "USD"))
    app.reqAccountUpdates(True, account)
    await app.event("accountDownloadEnd", account)
    assert ["TotalCashValue", cash, "USD", account] in app.heard["updateAccountValue"]
    assert exact(app.heard["updatePortfolio"][0][1]) == held.quantity
    await app.event("updateAccountTime")
    app.reqAccountUpdates(False, account)
    app.reqAccountUpdatesMulti(number := tour.number(), account, "", False)
    await app.event("accountUpdateMultiEnd", number)
    assert [number, account, "", "TotalCashValue", cash, "USD"] in app.heard["accountUpdateMulti"]
    app.cancelAccountUpdatesMulti(number)
    app.reqAccountSummary(number := tour.number(), "All", "TotalCashValue,$LEDGER")
    await app.event("accountSummaryEnd", number)
    assert [number, account, "TotalCashValue", cash, "USD"] in app.heard["accountSummary"]
    app.cancelAccountSummary(number)


async def subscriptions(tour: Tour) -> None:
    app, account = tour.app, tour.simulator.account
    books = tour.ask(lambda exchange: exchange.pnl(account))
    app.reqPnL(number := tour.number(), account, "")
    assert exactly((await app.event("pnl", number))[0][1:]) == [books.daily, books.unrealized, books.realized]
    app.cancelPnL(number)
    app.reqPnLSingle(number := tour.number(), account, "", AAPL)
    held = tour.ask(lambda exchange: exchange.position(account, AAPL))
    assert held is not None
    assert exact((await app.event("pnlSingle", number))[0][1]) == held.quantity
    app.cancelPnLSingle(number)
    await tour.settled()


async def windows(tour: Tour) -> None:
    app = tour.app
    app.queryDisplayGroups(number := tour.number())
    assert (await app.event("displayGroupList", number))[0][1] == "1|2|3|4|5|6|7"
    app.subscribeToGroupEvents(number := tour.number(), 1)
    app.updateDisplayGroup(number, f"{AAPL}@SMART")
    assert (await app.event("displayGroupUpdated", number, count=2))[-1][1] == f"{AAPL}@SMART"
    app.unsubscribeFromGroupEvents(number)
    await tour.settled()


async def refusals(tour: Tour) -> None:
    """What IBKR refuses an individual's account, and what does not exist."""
    app, says = tour.app, tour.says
    app.reqContractDetails(number := tour.number(), contract(symbol="NOSUCH"))
    await tour.refused(number, 200)
    app.reqFundamentalData(number := tour.number(), contract(), "ReportSnapshot", [])
    await tour.refused(number, 430)
    app.cancelFundamentalData(number)
    app.requestFA(1)
    await tour.refused(-1, 321)
    app.replaceFA(number := tour.number(), 1, "<xml/>")
    await tour.refused(number, 321)
    if tour.version >= 161:
        app.reqWshMetaData(number := tour.number())
        await tour.refused(number, 10276)
        getattr(app, says.end_meta)(number)
        app.reqWshEventData(number := tour.number(), made("WshEventData", conId=AAPL))
        await tour.refused(number, 10276)
        getattr(app, says.end_events)(number)
    await tour.settled()


async def binding(tour: Tour) -> None:
    """Client 0 is told the order ids that orders by hand have from now on."""
    app = tour.app
    await app.event("nextValidId")
    app.reqAutoOpenOrders(True)
    await tour.settled()
    order = tour.simulator.order_by_hand("BUY", 3, "AAPL", limit="100")
    (bound,) = await app.event("orderBound")
    assert order.request.order_id > 0
    assert (int(bound[0]), order.request.order_id in bound[1:]) == (order.perm_id, True)
    number, _contract, told, _state = (await app.event("openOrder"))[-1]
    assert (number, told["permId"]) == (order.request.order_id, order.perm_id)
    app.cancelOrder(number, tour.says.undone())
    await app.event("orderStatus", number, "Cancelled")
    assert tour.ask(lambda exchange: exchange.open_orders()) == []
