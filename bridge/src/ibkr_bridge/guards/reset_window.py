"""In the last seconds before a known interruption an order could be sent whose answer nobody would hear."""

from __future__ import annotations

from datetime import timedelta

from ibkr_bridge.guards.verdict import Denial, Intent, View


def reset_window(_intent: Intent, view: View) -> Denial | None:
    """During the interruption itself the session tells: while it stands, orders pass."""
    coming, margin = view.interruption, view.limits.reset_margin
    if coming is None or not margin or coming.start - view.now > timedelta(seconds=margin):
        return None
    left = (coming.start - view.now).total_seconds()
    return Denial(
        guard="reset_window",
        detail=f"{coming.why[0].upper()}{coming.why[1:]} begins in {left:.0f} s.",
        advice="Send it again at `retry_at`, or as soon as GET /readyz answers 200 after the interruption has begun.",
        limit=f"{margin:g}",
        value=f"{left:.0f}",
        retry_at=coming.end,
    )
