"""Every call of an advisor, of client 0, and of who has subscribed to no market data."""

from __future__ import annotations

from xml.etree import ElementTree

from ibkr_sim.exchange.exchange import Exchange
from tests.foreign.puppet import agree
from tests.foreign.tour import AAPL, Tour, contract
from tests.foreign.tour_of_trading import fills, standing

GROUPS, ALIASES = 1, 3
DELAYED = {1: 66, 2: 67, 4: 68, 0: 69, 3: 70, 5: 71, 6: 72, 7: 73, 8: 74, 9: 75, 14: 76}
"""The kinds of delayed ticks by those of live ones."""


def accounts(tour: Tour) -> tuple[str, list[str]]:
    """The advisor's own, and those of its clients."""
    found = sorted(tour.simulator.accounts)
    return found[0], [account for account in tour.simulator.accounts if account != found[0]]


async def advice(tour: Tour, kind: int) -> ElementTree.Element:
    """What there is of that kind now."""
    known = len([row for row in tour.app.heard["receiveFA"] if row[0] == kind])
    tour.app.requestFA(kind)
    told = (await tour.app.event("receiveFA", kind, count=known + 1))[-1]
    return ElementTree.fromstring(told[1])


async def documents(tour: Tour) -> None:
    """Groups and aliases are told, replaced, and told anew; what makes no sense changes nothing."""
    app, (own, clients) = tour.app, accounts(tour)
    await app.event("nextValidId")
    assert (await app.event("managedAccounts"))[0][0].strip(",").split(",") == [own, *clients]
    app.reqFamilyCodes()
    rows = (await app.event("familyCodes"))[0][0]
    assert {(row["accountID"], tour.says.family(row)) for row in rows} == {
        (account, f"F{own.removeprefix('DF')}") for account in (own, *clients)
    }
    assert await groups(tour) == {"Everyone": clients}
    aliases = await advice(tour, ALIASES)
    assert [row.findtext("account") for row in aliases.iter("AccountAlias")] == [own, *clients]
    last = f"<Group><name>Last</name><ListOfAccts varName='list'><String>{clients[-1]}</String></ListOfAccts>"
    written = f"<ListOfGroups>{last}<defaultMethod>NetLiq</defaultMethod></Group></ListOfGroups>"
    app.replaceFA(number := tour.number(), GROUPS, written)
    assert (await app.event("replaceFAEnd", number))[0][1] == "success"
    assert await groups(tour) == {"Last": clients[-1:]}
    for code, wrong in ((321, "<ListOfGroups><Group/></ListOfGroups>"), (10231, written.replace(clients[-1], "DU1"))):
        app.replaceFA(number := tour.number(), GROUPS, wrong)
        await tour.refused(number, code)
    assert await groups(tour) == {"Last": clients[-1:]}
    strings = "".join(f"<String>{account}</String>" for account in clients)
    app.replaceFA(number := tour.number(), GROUPS, written.replace(f"<String>{clients[-1]}</String>", strings))
    await app.event("replaceFAEnd", number)


async def groups(tour: Tour) -> dict[str | None, list[str | None]]:
    """Their accounts by their names."""
    root = await advice(tour, GROUPS)
    return {row.findtext("name"): [leaf.text for leaf in row.iter("String")] for row in root.iter("Group")}


async def sharing(tour: Tour) -> None:
    """An order for a group is one order, and has an execution for every client of it."""
    app, (own, clients), first = tour.app, accounts(tour), tour.next_order()
    app.placeOrder(first, contract(), tour.order("MKT", 1, account=""))
    await tour.refused(first, 436)
    shared = {"account": own, "faGroup": "Last", "faMethod": "EqualQuantity"}
    app.placeOrder(first + 1, contract(), tour.order("MKT", 10 * len(clients), **shared))
    await tour.settled()
    tour.simulator.advance(10)
    order = await standing(tour, first + 1)
    assert order.status == "Filled"
    await fills(tour)
    agree(app.rows("openOrder", first + 1)[-1][1], account=own, faGroup="Last", permId=order.perm_id)
    executed = tour.ask(lambda exchange: [row for row, _charge in exchange.executions()])
    assert {row.account for row in executed} == set(clients)
    for account in clients:
        mine = [row.shares for row in executed if row.account == account]
        held = tour.ask(lambda exchange, account=account: exchange.position(account, AAPL))  # type: ignore[misc]
        assert held is not None
        assert sum(mine) == held.quantity == 10
    app.reqPositions()
    await app.event("positionEnd")
    assert {row[0]: float(row[2]) for row in app.heard["position"]} == dict.fromkeys(clients, 10.0)
    app.reqAccountSummary(number := tour.number(), "Last", "TotalCashValue")
    await app.event("accountSummaryEnd", number)
    told = {row[0]: (row[2], row[3]) for row in app.rows("accountSummary", number)}
    assert told == {account: cash(tour, account) for account in clients}
    app.cancelAccountSummary(number)


def cash(tour: Tour, account: str) -> tuple[str, str]:
    """In the account's own currency."""
    rows = tour.ask(lambda exchange: exchange.account_values(account))
    (row,) = [row for row in rows if row.key == "TotalCashValue"]
    return row.value, row.currency


async def delayed(tour: Tour) -> None:
    """Live quotes are refused; delayed ones are the exchange's under numbers of their own."""
    app, says = tour.app, tour.says
    app.reqMarketDataType(1)
    app.reqMktData(number := tour.number(), contract(), "", False, False, *says.options)
    await tour.refused(number, 354)
    app.reqMarketDataType(3)
    app.reqMktData(number := tour.number(), contract(), "", False, False, *says.options)
    await app.event("marketDataType", number, 3)
    await tour.refused(number, 10167)

    def known(exchange: Exchange) -> dict[int, float]:
        quote = exchange.quote(AAPL)
        prices = {1: quote.bid, 2: quote.ask, 4: quote.last, 6: quote.high, 7: quote.low, 9: quote.close}
        sizes = {3: quote.ask_size, 5: quote.last_size, 8: quote.volume, 14: quote.open}
        return {DELAYED[kind]: float(value) for kind, value in (prices | sizes).items() if value is not None}

    for _time in range(2):
        facts = tour.ask(known)
        await app.becomes(lambda facts=facts: {kind: app.ticks[number].get(kind) for kind in facts}, facts)  # type: ignore[misc]
        tour.simulator.advance(5)
    assert not {1, 2, 4} & set(app.ticks[number])
    app.cancelMktData(number)


async def binding(tour: Tour) -> None:
    """Client 0 is told the order ids that orders by hand have from now on."""
    app = tour.app
    app.reqAutoOpenOrders(True)
    await tour.settled()
    order = tour.simulator.order_by_hand("BUY", 3, "AAPL", limit="100")
    (bound,) = await app.event("orderBound")
    assert order.request.order_id > 0
    assert (int(bound[0]), order.request.order_id in bound[1:]) == (order.perm_id, True)
    number, _contract, told, _state = (await app.event("openOrder", order.request.order_id))[-1]
    agree(told, permId=order.perm_id, totalQuantity=3, lmtPrice=100, action="BUY", orderType="LMT")
    app.cancelOrder(number, *tour.says.undone())
    await app.event("orderStatus", number, "Cancelled")
    assert tour.ask(lambda exchange: exchange.open_orders()) == []
    app.reqAutoOpenOrders(False)
    await tour.settled()
    tour.simulator.order_by_hand("BUY", 3, "AAPL", limit="100")
    await tour.settled()
    assert len(app.heard["orderBound"]) == 1
