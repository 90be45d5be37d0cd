"""The random walk of a price: whole ticks, and the same number of bits in every step."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from ibkr_sim.exchange.prices.ticks import Spread, Trade

Street = tuple[int, int, int, int]
"""Bid and ask in ticks, their sizes."""

PIECE: Final = 256
"""How many steps are computed at once."""
WORDS: Final = 3
"""Of 32 bits, that make a step. The first: from the lowest, 16 bits whether the price moves, 1 where to, 15 of the
pull. The second: 17 of the pull, 4 and 2 the spread, 2 and 6 the sizes, 1 whether the street trades. The third: 1 of
the same, 1 who, 4 how much."""
_RISES: Final = 1 << 16
_WEAK: Final = 0xF << 13
"""The highest bits of the pull: unless they are all 0, nothing pulls that is near."""
_NEAR: Final = 1 << 28
_SPREAD: Final = 0xF << 17
_SIZES: Final = 3 << 23
_HELD: Final = 1 << 31
_LOWEST: Final = 3
_step_of: Callable[[Spread | Trade], int] = itemgetter(0)


@dataclass(frozen=True, slots=True)
class Pace:
    """`chance` of a step of `stride` ticks in 65536, `pull` towards the `reference` per tick of distance in 2**32."""

    reference: int
    stride: int
    chance: int
    pull: int
    lot: int
    trades: bool
    """Whether the street trades by itself."""


class Walk:
    """Goes ahead of whoever follows it, in pieces: what clients do does not change it.

    Tells of changes of the street's quote, and of its trades, whose size is below 0 where a seller hits the bid.
    """

    def __init__(
        self,
        pace: Pace,
        middle: int,
        street: Street,
        step: int,
        draw: Callable[[], array[int]],
        drawn: array[int] | None = None,
    ) -> None:
        """From `step` on, where it stands at `middle`; `draw` gives the bits of a piece, after those `drawn` before."""
        self._pace, self._middle, self._street = pace, middle, street
        self._until = self._passed = self._behind = step
        self._draw, self._unused = draw, drawn or array("I")
        self._words = array("I")
        """The bits of what comes after `_behind`."""
        self._changes: list[Spread] = []
        self._trades: list[Trade] = []
        self._next_change = self._next_trade = 0
        """What comes before these has been passed."""

    def reach(self, step: int) -> None:
        """Be computed up to `step` at least."""
        while self._until < step:
            self._forget()
            words = self._unused[: PIECE * WORDS] or self._draw()
            del self._unused[: len(words)]
            self._words.extend(words)
            self._go(words)

    def pass_one(self, step: int) -> tuple[Spread | None, int]:
        """Take out what happens at `step`: the change of the quote, and the size of the trade."""
        if self._until < step:
            self.reach(step)
        self._passed, change, size = step, None, 0
        place = self._next_change
        if place < len(self._changes) and self._changes[place][0] == step:
            change, self._next_change = self._changes[place], place + 1
        place = self._next_trade
        if place < len(self._trades) and self._trades[place][0] == step:
            size, self._next_trade = self._trades[place][2], place + 1
        return change, size

    def pass_to(self, step: int) -> tuple[list[Spread], list[Trade]]:
        """Take out what happens up to `step`."""
        self.reach(step)
        changed = bisect_right(self._changes, step, self._next_change, key=_step_of)
        traded = bisect_right(self._trades, step, self._next_trade, key=_step_of)
        found = self._changes[self._next_change : changed], self._trades[self._next_trade : traded]
        self._passed, self._next_change, self._next_trade = step, changed, traded
        return found

    def changes_to(self, step: int) -> list[Spread]:
        self.reach(step)
        first = self._next_change
        return self._changes[first : bisect_right(self._changes, step, first, key=_step_of)]

    def left(self) -> array[int]:
        """The bits of what has not been passed."""
        return self._words[(self._passed - self._behind) * WORDS :] + self._unused

    def _forget(self) -> None:
        del self._changes[: self._next_change], self._trades[: self._next_trade]
        del self._words[: (self._passed - self._behind) * WORDS]
        self._behind, self._next_change, self._next_trade = self._passed, 0, 0

    def _go(self, words: array[int]) -> None:
        """Millions of steps go through here: names are local, and only what happens is written down."""
        pace, middle, street, step = self._pace, self._middle, self._street, self._until
        stride, chance, lot = pace.stride, pace.chance, pace.lot
        change, trade = self._changes.append, self._trades.append
        bid, ask, weak = street[0], street[1], self._weak(middle)
        spread, bid_size, ask_size = ask - bid, street[2], street[3]
        sizes = bid_size // lot - 1 | ask_size // lot - 1 << 3
        held = 0 if pace.trades else 1
        for first, second, third in zip(words[0::WORDS], words[1::WORDS], words[2::WORDS], strict=True):
            step += 1
            stirred = False
            if first & 0xFFFF < chance:
                middle += stride if first & _RISES else -stride
                stirred = True
            if not second & weak:
                middle, weak = self._pulled(middle, first >> 17 | (second & 0x1FFFF) << 15)
                stirred = True
            if not second & _SPREAD:
                spread = 1 + (second >> 21 & 3) % 3
                stirred = True
            if not second & _SIZES and second >> 25 & 63 != sizes:
                sizes = second >> 25 & 63
                bid_size, ask_size = (1 + (sizes & 7)) * lot, (1 + (sizes >> 3)) * lot
                bid = 0  # whatever the price: the quote has changed
                stirred = True
            if stirred:
                if middle < _LOWEST:  # noqa: PLR1730  a call costs a tenth of the step
                    middle = _LOWEST
                fresh = middle - spread // 2
                if fresh != bid or ask != fresh + spread:
                    bid, ask = fresh, fresh + spread
                    change((step, bid, ask, bid_size, ask_size))
            if not (second & _HELD or third & 1 or held):
                lots = sizes >> 3 if third & 2 else sizes & 7
                size = (1 + (third >> 2 & 15) % (1 + lots)) * lot
                trade((step, ask, size) if third & 2 else (step, bid, -size))
        self._middle, self._street, self._until = middle, (bid, ask, bid_size, ask_size), step

    def _weak(self, middle: int) -> int:
        reach = _NEAR // self._pace.pull - PIECE * self._pace.stride
        return _WEAK if abs(middle - self._pace.reference) < reach else 0

    def _pulled(self, middle: int, pull: int) -> tuple[int, int]:
        """The middle, and what has to be 0 for the next pull to be looked at."""
        distance = middle - self._pace.reference
        if pull < abs(distance) * self._pace.pull:
            middle += -1 if distance > 0 else 1
        return middle, self._weak(middle)
