"""Which symbols may be traded: all, a list, or all but a list."""

from __future__ import annotations

from ibkr_bridge.guards.verdict import Denial, Intent, View


def symbols(intent: Intent, view: View) -> Denial | None:
    allowed, denied, symbol = view.limits.allowed_symbols, view.limits.denied_symbols, intent.contract.symbol
    if symbol not in denied and (not allowed or symbol in allowed):
        return None
    return Denial(
        guard="symbols",
        detail=f"{symbol} may not be traded here.",
        advice="Change IBKR_SERVICE_ALLOWED_SYMBOLS or IBKR_SERVICE_DENIED_SYMBOLS if it should be.",
        limit=",".join(sorted(allowed)) or f"not {','.join(sorted(denied))}",
        value=symbol,
    )
