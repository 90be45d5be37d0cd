"""Orders and trades as they stand: lists that answer empty at first, and single orders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from ibkr_sim.exchange.model import Order, Status
from ibkr_sim.faults.moments import Snapshot
from ibkr_sim.faults.visit import Visit
from ibkr_sim.webapi.answers import refusal
from ibkr_sim.webapi.call import Call, Route, Tier
from ibkr_sim.webapi.house import House
from ibkr_sim.webapi.ordering.tradebook import Trade
from ibkr_sim.webapi.pacing import Limit
from ibkr_sim.webapi.resources.accounts import account_names, chosen
from ibkr_sim.webapi.shapes import orders as shapes
from ibkr_sim.webapi.shapes import trades as trade_shapes
from ibkr_sim.webapi.shapes.orders import Linked

MOST_ORDERS: Final = 1000
_SORT: Final = "sortbytime"
_WORKING: Final = (Status.PRE_SUBMITTED, Status.SUBMITTED, Status.PENDING_CANCEL)


def routes() -> list[Route]:
    orders, trades = "/iserver/account/orders", "/iserver/account/trades"
    return [
        Route("GET", orders, live_orders, Tier.ACCOUNTS, Limit(orders, 1, 5)),
        Route("GET", "/iserver/account/order/status/{order_id}", order_status, Tier.ACCOUNTS),
        Route("GET", trades, trades_of_days, Tier.BROKERAGE, Limit(trades, 1, 5)),
    ]


def live_orders(call: Call) -> Any:
    """The first call, one with `force=true` and the first one with filters answer empty."""
    progress, unsettled = call.progress, call.house.unsettled
    filters = [name for name in call.query.get("filters", "").split(",") if name]
    accounts = _accounts(call)
    if call.flag("force"):
        progress.asked.add("orders")
        progress.orders_filtered = False
        return {"orders": [], "snapshot": False}
    if filters:
        progress.orders_filtered = unsettled.filters_silence_orders
    thin = progress.first("orders")
    if filters and unsettled.filtered_orders_empty:
        thin = progress.first(f"orders/{','.join(sorted(filters))}") or thin
    if thin:
        return {"orders": [], "snapshot": False}
    listed, ended = call.visit.snapshot(Snapshot.OPEN_ORDERS, day_orders(call.house, accounts))
    rows, close = _filtered(listed, filters), unsettled.day_reads_close
    return {"orders": [shapes.live_order(row, day_reads_close=close) for row in rows], "snapshot": ended}


def order_status(call: Call) -> Any:
    text = call.arguments["order_id"]
    if not text.isdecimal() or int(text) == 0:
        raise refusal(400, "Bad Request: orderId is not valid")
    order = call.market.order(int(text))
    linked = None if order is None or order.request.account not in chosen(call) else link(call.house, order)
    if linked is None:
        raise refusal(503, f"Order {text} is not found")
    call.progress.statuses += 1
    return shapes.order_status(linked, call.progress.statuses)


def trades_of_days(call: Call) -> Any:
    days = call.query.get("days", "1")
    accounts = _accounts(call)
    if call.progress.first("trades"):
        return []
    trades = call.house.trades.trades(call.market.now(), int(days) if days.isdecimal() else 1)
    return told_trades(call.house, listed_trades(call.visit, trades), accounts)


def listed_trades(visit: Visit, trades: Sequence[Trade]) -> list[Trade]:
    """What is told of a list of trades."""
    rows, _ended = visit.snapshot(Snapshot.EXECUTIONS, [(trade.execution, trade) for trade in trades])
    return [trade for _execution, trade in rows]


def told_trades(house: House, trades: Iterable[Trade], accounts: Iterable[str]) -> list[dict[str, Any]]:
    """Newest first, as IBKR lists them."""
    wanted, skew, rows = set(accounts), house.faults.skew(), []
    for trade in trades:
        contract = house.market.contract(trade.execution.conid)
        if contract is not None and trade.execution.account in wanted:
            rows.append(trade_shapes.trade(trade.shifted(skew), contract, house.settings.username))
    return rows[::-1]


def day_orders(house: House, accounts: Iterable[str]) -> list[Linked]:
    """Orders of the day: those that work come first."""
    wanted = set(accounts)
    orders = [*reversed(house.market.open_orders()), *reversed(house.market.completed_orders())]
    linked = (link(house, order) for order in orders if order.request.account in wanted)
    return [row for row in linked if row is not None][:MOST_ORDERS]


def link(house: House, order: Order) -> Linked | None:
    """None for a contract that nobody knows."""
    contract = house.market.contract(order.request.conid)
    return None if contract is None else Linked(order, contract)


def _filtered(rows: Sequence[Linked], filters: list[str]) -> Sequence[Linked]:
    names = {_plain(name) for name in filters}
    if _SORT in names:
        ordered = sorted(rows, key=lambda row: row.order.created_at, reverse=True)
        rows = sorted(ordered, key=lambda row: row.order.status not in _WORKING)
    states = names - {_SORT}
    return [row for row in rows if _plain(row.order.status.value) in states] if states else rows


def _plain(name: str) -> str:
    """`pre_submitted` and `PreSubmitted` mean the same."""
    return re.sub(r"[^a-z]", "", name.lower())


def _accounts(call: Call) -> list[str]:
    """Raises Refused (400) for an account that is not the user's."""
    name = call.query.get("accountId")
    if name and name not in account_names(call.house):
        raise refusal(400, f"Bad Request: accountId is not valid: {name}")
    return chosen(call)
