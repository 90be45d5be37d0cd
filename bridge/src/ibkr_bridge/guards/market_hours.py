"""Day and market orders wait for an open market here, not at the broker."""

from __future__ import annotations

from ibkr_bridge.domain.terms import TimeInForce
from ibkr_bridge.guards.verdict import Denial, Intent, View

_WAITING = (TimeInForce.GTC, TimeInForce.GTD, TimeInForce.OPG)


def market_hours(intent: Intent, view: View) -> Denial | None:
    """Orders that are meant to wait or to trade outside regular hours pass; so does what no calendar knows.

    A calendar that has not answered yet says nothing: then nobody knows, and the order does not pass.
    """
    terms = intent.terms
    if not view.limits.market_hours or terms.outside_rth or terms.tif in _WAITING or terms.good_after is not None:
        return None
    if view.hours_late:
        return Denial(
            guard="market_hours",
            detail=f"Whether the market of {intent.contract.symbol} is open could not be found out in time.",
            advice="Try again, send it GTC or with outside_rth, or set IBKR_SERVICE_MARKET_HOURS=false.",
            limit="open",
            value="unknown",
        )
    if view.market_open is not False:
        return None
    opens = view.next_open.isoformat().replace("+00:00", "Z") if view.next_open else "later"
    return Denial(
        guard="market_hours",
        detail=f"The market of {intent.contract.symbol} is closed; it opens {opens}.",
        advice="Wait, send it GTC or with outside_rth, or set IBKR_SERVICE_MARKET_HOURS=false.",
        limit="open",
        value="closed",
    )
