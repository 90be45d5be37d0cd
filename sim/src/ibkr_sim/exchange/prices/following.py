"""Price paths that follow another one: futures, options, indices of a fund, contracts for difference."""

from __future__ import annotations

from decimal import Decimal
from hashlib import blake2b
from math import ceil, floor
from typing import Final

from ibkr_sim.exchange.listing.derivatives.values import Value
from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.prices.bars import Minute
from ibkr_sim.exchange.prices.tape import Tape
from ibkr_sim.exchange.prices.timeline import Timeline

_MASK: Final = (1 << 64) - 1
_EXACTNESS: Final = 1e-9
"""Relative; so much a formula's bounds are widened, which the last digits of a number could break."""
_FULL: Final = (1 << 96) - 1
_MOST_MINUTES: Final = 2_880
"""How much of what it has slept through is made up for."""
_WIDTHS: Final = {"OPT": 50, "FOP": 50, "WAR": 40}
"""What part of its price a contract's spread is; the others are quoted one to three ticks wide."""
_TRADES_SELDOM: Final = ("OPT", "FOP", "WAR")


class FollowingTape(Tape):
    """Its quote depends on nothing but seed, contract, step and the path that it follows, so it may sleep and jump.

    What it has slept through it has not traded in; its minutes are those of the path that it follows.
    """

    def __init__(self, contract: Contract, base: Tape, value: Value, seed: int, timeline: Timeline) -> None:
        self._base, self._value = base, value
        self._key = int.from_bytes(blake2b(f"{seed}/{contract.conid}".encode(), digest_size=8).digest(), "big")
        self._wide = _WIDTHS.get(contract.sec_type, 0)
        self._reach = 1 << 20
        """How many steps ahead were calm when it was last looked."""
        started = value(float(base.reference * base.tick), timeline.origin)
        super().__init__(contract, _whole(started, contract.min_tick) * contract.min_tick, seed, timeline)

    def follow_as(self, contract: Contract, value: Value) -> None:
        """Go on with other terms."""
        self.contract, self._value = contract, value

    @property
    def mark(self) -> Decimal:
        """The middle, in whole ticks: its last trade may be long ago."""
        if self.is_index and self.last is not None:
            return self.last * self.tick
        return (self.bid + self.ask) // 2 * self.tick

    def advance_to(self, step: int) -> None:
        if step <= self.step:
            return
        if step > self.step + 1:
            self._jump(step - 1)
        self.next()
        self.print_pending()

    def calm_until(self, low: Decimal, high: Decimal, start: int, end: int) -> int:
        """As of any path, but no further than is certain: the bounds of a value are enough, so it sleeps on."""
        least, most = self._ticks_within(low, high)
        reach = min(2 * self._reach, end - start)
        while reach > 0:
            lowest, highest = (self._street_of(middle) for middle in self._middles(start, start + reach))
            if lowest[0] > least and highest[1] < most:
                break
            reach //= 4
        self._reach = max(reach, 1)
        return start + reach

    def _middles(self, start: int, end: int) -> tuple[int, int]:
        times = (self._timeline.time_of(step) for step in (start + 1, end))
        low, high = self._value.between(*self._base.span(start, end), *times)
        least, most = low * (1 - _EXACTNESS) / self._grain, high * (1 + _EXACTNESS) / self._grain
        return max(floor(least), 1), max(ceil(most), 1)

    def _street_of(self, middle: int) -> tuple[int, int]:
        """The lowest bid and the highest ask that it can have around a middle."""
        if self._wide:
            spread = max(middle // self._wide, 1)
            bid = max(middle - spread // 2, 1)
            return bid, bid + spread
        return max(middle - 1, 1), middle + 2

    def _begin(self) -> None:
        self._move()
        self.pending = 0
        if self.is_index:
            self._record(self._middle, 0)

    def _jump(self, step: int) -> None:
        self._base.advance_to(step)
        if not self.is_untraded:
            self._copy_minutes(step)
        while step >= self._next_day:
            self.step = self._next_day
            self._turn_day()
        for passed in range(step, self.step, -1):
            drawn = self._lot_of(passed)
            if not drawn >> 55 & 3:
                self._lots = [1 + (drawn >> 57 & 7), 1 + (drawn >> 60 & 7)]
                break
        self.step = step

    def _copy_minutes(self, step: int) -> None:
        timeline = self._timeline
        last = timeline.minute_of(step)
        for number in range(max(timeline.minute_of(self.step) + 1, last - _MOST_MINUTES), last):
            row = self._base.minutes.of(number)
            if row is not None:
                self.minutes.put(number, self._mapped(row, number))

    def _mapped(self, row: Minute, number: int) -> Minute:
        first = self._timeline.first_of_minute(number)
        prices = [self._ticks(price, first) for price in (row.open, row.high, row.low, row.close)]
        volume = 0 if self.is_index else 1 + _mixed(self._key, number) % 90
        return Minute(prices[0], max(prices), min(prices), prices[3], volume, volume * prices[3], 1)

    def _ticks(self, base_ticks: int, step: int) -> int:
        price = self._value(float(base_ticks * self._base.tick), self._timeline.time_of(step))
        return _whole(price, self.tick)

    def _lot_of(self, step: int) -> int:
        drawn = _mixed(self._key, step)
        return (drawn << 32 | drawn >> 32) & _FULL

    def _move(self) -> None:
        bits = self._lot_of(self.step)
        self._base.advance_to(self.step)
        price = self._value(self._base.level, self._timeline.time_of(self.step))
        self._middle = max(round(price / self._grain), 1)
        self._spread = max(self._middle // self._wide, 1) if self._wide else 1 + (bits >> 53 & 3) // 3
        if not bits >> 55 & 3:
            self._lots = [1 + (bits >> 57 & 7), 1 + (bits >> 60 & 7)]
        self.pending = 0
        seldom = 63 if self.contract.sec_type in _TRADES_SELDOM else 3
        if self.has_volume and not bits >> 64 & seldom:
            buyer = bits >> 71 & 1
            lots = 1 + (bits >> 72 & 15) % self._lots[buyer]
            self.pending = (lots if buyer else -lots) * self.lot
        self._quote()

    def _quote(self) -> None:
        self.bid = max(self._middle - self._spread // 2, 1)
        self.ask = self.bid + self._spread
        self.bid_size = self._lots[0] * self.lot
        self.ask_size = self._lots[1] * self.lot
        if self.is_untraded:
            self.minutes.note(self.step, self.bid, 0)
            self._widen(self.bid, self.ask)

    def _turn_day(self) -> None:
        self._base.advance_to(self.step)
        super()._turn_day()
        before = self._value(float(self._base.close), self._timeline.time_of(self.step))
        self.close = _whole(before, self.tick) * self.tick


def _whole(price: float, tick: Decimal) -> int:
    return max(round(price / float(tick)), 1)


def _mixed(key: int, number: int) -> int:
    """64 bits for a place in a row, the same each time (splitmix64)."""
    mixed = (key + number * 0x9E3779B97F4A7C15) & _MASK
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _MASK
    return mixed ^ mixed >> 31
