"""No position grows beyond its limit, in shares and in money, counting every order that may still fill."""

from __future__ import annotations

from decimal import Decimal

from ibkr_bridge.domain.terms import Side
from ibkr_bridge.guards.verdict import Denial, Intent, View


def resulting(intent: Intent, view: View) -> Decimal:
    """The position if this order and every working one on its side and contract filled completely."""
    alike = (
        order
        for order in view.working
        if order.contract.conid == intent.contract.conid and order.terms.side is intent.terms.side
    )
    waiting = sum((order.remaining_qty for order in alike), Decimal(0))
    filled = intent.replaces.filled_qty if intent.replaces else Decimal(0)
    more = waiting + intent.terms.qty - filled
    return view.position + (more if intent.terms.side is Side.BUY else -more)


def position(intent: Intent, view: View) -> Denial | None:
    limit, after = view.limits.max_position, resulting(intent, view)
    if limit is None or abs(after) <= limit or abs(after) < abs(view.position):
        return None
    return Denial(
        guard="position",
        detail=f"The position in {intent.contract.symbol} could become {after}; the limit is {limit}.",
        advice="Order less, cancel what is working, or raise IBKR_SERVICE_MAX_POSITION.",
        limit=str(limit),
        value=str(after),
    )


def exposure(intent: Intent, view: View) -> Denial | None:
    """The absolute value of all positions together, after this one."""
    limit, after = view.limits.max_exposure, resulting(intent, view)
    if limit is None or abs(after) < abs(view.position):
        return None
    price = view.price_of(intent)
    if view.exposure is None or price is None or view.rate is None:
        return _denied(limit, "unknown", f"no price or rate for {intent.contract.symbol}")
    value = view.exposure + abs(after) * price.value * intent.multiplier * view.rate.value
    if value <= limit:
        return None
    return _denied(limit, f"{value:.2f}", f"exposure could become {value:.2f} {view.limits.base_currency}")


def growth(intent: Intent, view: View) -> Decimal:
    """By how much the value of this position grows, in the base currency; 0 where there is no price or rate."""
    price = view.price_of(intent)
    if price is None or view.rate is None:
        return Decimal(0)
    more = abs(resulting(intent, view)) - abs(view.position)
    return more * price.value * intent.multiplier * view.rate.value


def _denied(limit: Decimal, value: str, why: str) -> Denial:
    return Denial(
        guard="exposure",
        detail=f"The account's {why}; the limit is {limit}.",
        advice="Order less, close positions, or raise IBKR_SERVICE_MAX_EXPOSURE.",
        limit=str(limit),
        value=value,
    )
