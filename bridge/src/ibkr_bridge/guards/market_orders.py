"""Orders without a price are off until the operator allows them."""

from __future__ import annotations

from ibkr_bridge.domain.order import OrderType
from ibkr_bridge.guards.verdict import Denial, Intent, View


def market_orders(intent: Intent, view: View) -> Denial | None:
    """Covers STOP as well: once triggered it is a market order."""
    if view.limits.allow_market_orders or intent.terms.type not in (OrderType.MARKET, OrderType.STOP):
        return None
    return Denial(
        guard="market_orders",
        detail="Market orders are disabled.",
        advice="Use a LIMIT or STOP_LIMIT order, or set ALLOW_MARKET_ORDERS=true.",
        limit="LIMIT, STOP_LIMIT",
        value=str(intent.terms.type),
    )
