"""Stop orders: bought when the market has risen to the stop, sold when it has fallen to it."""

from __future__ import annotations

from decimal import Decimal

from ibkr_sim.exchange.model import Side


def is_stopped(side: Side, stop: Decimal, rises_to: Decimal, falls_to: Decimal) -> bool:
    """STP, STP LMT, and TRAIL and TRAIL LIMIT at the stop that they have reached."""
    return rises_to >= stop if side is Side.BUY else falls_to <= stop
