"""Every type of order, time in force, condition, group and adjustment that a client can write.

Each is compared with the order that the exchange then has, and with what the client is told back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.model import Order
from ibkr_sim.exchange.terms import (
    ChangeCondition,
    Condition,
    ExecutionCondition,
    MarginCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)
from tests.foreign.puppet import made, same
from tests.foreign.tour import AAPL, MSFT, Tour, contract
from tests.foreign.tour_of_trading import listed, standing

FORM = "%Y%m%d-%H:%M:%S"
NOWHERE = frozenset({"algoParams", "conditions", "conditionsIgnoreRth", "conditionsCancelOrder"})
"""Terms that are compared by themselves."""


class Prices(NamedTuple):
    """Of AAPL, in whole cents: below the market, at it, above it; and the present moment."""

    low: float
    middle: float
    high: float
    now: datetime


def prices(exchange: Exchange) -> Prices:
    last = exchange.quote(AAPL).last
    assert last is not None
    low, high = (float(round(last * factor, 2)) for factor in (Decimal("0.9"), Decimal("1.1")))
    return Prices(low, float(last), high, exchange.now())


def types(at: Prices) -> Iterator[dict[str, Any]]:
    """Every order type and time in force that rests."""
    low, middle, high, now = at
    later = f"{now + timedelta(days=3):{FORM}}"
    yield {"orderType": "LMT", "lmtPrice": low, "orderRef": "mine"}
    yield {"orderType": "LMT", "lmtPrice": low, "tif": "GTC", "outsideRth": True}
    yield {"orderType": "STP", "action": "SELL", "auxPrice": low}
    yield {"orderType": "STP LMT", "action": "SELL", "auxPrice": low, "lmtPrice": low - 1, "tif": "GTC"}
    yield {"orderType": "TRAIL", "action": "SELL", "auxPrice": 5.5}
    yield {"orderType": "TRAIL", "action": "SELL", "trailingPercent": 4.5, "trailStopPrice": low}
    yield {"orderType": "TRAIL LIMIT", "action": "SELL", "auxPrice": 5, "trailStopPrice": low, "lmtPriceOffset": 0.5}
    yield {"orderType": "MIT", "auxPrice": low}
    yield {"orderType": "LIT", "auxPrice": low, "lmtPrice": low + 1}
    yield {"orderType": "MOC"}
    yield {"orderType": "LOC", "lmtPrice": low}
    yield {"orderType": "MIDPRICE", "lmtPrice": low}
    yield {"orderType": "REL", "auxPrice": 0.01, "lmtPrice": low}
    yield {"orderType": "REL", "percentOffset": 0.01, "lmtPrice": low}
    yield {"orderType": "PEG MID", "auxPrice": 0.02, "lmtPrice": low}
    yield {"orderType": "MKT", "tif": "OPG"}
    yield {"orderType": "LMT", "lmtPrice": low, "tif": "OPG"}
    yield {"orderType": "LMT", "lmtPrice": low, "tif": "GTD", "goodTillDate": later}
    yield {"orderType": "LMT", "lmtPrice": high, "goodAfterTime": later, "tif": "GTC"}
    yield {"orderType": "LMT", "lmtPrice": low, "allOrNone": True}
    yield {"orderType": "LMT", "lmtPrice": low, "hidden": True}
    yield {"orderType": "LMT", "lmtPrice": low, "displaySize": 2}
    yield {"orderType": "LMT", "lmtPrice": low, "ocaGroup": "either", "ocaType": 1}
    yield {"orderType": "LMT", "lmtPrice": low - 1, "ocaGroup": "either", "ocaType": 1}
    yield {"orderType": "LMT", "lmtPrice": low, "ocaGroup": "less", "ocaType": 2}
    yield {"orderType": "LMT", "lmtPrice": low, "ocaGroup": "lesser", "ocaType": 3}
    yield from adjustable({"orderType": "STP", "action": "SELL", "auxPrice": low, "triggerPrice": high}, middle)


def adjustable(stop: Mapping[str, object], price: float) -> Iterator[dict[str, Any]]:
    """A stop that becomes another one."""
    yield {**stop, "adjustedOrderType": "STP", "adjustedStopPrice": price}
    yield {
        **stop,
        "adjustedOrderType": "STP LMT",
        "adjustedStopPrice": price,
        "adjustedStopLimitPrice": round(price - 1, 2),
    }
    yield {**stop, "adjustedOrderType": "TRAIL", "adjustedStopPrice": price, "adjustedTrailingAmount": 2.5}
    limited = {"adjustedTrailingAmount": 2.5, "lmtPriceOffset": 0.5}
    yield {**stop, "adjustedOrderType": "TRAIL LIMIT", "adjustedStopPrice": price, **limited}
    percent = {"adjustedTrailingAmount": 1.5, "adjustableTrailingUnit": 100}
    yield {**stop, "adjustedOrderType": "TRAIL", "adjustedStopPrice": price, **percent}


def booked(order: Order) -> dict[str, object]:
    """The exchange's order under IBKR's names; what it has not is not there."""
    request, adjusted = order.request, order.request.adjustment
    named: dict[str, object] = {
        "action": request.side.value,
        "totalQuantity": request.quantity,
        "orderType": request.order_type,
        "tif": request.tif,
        "account": request.account,
        "lmtPrice": request.limit_price,
        "auxPrice": request.stop_price,
        "orderRef": request.order_ref,
        "outsideRth": request.outside_rth,
        "trailStopPrice": request.trail_stop,
        "trailingPercent": request.trailing_percent,
        "lmtPriceOffset": request.limit_offset,
        "percentOffset": request.percent_offset,
        "goodAfterTime": request.good_after and f"{request.good_after:{FORM}}",
        "goodTillDate": request.good_till and f"{request.good_till:{FORM}}",
        "allOrNone": request.all_or_none,
        "hidden": request.hidden,
        "displaySize": request.display_size,
        "ocaGroup": request.oca_group,
        "ocaType": request.oca_type,
        "algoStrategy": request.wire.get("algoStrategy", ("",))[0],
    }
    if adjusted is not None:
        named |= {
            "adjustedOrderType": adjusted.order_type,
            "triggerPrice": adjusted.trigger,
            "adjustedStopPrice": adjusted.stop,
            "adjustedStopLimitPrice": adjusted.limit,
            "adjustedTrailingAmount": adjusted.trailing,
            "adjustableTrailingUnit": 100 if adjusted.in_percent else 0,
        }
    return named


def conditions(tour: Tour, at: Prices) -> Iterator[tuple[dict[str, Any], list[list[Condition]]]]:
    """Terms of an order, and the alternatives of conditions that the exchange must make of them."""
    says, moment = tour.says, (at.now + timedelta(days=1)).replace(microsecond=0)
    here = {"conId": AAPL, "exchange": "SMART"}
    known: list[tuple[str, dict[str, object], Condition]] = [
        (
            "Price",
            {"price": at.high, "isMore": True, "triggerMethod": 0, **here},
            PriceCondition(AAPL, True, Decimal(str(at.high))),
        ),
        ("Time", {"time": f"{moment:{FORM}}", "isMore": True}, TimeCondition(True, moment)),
        ("Margin", {"percent": 5, "isMore": False}, MarginCondition(False, Decimal(5))),
        (
            "Execution",
            {"secType": "STK", "exchange": "SMART", "symbol": "MSFT"},
            ExecutionCondition("STK", "SMART", "MSFT"),
        ),
        ("Volume", {"volume": 900_000_000, "isMore": True, **here}, VolumeCondition(AAPL, True, Decimal(900_000_000))),
        (
            "PercentChange",
            {"changePercent": 50, "isMore": True, "conId": MSFT, "exchange": "SMART"},
            ChangeCondition(MSFT, True, Decimal(50)),
        ),
    ]
    for kind, terms, condition in known:
        yield {"conditions": [says.condition(kind, either=False, **terms)]}, [[condition]]
    every = [says.condition(kind, either=place == 2, **terms) for place, (kind, terms, _known) in enumerate(known)]
    facts = [condition for _kind, _terms, condition in known]
    switches = {"conditionsIgnoreRth": True, "conditionsCancelOrder": True}
    yield {"conditions": every, **switches}, [facts[:3], facts[3:]]


async def orders(tour: Tour) -> None:
    at, first = tour.ask(prices), tour.next_order()
    sent = dict(enumerate(types(at), first))
    for number, terms in sent.items():
        tour.app.placeOrder(number, contract(), tour.order(terms["orderType"], 10, **terms))
    await taken(tour, len(sent))
    told = {row["orderId"]: row for row in await listed(tour, "reqOpenOrders")}
    for number, terms in sent.items():
        order = await standing(tour, number)
        compare(terms, booked(order), "exchange")
        compare({name: value for name, value in terms.items() if name != "trailStopPrice"}, told[number], "client")
        if terms["orderType"].startswith("TRAIL"):
            assert same(told[number]["trailStopPrice"], order.stop)
    await cleared(tour, [*sent])
    await algorithms(tour, at)
    await conditioned(tour, at)
    await impossible(tour)


def compare(sent: Mapping[str, object], found: Mapping[str, object], who: str) -> None:
    wrong = {
        name: (value, found.get(name))
        for name, value in sent.items()
        if name not in NOWHERE and not same(found.get(name), value)
    }
    assert not wrong, f"sent, and what the {who} has: {wrong} of {sent}"


async def taken(tour: Tour, count: int) -> None:
    await tour.settled()
    assert len(tour.ask(lambda exchange: exchange.open_orders())) == count


async def cleared(tour: Tour, numbers: list[int]) -> None:
    """All are cancelled at once, and each says so."""
    tour.app.reqGlobalCancel(*tour.says.undone())
    for number in numbers:
        await tour.app.event("orderStatus", number, "Cancelled")
        assert (await standing(tour, number)).status == "Cancelled"
    assert not tour.ask(lambda exchange: exchange.open_orders())


async def algorithms(tour: Tour, at: Prices) -> None:
    first, tags = tour.next_order(), {"adaptivePriority": "Urgent"}
    parameters = [made("TagValue", tag=tag, value=value) for tag, value in tags.items()]
    terms = {"lmtPrice": at.low, "algoStrategy": "Adaptive", "algoParams": parameters}
    tour.app.placeOrder(first, contract(), tour.order("LMT", 10, **terms))
    await taken(tour, 1)
    order = await standing(tour, first)
    assert order.request.wire["algoStrategy"] == ("Adaptive", "1", "adaptivePriority", "Urgent")
    (told,) = await listed(tour, "reqOpenOrders")
    assert told["algoStrategy"] == "Adaptive"
    assert [(row["tag"], row["value"]) for row in told["algoParams"]] == [*tags.items()]
    await cleared(tour, [first])


def wrong(tour: Tour) -> Iterator[tuple[int, dict[str, Any]]]:
    """Terms that make no order, and the code that says why."""
    limit = {"orderType": "LMT", "lmtPrice": 100.0}
    yield 387, {"orderType": "VWAP"}
    yield 113, {"orderType": "MOC", "tif": "GTC"}
    yield 391, {**limit, "tif": "GTD"}
    yield 10006, {**limit, "parentId": 77}
    yield 201, {"orderType": "TRAIL"}
    yield 10020, {**limit, "displaySize": 20}
    yield 10244, {"orderType": "MKT", "cashQty": 1000}
    yield 201, {**limit, "minQty": 5}
    yield 201, {**limit, "discretionaryAmt": 0.1}
    yield 110, {**limit, "lmtPrice": 100.001}
    yield 321, {**limit, "account": "DU1"}
    strange = tour.says.condition(
        "Price", either=False, price=1, isMore=True, triggerMethod=0, conId=1, exchange="SMART"
    )
    yield 398, {"orderType": "MKT", "conditions": [strange]}


async def impossible(tour: Tour) -> None:
    first = tour.next_order()
    for number, (code, terms) in enumerate(wrong(tour), first):
        tour.app.placeOrder(number, contract(), tour.order(terms["orderType"], 10, **terms))
        await tour.refused(number, code)
    assert not tour.ask(lambda exchange: exchange.open_orders())


async def conditioned(tour: Tour, at: Prices) -> None:
    first = tour.next_order()
    sent = dict(enumerate(conditions(tour, at), first))
    for number, (terms, _known) in sent.items():
        tour.app.placeOrder(number, contract(), tour.order("LMT", 10, lmtPrice=at.low, **terms))
    await taken(tour, len(sent))
    told = {row["orderId"]: row for row in await listed(tour, "reqOpenOrders")}
    for number, (terms, known) in sent.items():
        order = await standing(tour, number)
        found = order.request.conditions
        assert found is not None
        assert [list(group) for group in found.groups] == known
        switched = bool(terms.get("conditionsCancelOrder"))
        assert (found.cancels, found.outside_rth) == (switched, switched)
        assert order.why_held == ("" if switched else "condition")
        back = told[number]
        assert [bool(back.get(name)) for name in ("conditionsCancelOrder", "conditionsIgnoreRth")] == [switched] * 2
        for mine, theirs in zip(terms["conditions"], back["conditions"], strict=True):
            compare(mine["fields"], theirs, "client")
    await cleared(tour, [*sent])
