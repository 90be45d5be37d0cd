"""A price path that was recorded: it goes where the recording went, and stays where that ends."""

from __future__ import annotations

from decimal import Decimal
from math import inf

from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.prices.recording import MILLION, NOTHING, Recording
from ibkr_sim.exchange.prices.tape import Tape
from ibkr_sim.exchange.prices.timeline import Timeline


class ReplayedTape(Tape):
    """Several rows of one step are one move; every trade of them is recorded, the last one meets clients' orders.

    Where only trades were recorded, the quote stands around them, one tick wide.
    """

    def __init__(self, contract: Contract, recording: Recording, seed: int, timeline: Timeline) -> None:
        """Raises ValueError for an empty recording."""
        self._recording, self._place = recording, 0
        if not recording.times:
            raise ValueError(f"{recording.name}: nothing was recorded")
        first = recording.prices[0] if recording.prices[0] != NOTHING else recording.bids[0]
        super().__init__(contract, Decimal(first) / MILLION, seed, timeline)
        self._standing = (self.bid, self.ask, self.bid_size, self.ask_size)

    def _begin(self) -> None:
        """Nothing has traded yet."""

    def advance_to(self, step: int) -> None:
        while self.step < step:
            self.next()
            self.print_pending()

    def span(self, start: int, end: int) -> tuple[float, float]:
        """What was recorded may be anywhere."""
        del start, end
        return 0.0, inf

    def calm_until(self, low: Decimal, high: Decimal, start: int, end: int) -> int:
        """Step by step."""
        del low, high, end
        return start

    def _move(self) -> None:
        self.pending = 0
        times, end = self._recording.times, self._timeline.microsecond_of(self.step)
        while self._place < len(times) and times[self._place] <= end:
            self.print_pending()
            self._follow(self._place)
            self._place += 1
        self._quote()

    def _follow(self, place: int) -> None:
        row = self._recording
        if row.prices[place] == NOTHING:
            bid, ask = self._ticks(row.bids[place]), self._ticks(row.asks[place])
            sizes = (row.bid_sizes[place], row.ask_sizes[place])
            bid_size, ask_size = (self.lot * 4 if size == NOTHING else max(size, 1) for size in sizes)
            self._standing = (bid, max(ask, bid + 1), bid_size, ask_size)
        else:
            self._trade(self._ticks(row.prices[place]), row.sizes[place])
        self.bid, self.ask, self.bid_size, self.ask_size = self._standing
        self._middle = (self.bid + self.ask) // 2

    def _trade(self, ticks: int, size: int) -> None:
        """At a side of the quote, which moves if the trade lies outside; one between the sides is over already."""
        bid, ask, bid_size, ask_size = self._standing
        if bid < ticks < ask:
            self._record(ticks, size)
            return
        rising = ticks >= ask
        if ticks > ask:
            self._standing = (ticks - 1, ticks, bid_size, ask_size)
        elif ticks < bid:
            self._standing = (ticks, ticks + 1, bid_size, ask_size)
        self.pending = size if rising else -size

    def _quote(self) -> None:
        if not hasattr(self, "_standing"):
            super()._quote()
            return
        self.bid, self.ask, self.bid_size, self.ask_size = self._standing
        if self.is_untraded:
            self.minutes.note(self.step, self.bid, 0)
            self._widen(self.bid, self.ask)

    def _ticks(self, millionths: int) -> int:
        return max(round(Decimal(millionths) / MILLION / self.tick), 2)
