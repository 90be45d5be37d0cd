"""No more working orders on one side of one contract than IBKR allows (20 a side; TWS API, "Order Limitations")."""

from __future__ import annotations

from ibkr_bridge.guards.verdict import Denial, Intent, View


def open_orders(intent: Intent, view: View) -> Denial | None:
    limit = view.limits.open_orders_per_side
    if limit is None:
        return None
    alike = sum(
        order.contract.conid == intent.contract.conid and order.terms.side is intent.terms.side
        for order in view.working
    )
    if alike < limit:
        return None
    return Denial(
        guard="open_orders",
        detail=f"{alike} {intent.terms.side} orders of {intent.contract.symbol} are working; the limit is {limit}.",
        advice="Cancel some first. IBKR itself allows 20 a side.",
        limit=str(limit),
        value=str(alike),
    )
