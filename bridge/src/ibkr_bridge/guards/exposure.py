"""All positions of an account together are worth no more than the limit, whichever of its working orders fill."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ibkr_bridge.domain.order import Order
from ibkr_bridge.domain.terms import Side, Terms
from ibkr_bridge.guards.position import adds, reduces
from ibkr_bridge.guards.verdict import Denial, Fresh, Intent, View

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What an order may still fill, at its price; None: that is not known. Of one family only one order fills."""

    side: Side
    qty: Decimal
    price: Decimal | None
    family: str = ""


def waiting(order: Order, market: Decimal | None) -> Waiting:
    """Children of one order take one another back when one fills."""
    price = _price(order.terms, market)
    return Waiting(order.terms.side, order.remaining_qty, price, order.parent_id or order.id)


def worth(position: Decimal, fresh: Fresh, orders: Iterable[Waiting], market: Decimal | None) -> Decimal | None:
    """The most that one contract can come to, at the market or an order's own price: quantity x price alone.

    Either side's orders fill, and the other's do not. None where a price that counts is not known.
    """
    listed = tuple(orders)
    ends = (
        _end(position + fresh.bought, [order for order in listed if order.side is Side.BUY], 1, market),
        _end(position - fresh.sold, [order for order in listed if order.side is Side.SELL], -1, market),
    )
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None


def exposure(intent: Intent, view: View) -> Denial | None:
    limit = view.limits.max_exposure
    if limit is None or reduces(intent, view):
        return None
    if not view.told:
        return _denied(limit, "unknown", "exposure cannot be reckoned: IBKR has not told its positions yet")
    own = _own(intent, view)
    if view.exposure is None or own is None:
        symbol = intent.contract.symbol if own is None else view.unvalued
        return _denied(limit, "unknown", f"exposure cannot be reckoned: there is no price or rate for {symbol}")
    value = view.exposure + own
    if value <= limit:
        return None
    return _denied(limit, f"{value:.2f}", f"exposure could become {value:.2f} {view.limits.base_currency}")


def growth(intent: Intent, view: View) -> Decimal:
    """By how much the value of this contract grows, in the base currency; 0 where there is no price or rate."""
    after, before = _own(intent, view), _own(intent, view, adding=False)
    return ZERO if after is None or before is None else after - before


def _own(intent: Intent, view: View, *, adding: bool = True) -> Decimal | None:
    """What the intent's contract can come to, with the intent or without it, in the base currency."""
    price, market = view.price_of(intent), view.market_of(intent)
    seen = market.value if market else None
    orders = [waiting(order, seen) for order in view.working if order.contract.conid == intent.contract.conid]
    if adding:
        family = intent.replaces.parent_id or "" if intent.replaces else ""
        orders.append(Waiting(intent.terms.side, adds(intent), price.value if price else None, family))
    value = worth(view.position, view.fresh, orders, seen)
    return None if value is None or view.rate is None else value * intent.multiplier * view.rate.value


def _end(held: Decimal, orders: Iterable[Waiting], sign: int, market: Decimal | None) -> Decimal | None:
    """What a position comes to once orders of one side have filled: they may reduce it, turn it or make it grow."""
    filling = _largest(orders)
    priced = [(order.qty, abs(order.price)) for order in filling if order.price is not None]
    if len(priced) < len(filling) or (held and market is None):
        return None
    at_market = abs(market or ZERO)
    after = held + sign * sum((qty for qty, _price in priced), ZERO)
    if abs(after) <= abs(held) and after * held >= 0:
        return abs(after) * at_market
    if held * sign < 0:  # beyond zero, the other way
        return abs(after) * max(at_market, *(price for _qty, price in priced))
    return abs(held) * at_market + sum((qty * price for qty, price in priced), ZERO)


def _largest(orders: Iterable[Waiting]) -> list[Waiting]:
    """Of each family the one that asks for most."""
    families: dict[str, Waiting] = {}
    for order in orders:
        families[order.family] = max(order, families.get(order.family, order), key=lambda one: one.qty)
    return [order for order in families.values() if order.qty]


def _price(terms: Terms, market: Decimal | None) -> Decimal | None:
    """A limit to buy is the most that is paid; everything else may fill at the market, if that is higher."""
    if terms.side is Side.BUY and terms.limit is not None:
        return terms.limit
    own = terms.stop if terms.limit is None else terms.limit
    if market is None or own is None:
        return market
    return max(own, market)


def _denied(limit: Decimal, value: str, why: str) -> Denial:
    return Denial(
        guard="exposure",
        detail=f"The account's {why}; the limit is {limit}.",
        advice="Order less, close positions, or raise IBKR_SERVICE_MAX_EXPOSURE.",
        limit=str(limit),
        value=value,
    )
