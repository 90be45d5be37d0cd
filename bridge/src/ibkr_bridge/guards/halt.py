"""The kill switch: halted lets nothing new through, reducing only what brings a position nearer to zero."""

from __future__ import annotations

from ibkr_bridge.guards.position import reduces
from ibkr_bridge.guards.verdict import Denial, Intent, TradingState, View


def halt(intent: Intent, view: View) -> Denial | None:
    if view.state is TradingState.ACTIVE:
        return None
    if view.state is TradingState.REDUCING and reduces(intent, view):
        return None
    return Denial(
        guard="halt",
        detail=f"Trading is {view.state}.",
        advice="POST /admin/resume when it is safe to trade again; cancels always pass.",
        limit=str(view.state),
    )


def reduction(intent: Intent, view: View) -> Denial | None:
    """Of what the kill switch itself orders, whatever its state is by then: nothing but a way nearer to zero."""
    if reduces(intent, view):
        return None
    return Denial(
        guard="halt",
        detail="It would not bring the position nearer to zero.",
        advice="See GET /positions, and GET /orders for what still works: it counts as if it filled.",
        limit=str(TradingState.REDUCING),
    )
