"""Trailing stops: a stop that follows the market while it moves in the order's favour, and never gives way."""

from __future__ import annotations

from decimal import Decimal

from ibkr_sim.exchange.model import OrderRequest, Side


def trail(request: OrderRequest, stop: Decimal | None, market: Decimal, tick: Decimal) -> Decimal:
    """Where the stop stands once the market is there; `stop` is where it stood, None before the first look."""
    here = _rounded(market - _distance(request, market), tick)
    if stop is None:
        return here if request.trail_stop is None else request.trail_stop
    return min(stop, here) if request.side is Side.BUY else max(stop, here)


def trailing_limit(request: OrderRequest, stop: Decimal, first_stop: Decimal) -> Decimal:
    """Of a TRAIL LIMIT order: as far behind its stop as it was at first, or as its offset says."""
    if request.limit_offset is not None:
        offset = request.limit_offset
    else:
        offset = abs(first_stop - (first_stop if request.limit_price is None else request.limit_price))
    return stop + offset if request.side is Side.BUY else stop - offset


def _distance(request: OrderRequest, market: Decimal) -> Decimal:
    """Above 0 for a sale, whose stop lies below the market."""
    if request.trailing_percent is not None:
        amount = market * request.trailing_percent / 100
    else:
        amount = request.stop_price or Decimal(0)
    return -amount if request.side is Side.BUY else amount


def _rounded(price: Decimal, tick: Decimal) -> Decimal:
    return (price / tick).to_integral_value() * tick
