"""Orders without a price are off until the operator allows them."""

from __future__ import annotations

from ibkr_bridge.guards.verdict import Denial, Intent, View


def market_orders(intent: Intent, view: View) -> Denial | None:
    """Covers what becomes a market order later as well: stops, those that trail, orders on the close."""
    adjusted = intent.terms.adjust
    unbounded = intent.terms.type.shape.at_any_price or (adjusted is not None and adjusted.type.shape.at_any_price)
    if view.limits.allow_market_orders or not unbounded:
        return None
    return Denial(
        guard="market_orders",
        detail="Market orders are disabled.",
        advice="Use a type with a limit, as LIMIT or STOP_LIMIT, or set ALLOW_MARKET_ORDERS=true.",
        limit="LIMIT, STOP_LIMIT",
        value=str(intent.terms.type),
    )
