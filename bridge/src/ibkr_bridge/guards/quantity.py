"""No single order asks for more than the limit."""

from __future__ import annotations

from ibkr_bridge.guards.verdict import Denial, Intent, View


def quantity(intent: Intent, view: View) -> Denial | None:
    limit = view.limits.max_quantity
    if limit is None or intent.terms.qty <= limit:
        return None
    return Denial(
        guard="quantity",
        detail=f"The order asks for {intent.terms.qty}; the limit is {limit}.",
        advice="Order less, or raise IBKR_SERVICE_MAX_QUANTITY.",
        limit=str(limit),
        value=str(intent.terms.qty),
    )
