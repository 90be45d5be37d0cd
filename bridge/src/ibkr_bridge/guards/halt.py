"""The kill switch: halted lets nothing new through, reducing only what brings a position nearer to zero."""

from __future__ import annotations

from ibkr_bridge.guards.position import resulting
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


def reduces(intent: Intent, view: View) -> bool:
    """Whether the position ends nearer to zero and on the same side, even if everything that works fills as well."""
    after = resulting(intent, view)
    same_side = after == 0 or (after > 0) == (view.position > 0)
    return view.position != 0 and same_side and abs(after) < abs(view.position)
