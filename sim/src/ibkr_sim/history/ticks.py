"""Single ticks of the past, over trading days, from a moment on or back from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from ibkr_sim.exchange.listing.hours import Days
from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.prices.record import Record, SpreadTick, TradeTick
from ibkr_sim.history.intervals import Interval, bounds, trading_days

_MOST_DAYS: Final = 5
"""Trading days that are looked through for one request."""


@dataclass(frozen=True, slots=True)
class Window:
    """`most` ticks from `anchor` on if `forward`, else before it; none after `now`."""

    anchor: datetime
    forward: bool
    most: int
    now: datetime
    outside_rth: bool
    calendar: Days


def trades(contract: Contract, record: Record, window: Window) -> list[TradeTick]:
    """Oldest first; the last second is told whole."""
    found: list[TradeTick] = []
    for start, end in _spans(contract, window):
        rest = window.most - len(found)
        if rest <= 0:
            break
        part = record.trades(start, end, rest, backwards=not window.forward)
        found = [*found, *part] if window.forward else [*part, *found]
    return found


def spreads(contract: Contract, record: Record, window: Window) -> list[SpreadTick]:
    """As `trades`."""
    found: list[SpreadTick] = []
    for start, end in _spans(contract, window):
        rest = window.most - len(found)
        if rest <= 0:
            break
        part = record.spreads(start, end, rest, backwards=not window.forward)
        found = [*found, *part] if window.forward else [*part, *found]
    return found


def _spans(contract: Contract, window: Window) -> Iterator[Interval]:
    anchor = window.anchor
    days = trading_days(contract, anchor, window.calendar, forward=window.forward, outside_rth=window.outside_rth)
    for session in islice(days, _MOST_DAYS):
        opens, closes = bounds(session, outside_rth=window.outside_rth)
        start, end = (max(opens, anchor), closes) if window.forward else (opens, min(closes, anchor))
        # What happens at this very moment has happened.
        end = min(end, window.now + timedelta(microseconds=1))
        if start < end:
            yield start, end
