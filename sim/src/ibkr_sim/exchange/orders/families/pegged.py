"""Pegged orders: a limit that moves with the street's quote, up to a cap."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from ibkr_sim.exchange.model import OrderRequest, Side
from ibkr_sim.exchange.orders.families.kinds import KINDS, Peg


def pegged_limit(request: OrderRequest, bid: Decimal, ask: Decimal, tick: Decimal) -> Decimal:
    """MIDPRICE, PEG MID and REL; the auxiliary price is the offset, the limit price the cap."""
    buying = request.side is Side.BUY
    price = _anchor(request, bid, ask)
    rounding = ROUND_FLOOR if buying else ROUND_CEILING
    price = max((price / tick).to_integral_value(rounding) * tick, tick)
    if not request.limit_price:
        return price
    return min(price, request.limit_price) if buying else max(price, request.limit_price)


def _anchor(request: OrderRequest, bid: Decimal, ask: Decimal) -> Decimal:
    """REL betters its own side by the offset, PEG MID stays behind the middle by it."""
    sign = 1 if request.side is Side.BUY else -1
    offset, middle = request.stop_price or Decimal(0), (bid + ask) / 2
    match KINDS[request.order_type].peg:
        case Peg.SAME_SIDE:
            best = bid if request.side is Side.BUY else ask
            if request.percent_offset:
                offset = best * request.percent_offset
            return best + sign * offset
        case Peg.OFFSET_MIDDLE:
            return middle - sign * offset
        case _:
            return middle
