"""Bars: what a contract has traded at, minute by minute, and in any longer interval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from ibkr_sim.exchange.past import Past
from ibkr_sim.exchange.timeline import Timeline

MINUTE: Final = 60
_SAMPLES: Final = 8
"""Prices of the past that are looked at for one bar."""


@dataclass(frozen=True, slots=True)
class Bar:
    """`volume` in shares; 0 for a currency pair."""

    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(slots=True)
class Minute:
    """In ticks."""

    open: int
    high: int
    low: int
    close: int
    volume: int

    def add(self, other: Minute) -> None:
        """Take in what came after it."""
        self.high, self.low = max(self.high, other.high), min(self.low, other.low)
        self.close = other.close
        self.volume += other.volume


class Minutes:
    """Counts minutes since 1970. Within a minute it looks at no clock: a step costs next to nothing."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._minutes: dict[int, Minute] = {}
        self._current = Minute(0, 0, 0, 0, 0)
        self._until = 0
        """The first step that lies in a later minute than the current one."""

    def note(self, step: int, price: int, size: int) -> None:
        if step >= self._until:
            number = self._timeline.minute_of(step)
            self._until = self._timeline.first_of_minute(number + 1)
            self._current = self._minutes[number] = Minute(price, price, price, price, size)
            return
        current = self._current
        if price > current.high:
            current.high = price
        elif price < current.low:
            current.low = price
        current.close = price
        current.volume += size

    def between(self, start: int, end: int) -> Minute | None:
        """All in one, from the minute `start` up to `end`; None when nothing happened."""
        if end - start > len(self._minutes):
            found = [row for minute, row in self._minutes.items() if start <= minute < end]
        else:
            found = [row for minute in range(start, end) if (row := self._minutes.get(minute)) is not None]
        if not found:
            return None
        whole = Minute(found[0].open, found[0].high, found[0].low, found[0].close, found[0].volume)
        for row in found[1:]:
            whole.add(row)
        return whole


def invented(past: Past, start: int, end: int, *, volume: bool) -> Minute:
    """A bar of the past, between two moments in seconds since 1970."""
    prices = [past.price(start + (end - start) * sample // _SAMPLES) for sample in range(_SAMPLES + 1)]
    return Minute(prices[0], max(prices), min(prices), prices[-1], past.volume(start, end) if volume else 0)


def bar(start: datetime, whole: Minute, tick: Decimal) -> Bar:
    opened, high, low, close = (value * tick for value in (whole.open, whole.high, whole.low, whole.close))
    return Bar(start, opened, high, low, close, Decimal(whole.volume))
