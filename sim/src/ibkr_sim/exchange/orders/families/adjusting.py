"""Adjustable stops: a stop order that becomes another one when the market has come far enough."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from ibkr_sim.exchange.model import OrderRequest, Side


def is_adjusted(request: OrderRequest, market: Decimal) -> bool:
    """A sale's stop is adjusted when the market has risen to the trigger, a purchase's when it has fallen to it."""
    if request.adjustment is None:
        return False
    trigger = request.adjustment.trigger
    return market <= trigger if request.side is Side.BUY else market >= trigger


def adjusted(request: OrderRequest) -> OrderRequest:
    """The order that it becomes. A trailing one starts at the adjusted stop, where one is given."""
    terms = request.adjustment
    if terms is None:
        return request
    if terms.order_type in ("TRAIL", "TRAIL LIMIT"):
        return replace(
            request,
            order_type=terms.order_type,
            stop_price=None if terms.in_percent else terms.trailing,
            trailing_percent=terms.trailing if terms.in_percent else None,
            trail_stop=terms.stop,
            adjustment=None,
        )
    return replace(
        request,
        order_type=terms.order_type,
        stop_price=request.stop_price if terms.stop is None else terms.stop,
        limit_price=request.limit_price if terms.limit is None else terms.limit,
        trailing_percent=None,
        trail_stop=None,
        adjustment=None,
    )
