"""Nothing is traded until the operator says so by name."""

from __future__ import annotations

from ibkr_bridge.guards.verdict import Denial, Intent, View


def read_only(_intent: Intent, view: View) -> Denial | None:
    if not view.read_only:
        return None
    return Denial(
        guard="read_only",
        detail="This service is read-only.",
        advice="Set IBKR_SERVICE_READ_ONLY=false and start it again to allow orders.",
    )
