"""If-touched orders: bought when the market has fallen to the trigger, sold when it has risen to it."""

from __future__ import annotations

from decimal import Decimal

from ibkr_sim.exchange.model import Side


def is_touched(side: Side, trigger: Decimal, rises_to: Decimal, falls_to: Decimal) -> bool:
    """MIT and LIT. Where the market is a quote, the price must be there at which the order would trade."""
    return rises_to <= trigger if side is Side.BUY else falls_to >= trigger
