"""No order pays far more, or takes far less, than the market's last quote: the slip of a decimal point."""

from __future__ import annotations

from decimal import Decimal

from ibkr_bridge.domain.terms import Side
from ibkr_bridge.guards.verdict import Denial, Intent, View


def price_collar(intent: Intent, view: View) -> Denial | None:
    """Only the dangerous side is looked at; without a quote that can be trusted no price is judged.

    Of a combo the percentage is of what its legs come to: its own price may be near zero, or below.
    """
    percent, limit = view.limits.price_collar_percent, view.worst_of(intent)
    buying, market = intent.terms.side is Side.BUY, view.market_of(intent)
    if percent is None or limit is None or market is None or market.stale:
        return None
    if market.age > view.limits.max_quote_age:
        return None
    room = (view.gross or market).value * percent / Decimal(100)
    edge = market.value + room if buying else market.value - room
    if limit <= edge if buying else limit >= edge:
        return None
    return Denial(
        guard="price_collar",
        detail=f"The price {limit} that it accepts is more than {percent} % beyond the market's {market.value}.",
        advice="Check the price, or raise IBKR_SERVICE_PRICE_COLLAR_PERCENT.",
        limit=f"{edge:f}",
        value=str(limit),
    )
