"""Orders and trades as they stand, in IBKR's shapes."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

from ibkr_bridge.api.mirror import passing
from ibkr_bridge.api.mirror.answers import Refusal, Reply
from ibkr_bridge.api.mirror.call import Call
from ibkr_bridge.api.mirror.entry import Entry, answered
from ibkr_bridge.api.mirror.shapes import orders as rows
from ibkr_bridge.domain.errors import NotSupported, Unknown, UnknownOrder
from ibkr_bridge.domain.identity import order_of
from ibkr_bridge.domain.order import Order

_DAY: Final = timedelta(hours=24)
_SORT: Final = "sortbytime"


def entries() -> list[Entry]:
    listed = "From the engine: every order of the day, also those placed elsewhere; never thin, filters are exact."
    return [
        answered("GET", "/iserver/account/orders", live_orders, listed),
        answered("GET", "/iserver/account/order/status/{order}", order_status, "From the engine."),
        answered(
            "GET",
            "/iserver/account/trades",
            trades,
            "IBKR's list at the Web API, the engine's at TWS; `order_ref` is the cOID.",
        ),
    ]


async def live_orders(call: Call) -> Any:
    """`force` empties no cache here, and `snapshot` is false while IBKR is away."""
    accounts, since = call.meant, call.now - _DAY
    listed = await call.engine.mirror.listed()
    by_id = {order.id: order for order in listed}
    found = [
        order
        for order in listed
        if order.account in accounts and rows.at_ibkr(order) and (not order.status.terminal or order.updated_at > since)
    ]
    names = {_plain(name) for name in call.query.get("filters", "").split(",") if name}
    states = names - {_SORT}
    wanted = [order for order in found if not states or _plain(rows.state(order)) in states]
    shown = [rows.live_order(order, by_id.get(order.parent_id or "")) for order in wanted]
    return {"orders": shown, "snapshot": call.engine.sessions.current.ready}


async def order_status(call: Call) -> Any:
    name = call.arguments["order"]
    if name == "0":
        raise Refusal(400, "Bad Request: orderId is not valid")
    try:
        return rows.order_status(await call.engine.mirror.order(name))
    except Unknown:
        raise Refusal(503, f"Order {name[:64]} is not found", code=UnknownOrder.code) from None


async def trades(call: Call) -> Any:
    """Of the accounts meant, with the callers' own ids in place of ours."""
    accounts = call.meant
    query = {name: value for name, value in call.query.items() if name == "days"}
    try:
        told = await passing.ask(call, "GET", "/iserver/account/trades", query)
    except NotSupported:
        return await trades_at_tws(call)
    answer, listed = passing.reply(call, told), passing.told_value(told)
    if answer.status != 200 or not isinstance(listed, list):
        return answer
    return Reply([await _renamed(call, row) for row in listed if _whose(row) in accounts])


async def trades_at_tws(call: Call) -> Any:
    accounts = call.meant
    found = [executed for executed in await call.engine.mirror.executions() if executed.account in accounts]
    return [rows.trade(executed, await _order(call, executed.broker.reference)) for executed in found][::-1]


async def _renamed(call: Call, row: dict[str, Any]) -> dict[str, Any]:
    order = await _order(call, str(row.get("order_ref") or ""))
    if order is None:
        return row
    kept = {name: value for name, value in row.items() if name != "order_ref"}
    return kept | ({"order_ref": order.client_order_id} if order.client_order_id else {})


async def _order(call: Call, reference: str) -> Order | None:
    order_id = order_of(reference)
    if order_id is None:
        return None
    try:
        return await call.engine.orders.get(order_id)
    except Unknown:
        return None


def _whose(row: Any) -> str:
    return str(row.get("account") or row.get("accountCode") or "") if isinstance(row, dict) else ""


def _plain(name: str) -> str:
    """`pre_submitted` and `PreSubmitted` mean the same."""
    return re.sub(r"[^a-z]", "", name.lower())
