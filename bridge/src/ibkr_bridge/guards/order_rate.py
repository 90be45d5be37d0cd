"""A program that runs wild is stopped by the number of its orders a minute."""

from __future__ import annotations

from datetime import timedelta

from ibkr_bridge.guards.verdict import Denial, Intent, View

_MINUTE = timedelta(minutes=1)


def order_rate(_intent: Intent, view: View) -> Denial | None:
    limit = view.limits.orders_per_minute
    if limit is None:
        return None
    lately = sum(view.now - recent.at < _MINUTE for recent in view.recent)
    if lately < limit:
        return None
    return Denial(
        guard="order_rate",
        detail=f"{lately} orders were let through in the last minute; the limit is {limit}.",
        advice="Slow down, or raise IBKR_SERVICE_ORDERS_PER_MINUTE.",
        limit=str(limit),
        value=str(lately),
    )
