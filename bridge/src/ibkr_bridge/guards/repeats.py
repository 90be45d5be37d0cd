"""The same order twice within seconds is taken for a stuck key, not for a wish."""

from __future__ import annotations

from ibkr_bridge.guards.verdict import Denial, Intent, View


def repeats(intent: Intent, view: View) -> Denial | None:
    """A change is never a repeat."""
    seconds = view.limits.repeat_seconds
    if not seconds or intent.replaces is not None:
        return None
    for recent in view.recent:
        age = (view.now - recent.at).total_seconds()
        if age < seconds and recent.conids == intent.conids and recent.terms == intent.terms:
            return Denial(
                guard="repeats",
                detail=f"The same order was placed {age:.1f} s ago.",
                advice=f"Wait {seconds:g} s if you mean it, or set IBKR_SERVICE_REPEAT_SECONDS=0.",
                limit=f"{seconds:g}",
                value=f"{age:.1f}",
            )
    return None
