"""Bars: what a contract has traded and been quoted at, minute by minute, and in any longer interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from ibkr_sim.exchange.prices.past import Past
from ibkr_sim.exchange.prices.timeline import Timeline

MINUTE: Final = 60
_MOST_SAMPLES: Final = 60
"""Prices of the past that are looked at for one bar. Within a minute the past runs straight: bars of up to an hour
reach exactly as far as their minutes do."""
_USUAL_TRADE: Final = 300
"""Shares in a trade of the past, on average."""


@dataclass(frozen=True, slots=True)
class Bar:
    """`volume` in shares; 0 for a currency pair. `average` is weighted by volume; `count` is that of trades."""

    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    average: Decimal
    count: int


@dataclass(slots=True)
class Minute:
    """In ticks; `value` in ticks times shares."""

    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    value: int = 0
    count: int = 0

    def add(self, other: Minute) -> None:
        """Take in what came after it."""
        self.high, self.low = max(self.high, other.high), min(self.low, other.low)
        self.close = other.close
        self.volume += other.volume
        self.value += other.value
        self.count += other.count

    def divide(self, ratio: Decimal) -> None:
        """Tell it as if there had been so many shares for one."""
        self.open, self.high, self.low, self.close = (
            divided(ticks, ratio) for ticks in (self.open, self.high, self.low, self.close)
        )
        self.volume = int(self.volume * ratio)

    def shifted(self, ticks: int) -> Minute:
        """The same moves, at another height, with nothing traded."""
        return Minute(self.open + ticks, self.high + ticks, self.low + ticks, self.close + ticks)


class Minutes:
    """Counts minutes since 1970. Within a minute it looks at no clock: a step costs next to nothing."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._minutes: dict[int, Minute] = {}
        self._current = Minute(0, 0, 0, 0)
        self._until = 0
        """The first step that lies in a later minute than the current one."""

    def note(self, step: int, price: int, size: int) -> None:
        if step >= self._until:
            number = self._timeline.minute_of(step)
            self._until = self._timeline.first_of_minute(number + 1)
            self._current = self._minutes[number] = Minute(price, price, price, price, size, price * size, 1)
            return
        current = self._current
        if price > current.high:
            current.high = price
        elif price < current.low:
            current.low = price
        current.close = price
        current.volume += size
        current.value += price * size
        current.count += 1

    def extend(self, trades: Sequence[tuple[int, int, int]]) -> None:
        """As `note` for each step, price and size; all of one minute, and at least one."""
        self.note(*trades[0])
        if len(trades) == 1:
            return
        current, prices = self._current, [price for _step, price, _size in trades[1:]]
        current.high, current.low = max(current.high, *prices), min(current.low, *prices)
        current.close = prices[-1]
        current.volume += sum(size for _step, _price, size in trades[1:])
        current.value += sum(price * size for _step, price, size in trades[1:])
        current.count += len(prices)

    def pass_through(self, step: int, prices: Sequence[int], count: int) -> None:
        """As `note` of so many steps, the first of which is `step`, with nothing traded; all of one minute."""
        self.note(step, prices[0], 0)
        current = self._current
        current.high, current.low = max(current.high, *prices), min(current.low, *prices)
        current.close = prices[-1]
        current.count += count - 1

    def divide(self, ratio: Decimal) -> None:
        for row in self._minutes.values():
            row.divide(ratio)

    def put(self, number: int, row: Minute) -> None:
        """A minute of which nothing was noted."""
        self._minutes.setdefault(number, row)

    def of(self, number: int) -> Minute | None:
        return self._minutes.get(number)

    def between(self, start: int, end: int) -> Minute | None:
        """All in one, from the minute `start` up to `end`; None when nothing happened."""
        if end - start > len(self._minutes):
            found = [row for minute, row in self._minutes.items() if start <= minute < end]
        else:
            found = [row for minute in range(start, end) if (row := self._minutes.get(minute)) is not None]
        return joined(found)


def divided(ticks: int, ratio: Decimal) -> int:
    """A price before a split, in ticks of after it."""
    return max(int(ticks / ratio), 1)


def joined(rows: Sequence[Minute]) -> Minute | None:
    """One after the other, as one."""
    if not rows:
        return None
    first = rows[0]
    whole = Minute(first.open, first.high, first.low, first.close, first.volume, first.value, first.count)
    for row in rows[1:]:
        whole.add(row)
    return whole


def invented(past: Past, start: int, end: int, *, volume: bool) -> Minute:
    """A bar of the past, between two moments in seconds since 1970."""
    samples = min(max((end - start) // MINUTE, 1), _MOST_SAMPLES)
    prices = [past.price(start + (end - start) * sample // samples) for sample in range(samples + 1)]
    shares = past.volume(start, end) if volume else 0
    value = sum(prices) * shares // len(prices)
    count = max(shares // _USUAL_TRADE, 1) if volume else 0
    return Minute(prices[0], max(prices), min(prices), prices[-1], shares, value, count)


def bar(start: datetime, whole: Minute, tick: Decimal) -> Bar:
    opened, high, low, close = (value * tick for value in (whole.open, whole.high, whole.low, whole.close))
    average = (whole.value * tick / whole.volume).quantize(tick / 10) if whole.volume else close
    return Bar(start, opened, high, low, close, Decimal(whole.volume), average, whole.count)
