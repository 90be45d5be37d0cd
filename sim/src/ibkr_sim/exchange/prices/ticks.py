"""What a price path has done of late, tick by tick, and its quotes minute by minute."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from operator import add, itemgetter
from typing import Final

from ibkr_sim.exchange.prices.bars import Minute, divided
from ibkr_sim.exchange.prices.timeline import Timeline

KEPT: Final = 4_000
"""Trades, and changes of the quote, that are remembered one by one: about an hour of each."""


class Source(StrEnum):
    """Which prices bars are made of."""

    TRADES = "TRADES"
    BID = "BID"
    ASK = "ASK"
    MIDPOINT = "MIDPOINT"
    BID_ASK = "BID_ASK"


# A path notes its ticks in every step, and most of them are never read. So noting does next to nothing: plain tuples,
# which cost a third of named ones, and minutes that are counted when somebody asks.
Trade = tuple[int, int, int]
"""Step, price in ticks, size."""
Spread = tuple[int, int, int, int, int]
"""Step, bid and ask in ticks, their sizes."""


class Trades:
    """The last ones, oldest first."""

    def __init__(self) -> None:
        self.kept: deque[Trade] = deque(maxlen=KEPT)

    def note(self, step: int, price: int, size: int) -> None:
        self.kept.append((step, price, size))

    def divide(self, ratio: Decimal) -> None:
        rows = [(step, divided(price, ratio), int(size * ratio)) for step, price, size in self.kept]
        self.kept.clear()
        self.kept.extend(rows)

    @property
    def since(self) -> int:
        """The first step from which on none is missing."""
        return self.kept[0][0] + 1 if len(self.kept) == KEPT else 0


class _Row:
    """A minute's quotes. Prices in ticks; the middle in half ticks."""

    __slots__ = ("ask", "bid", "middle", "sums")

    def __init__(self, bid: int, ask: int) -> None:
        self.bid, self.ask = Minute(bid, bid, bid, bid), Minute(ask, ask, ask, ask)
        middle = bid + ask
        self.middle = Minute(middle, middle, middle, middle)
        self.sums = [bid, ask, 1]

    def add(self, _steps: Sequence[int], bids: Sequence[int], asks: Sequence[int], *_sizes: Sequence[int]) -> None:
        """Columns of what has changed."""
        for minute, prices in (
            (self.bid, bids),
            (self.ask, asks),
            (self.middle, list(map(add, bids, asks))),
        ):
            minute.high, minute.low = max(minute.high, *prices), min(minute.low, *prices)
            minute.close = prices[-1]
        for place, value in enumerate((sum(bids), sum(asks), len(bids))):
            self.sums[place] += value

    def divide(self, ratio: Decimal) -> None:
        for minute in (self.bid, self.ask, self.middle):
            minute.divide(ratio)
        self.sums = [int(self.sums[0] / ratio), int(self.sums[1] / ratio), self.sums[2]]


class Quotes:
    """The last changes of a quote, oldest first; before them its minutes, counted since 1970."""

    def __init__(self, timeline: Timeline) -> None:
        self.kept: list[Spread] = []
        self._timeline = timeline
        self._folded = 0
        """How many of those kept have been added to their minutes."""
        self._trimmed = False
        self._rows: dict[int, _Row] = {}
        self._number, self._until = -1, 0
        self._bid = self._ask = 0

    def note(self, step: int, bid: int, ask: int, bid_size: int, ask_size: int) -> None:
        self.kept.append((step, bid, ask, bid_size, ask_size))
        if len(self.kept) == 2 * KEPT:
            self._fold(step)
            del self.kept[:KEPT]
            self._folded, self._trimmed = KEPT, True

    def extend(self, changes: Sequence[Spread]) -> None:
        """As `note` for each; all of one minute."""
        self.kept.extend(changes)
        if len(self.kept) >= 2 * KEPT:
            self._fold(self.kept[-1][0])
            del self.kept[:KEPT]
            self._folded, self._trimmed = len(self.kept), True

    def divide(self, ratio: Decimal) -> None:
        """Told as if there had been so many shares for one."""
        if self.kept:
            self._fold(self.kept[-1][0])
        self.kept = [
            (step, divided(bid, ratio), divided(ask, ratio), int(bid_size * ratio), int(ask_size * ratio))
            for step, bid, ask, bid_size, ask_size in self.kept
        ]
        self._bid, self._ask = divided(self._bid, ratio), divided(self._ask, ratio)
        for row in self._rows.values():
            row.divide(ratio)

    @property
    def since(self) -> int:
        """The first step from which on no change is missing."""
        return self.kept[0][0] if self._trimmed else 0

    def between(self, source: Source, start: int, end: int, step: int) -> Minute | None:
        """From the minute `start` up to `end` in half ticks; `step` is the present one. None when nothing was quoted.

        For BID_ASK the average bid, the highest ask, the lowest bid and the average ask.
        """
        self._fold(step)
        found = [row for minute in self._numbers(start, end) if (row := self._rows.get(minute)) is not None]
        if not found:
            return None
        if source is Source.BID_ASK:
            count = sum(row.sums[2] for row in found)
            bid, ask = (2 * sum(row.sums[place] for row in found) // count for place in (0, 1))
            return Minute(bid, 2 * max(row.ask.high for row in found), 2 * min(row.bid.low for row in found), ask)
        rows = [_chosen(row, source) for row in found]
        factor = 1 if source is Source.MIDPOINT else 2
        high, low = max(row.high for row in rows), min(row.low for row in rows)
        return Minute(rows[0].open * factor, high * factor, low * factor, rows[-1].close * factor)

    def _numbers(self, start: int, end: int) -> range:
        """Those of the range that can have a row."""
        first = self._number - len(self._rows) + 1
        return range(max(start, first), min(end, self._number + 1))

    def _fold(self, step: int) -> None:
        """Add what has been noted to its minutes, and begin every minute up to that of `step`."""
        place = self._folded
        while place < len(self.kept):
            at, bid, ask, _bid_size, _ask_size = self.kept[place]
            if at >= self._until:
                self._begin(at, bid, ask)
            end = bisect_left(self.kept, self._until, place, key=itemgetter(0))
            part = self.kept[place:end]
            self._rows[self._number].add(*zip(*part, strict=True))
            self._bid, self._ask, place = part[-1][1], part[-1][2], end
        self._folded = len(self.kept)
        if self._rows and step >= self._until:
            self._begin(step, self._bid, self._ask)

    def _begin(self, step: int, bid: int, ask: int) -> None:
        """The minute of `step`, and those passed over. They open with the quote that stands, or with its change."""
        number = self._timeline.minute_of(step)
        for passed in range(self._number + 1 if self._rows else number, number + 1):
            self._rows[passed] = _Row(self._bid, self._ask)
        if step == self._timeline.first_of_minute(number) or len(self._rows) == 1:
            self._rows[number] = _Row(bid, ask)
        self._number, self._until = number, self._timeline.first_of_minute(number + 1)


def _chosen(row: _Row, source: Source) -> Minute:
    return {Source.BID: row.bid, Source.ASK: row.ask}.get(source, row.middle)
