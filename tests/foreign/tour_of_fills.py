"""Orders that trade: brackets, groups, stops that trail, conditions that come true, combinations, exercises."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.model import Quote
from tests.foreign.puppet import agree, made
from tests.foreign.tour import AAPL, MSFT, Tour, contract
from tests.foreign.tour_of_accounts import positions
from tests.foreign.tour_of_orders import prices
from tests.foreign.tour_of_trading import fills, listed, order_of, standing

CENT = Decimal("0.01")
STEP, LONGEST = 1.0, 3_600
"""Seconds of simulated time between two looks, and how many looks there are at most."""
OPTION = {"secType": "OPT", "lastTradeDateOrContractMonth": "20260320", "strike": 250.0, "right": "C"}
EXERCISE = 1


async def trades(tour: Tour) -> None:
    for part in (exits, children, groups, portions, trailing, adjusting, awaited, immediate, combination, exercises):
        await part(tour)
        await fills(tour)
    await positions(tour)
    tour.app.cancelPositions()


async def live_until(tour: Tour, condition: Callable[[], object]) -> None:
    for _look in range(LONGEST):
        if condition():
            return
        tour.simulator.advance(STEP)
    raise AssertionError("it did not come to pass")


async def ends(tour: Tour, number: int, status: str) -> None:
    await live_until(tour, lambda: order_of(tour, number).status == status)
    await standing(tour, number)


async def withdraw(tour: Tour, number: int) -> None:
    """Before any time passes."""
    tour.app.cancelOrder(number, *tour.says.undone())
    await tour.refused(number, 202)
    assert (await standing(tour, number)).status == "Cancelled"


def held(tour: Tour, conid: int = AAPL) -> Decimal:
    account = tour.simulator.account
    row = tour.ask(lambda exchange: exchange.position(account, conid))
    return Decimal(0) if row is None else row.quantity


def quote(tour: Tour, conid: int = AAPL) -> Quote:
    return tour.ask(lambda exchange: exchange.quote(conid))


def last(tour: Tour) -> Decimal:
    price = quote(tour).last
    assert price is not None
    return price


async def place(tour: Tour, number: int, kind: str, quantity: int, **terms: Any) -> None:
    tour.app.placeOrder(number, contract(), tour.order(kind, quantity, **terms))
    await tour.settled()


async def exits(tour: Tour) -> None:
    """A bracket goes whole; the exit that fills closes the position and cancels the other."""
    first, at, before = tour.next_order(), tour.ask(prices), held(tour)
    target = float(last(tour) + 6 * CENT)
    await place(tour, first, "LMT", 100, lmtPrice=at.high, transmit=False)
    exit_ = {"action": "SELL", "parentId": first}
    await place(tour, first + 1, "LMT", 100, lmtPrice=target, transmit=False, **exit_)
    assert not tour.ask(lambda exchange: exchange.open_orders())
    await place(tour, first + 2, "STP", 100, auxPrice=1.0, **exit_)
    await ends(tour, first, "Filled")
    entry, stop = order_of(tour, first), order_of(tour, first + 2)
    assert (stop.status, stop.why_held) == ("PreSubmitted", "trigger")
    for row in await listed(tour, "reqOpenOrders"):
        agree(row, parentId=first, ocaGroup=str(entry.perm_id), totalQuantity=100, action="SELL")
    await ends(tour, first + 1, "Filled")
    await ends(tour, first + 2, "Cancelled")
    await tour.refused(first + 2, 202)
    assert held(tour) == before


async def children(tour: Tour) -> None:
    """They wait for their parent, and die with it."""
    first, at = tour.next_order(), tour.ask(prices)
    await place(tour, first, "LMT", 10, lmtPrice=at.low, transmit=False)
    await place(tour, first + 1, "LMT", 10, lmtPrice=at.high, action="SELL", parentId=first, transmit=False)
    await place(tour, first + 2, "STP", 10, auxPrice=1.0, action="SELL", parentId=first)
    assert (await standing(tour, first)).status == "Submitted"
    waiting = [await standing(tour, first + child) for child in (1, 2)]
    assert [row.status for row in waiting] == ["PreSubmitted", "PreSubmitted"]
    assert [row.why_held for row in waiting] == ["child", "child,trigger"]
    await withdraw(tour, first)
    for number in (first + 1, first + 2):
        await tour.refused(number, 202)
        await ends(tour, number, "Cancelled")


async def groups(tour: Tour) -> None:
    """One that fills cancels all; it was changed to fill."""
    first, at = tour.next_order(), tour.ask(prices)
    group = {"ocaGroup": f"either {first}", "ocaType": 1}
    for number in (first, first + 1):
        await place(tour, number, "LMT", 10, lmtPrice=at.low, **group)
    await place(tour, first + 1, "LMT", 10, lmtPrice=at.high, **group)
    await ends(tour, first + 1, "Filled")
    await ends(tour, first, "Cancelled")


async def portions(tour: Tour) -> None:
    """One that fills in part takes its part from the other."""
    first, at = tour.next_order(), tour.ask(prices)
    now, group = quote(tour), {"ocaGroup": f"both {first}", "ocaType": 2}
    size = int(now.ask_size or 0)
    await place(tour, first, "LMT", 4 * size, lmtPrice=at.low, **group)
    await place(tour, first + 1, "LMT", 2 * size, lmtPrice=float(now.ask or 0), **group)
    assert (await standing(tour, first + 1)).filled == size
    assert (await standing(tour, first)).remaining == 2 * size
    rows = {row["orderId"]: row for row in await listed(tour, "reqOpenOrders")}
    agree(rows[first], totalQuantity=2 * size, ocaType=2)
    await withdraw(tour, first)
    await withdraw(tour, first + 1)


async def trailing(tour: Tour) -> None:
    """It follows the market up and is told where it stands; then it sells."""
    first, began, before = tour.next_order(), last(tour), held(tour)
    await place(tour, first, "TRAIL", 10, action="SELL", auxPrice=0.1)
    (row,) = await listed(tour, "reqOpenOrders")
    agree(row, trailStopPrice=order_of(tour, first).stop, auxPrice=0.1)
    await ends(tour, first, "Filled")
    stop = order_of(tour, first).stop
    assert stop is not None
    assert stop >= began - Decimal("0.12")
    assert held(tour) == before - 10


async def adjusting(tour: Tour) -> None:
    """A stop becomes one that trails once the market has come so far."""
    first, now = tour.next_order(), last(tour)
    terms = {"adjustedOrderType": "TRAIL", "adjustedTrailingAmount": 3.0, "adjustedStopPrice": float(now - 5)}
    await place(
        tour, first, "STP", 10, action="SELL", auxPrice=float(now - 20), triggerPrice=float(now + 2 * CENT), **terms
    )
    assert order_of(tour, first).request.order_type == "STP"
    await live_until(tour, lambda: order_of(tour, first).request.order_type == "TRAIL")
    order = await standing(tour, first)
    (row,) = await listed(tour, "reqOpenOrders")
    agree(row, orderType="TRAIL", trailStopPrice=order.stop)
    await withdraw(tour, first)


async def awaited(tour: Tour) -> None:
    """Every kind of condition comes true, and its order fills."""
    first, at, now = tour.next_order(), tour.ask(prices), quote(tour)
    assert now.close is not None
    assert now.last is not None
    change = round(float((now.last - now.close) / now.close * 100) + 0.01, 2)
    moment = (at.now + timedelta(seconds=30)).replace(microsecond=0)
    here = {"conId": AAPL, "exchange": "SMART", "isMore": True}
    watched: list[tuple[str, dict[str, object]]] = [
        ("Execution", {"secType": "STK", "exchange": "SMART", "symbol": "MSFT"}),
        ("Time", {"time": f"{moment:%Y%m%d-%H:%M:%S}", "isMore": True}),
        ("Price", {"price": round(at.middle + 0.03, 2), "triggerMethod": 0, **here}),
        ("Volume", {"volume": int(now.volume) + 2_000, **here}),
        ("PercentChange", {"changePercent": change, **here}),
        ("Margin", {"percent": 1, "isMore": True}),
    ]
    for number, (kind, terms) in enumerate(watched, first):
        condition = tour.says.condition(kind, either=False, **terms)
        await place(tour, number, "MKT", 1, conditions=[condition])
    assert (await standing(tour, first)).why_held == "condition"
    assert (await standing(tour, first + 1)).why_held == "condition"
    bought = contract(symbol="MSFT")
    tour.app.placeOrder(first + 50, bought, tour.order("MKT", 1))
    await ends(tour, first, "Filled")
    for number in range(first + 1, first + len(watched)):
        await ends(tour, number, "Filled")
    (executed,) = [
        row for row, _charge in tour.ask(lambda exchange: exchange.executions()) if row.order_id == first + 1
    ]
    assert executed.time == moment


async def immediate(tour: Tour) -> None:
    """What cannot be had at once is not waited for: nothing at all, all or nothing, a part."""
    first, at, now = tour.next_order(), tour.ask(prices), quote(tour)
    offered, ask = int(now.ask_size or 0), float(now.ask or 0)
    await place(tour, first, "LMT", 10, lmtPrice=at.low, tif="IOC")
    await place(tour, first + 1, "LMT", offered + 100, lmtPrice=ask, tif="FOK")
    await place(tour, first + 2, "LMT", offered + 100, lmtPrice=ask, tif="IOC")
    rows = [await standing(tour, number) for number in range(first, first + 3)]
    assert [(row.status, row.filled) for row in rows] == [("Cancelled", 0), ("Inactive", 0), ("Cancelled", offered)]


async def combination(tour: Tour) -> None:
    """It has a fill of its own and one for each leg; it is told back with its legs."""
    first, before = tour.next_order(), [held(tour), held(tour, MSFT)]
    legs = [(AAPL, 2, "BUY"), (MSFT, 1, "SELL")]
    written = [made("ComboLeg", conId=conid, ratio=ratio, action=side, exchange="SMART") for conid, ratio, side in legs]
    bag = contract(symbol="AAPL,MSFT", secType="BAG", comboLegs=written)
    cost = 2 * (quote(tour).ask or 0) - (quote(tour, MSFT).bid or 0)
    tour.app.placeOrder(first, bag, tour.order("LMT", 10, lmtPrice=float(cost - 20)))
    await tour.settled()
    assert (await standing(tour, first)).status == "Submitted"
    app, seen = tour.app, len(tour.app.heard["openOrder"])
    app.reqOpenOrders()
    await app.until(lambda: len(app.heard["openOrder"]) > seen, "the combination")
    _number, what, row, _state = app.heard["openOrder"][-1]
    agree(row, lmtPrice=cost - 20, totalQuantity=10, permId=order_of(tour, first).perm_id)
    assert (what["secType"], tour.says.legs(what)) == ("BAG", f"{AAPL}|2,{MSFT}|-1")
    cost = 2 * (quote(tour).ask or 0) - (quote(tour, MSFT).bid or 0)
    tour.app.placeOrder(first, bag, tour.order("LMT", 10, lmtPrice=float(cost)))
    await ends(tour, first, "Filled")
    assert [held(tour), held(tour, MSFT)] == [before[0] + 20, before[1] - 10]
    mine = [row for row, _charge in tour.ask(lambda exchange: exchange.executions()) if row.order_id == first]
    assert sorted(row.shares for row in mine) == [10, 10, 20]
    await fills(tour)
    told = {row[2]["execId"]: row[1]["secType"] for row in app.heard["execDetails"]}
    assert sorted(told[row.exec_id] for row in mine) == ["BAG", "STK", "STK"]


async def exercises(tour: Tour) -> None:
    """An option is bought and exercised: its shares come at the strike. More than there are is refused."""
    first, app, before = tour.next_order(), tour.app, held(tour)
    app.placeOrder(first, contract(**OPTION), tour.order("MKT", 2))
    await tour.settled()
    await ends(tour, first, "Filled")
    conid = order_of(tour, first).request.conid
    known = tour.ask(lambda exchange: exchange.contract(conid))
    assert known is not None
    assert (known.strike, known.right, known.symbol) == (250, "C", "AAPL")
    wanted = made("Contract", conId=conid, exchange="SMART")
    app.exerciseOptions(tour.number(), wanted, EXERCISE, 1, tour.simulator.account, 0, *tour.says.exercise())
    await tour.simulator.reaches(lambda exchange: has(exchange, tour.simulator.account, conid, 1))
    assert held(tour) == before + 100
    refused = tour.number()
    app.exerciseOptions(refused, wanted, EXERCISE, 5, tour.simulator.account, 0, *tour.says.exercise())
    await tour.refused(refused, 201)


def has(exchange: Exchange, account: str, conid: int, quantity: int) -> bool:
    row = exchange.position(account, conid)
    return row is not None and row.quantity == quantity
