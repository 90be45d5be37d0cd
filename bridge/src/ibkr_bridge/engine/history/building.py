"""Bars of five seconds made from quotes, at a door that tells none. Pure.

Quotes are joined on their way, so a high or low between two of them is not seen; what has not moved makes no bar.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from ibkr_bridge.domain.bars import Bar, What
from ibkr_bridge.domain.quote import Quote

LENGTH: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Building:
    """The bar under way, and the day's volume as it stood when it began."""

    what: What
    bar: Bar | None = None
    volume: Decimal | None = None
    """The day's, as last told."""


def taken(building: Building, quote: Quote) -> tuple[Building, Bar | None]:
    """After one more quote: the bar that goes on or begins, and the one that it ended."""
    price, at = _price(building.what, quote), quote.updated_at
    if price is None or at is None:
        return building, None
    start = begun(at)
    traded = _traded(building, quote)
    standing = replace(building, volume=quote.volume if quote.volume is not None else building.volume)
    bar = building.bar
    if bar is not None and start <= bar.time:
        grown = replace(
            bar, high=max(bar.high, price), low=min(bar.low, price), close=price, volume=_sum(bar.volume, traded)
        )
        return replace(standing, bar=grown), None
    return replace(standing, bar=Bar(start, price, price, price, price, volume=traded)), bar


def ended(building: Building, now: datetime) -> tuple[Building, Bar | None]:
    """The bar under way, if its time is over."""
    bar = building.bar
    if bar is None or bar.time + LENGTH > now:
        return building, None
    return replace(building, bar=None), bar


def begun(at: datetime) -> datetime:
    """When the five seconds of a moment began."""
    seconds = int(LENGTH.total_seconds())
    return datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, UTC)


def _price(what: What, quote: Quote) -> Decimal | None:
    match what:
        case What.BID:
            return quote.bid
        case What.ASK:
            return quote.ask
        case What.MIDPOINT:
            return None if quote.bid is None or quote.ask is None else (quote.bid + quote.ask) / 2
        case _:
            return quote.last


def _traded(building: Building, quote: Quote) -> Decimal | None:
    """Since the last quote; None where it was not told, or a new day began to count."""
    if building.what is not What.TRADES or building.volume is None or quote.volume is None:
        return None
    return quote.volume - building.volume if quote.volume >= building.volume else None


def _sum(known: Decimal | None, more: Decimal | None) -> Decimal | None:
    return more if known is None else known + (more or 0)
