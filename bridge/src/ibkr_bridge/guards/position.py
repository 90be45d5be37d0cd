"""No position grows beyond its limit, counting every order that may still fill."""

from __future__ import annotations

from decimal import Decimal

from ibkr_bridge.domain.terms import Side
from ibkr_bridge.guards.verdict import Denial, Intent, View


def adds(intent: Intent) -> Decimal:
    """What the order may still fill."""
    return intent.terms.qty - (intent.replaces.filled_qty if intent.replaces else Decimal(0))


def resulting(intent: Intent, view: View) -> Decimal:
    """The position if this order and every working one on its side and contract filled completely."""
    alike = (
        order
        for order in view.working
        if order.contract.conid == intent.contract.conid and order.terms.side is intent.terms.side
    )
    more = sum((order.remaining_qty for order in alike), adds(intent))
    held = view.held(intent.terms.side)
    return held + more if intent.terms.side is Side.BUY else held - more


def reduces(intent: Intent, view: View) -> bool:
    """Whether the position ends nearer to zero and on the same side, even if everything that works fills as well."""
    held, after = view.held(intent.terms.side), resulting(intent, view)
    same_side = after == 0 or (after > 0) == (held > 0)
    return view.told and held != 0 and same_side and abs(after) < abs(held)


def position(intent: Intent, view: View) -> Denial | None:
    limit, after = view.limits.max_position, resulting(intent, view)
    if limit is None:
        return None
    if not view.told:
        return Denial(
            guard="position",
            detail="IBKR has not told the positions yet.",
            advice="Try again in a moment; GET /positions shows them once they are known.",
            limit=str(limit),
        )
    if abs(after) <= limit or reduces(intent, view):
        return None
    return Denial(
        guard="position",
        detail=f"The position in {intent.contract.symbol} could become {after}; the limit is {limit}.",
        advice="Order less, cancel what is working, or raise IBKR_SERVICE_MAX_POSITION.",
        limit=str(limit),
        value=str(after),
    )
