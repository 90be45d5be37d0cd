"""Prices of the time before the exchange opened: invented, the same for the same seed, and ending where it began."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

_MINUTE: Final = 60
_DAY: Final = 24 * 60 * _MINUTE
SWINGS: Final = (
    (1400 * _DAY, 240_000),
    (365 * _DAY, 120_000),
    (90 * _DAY, 58_000),
    (21 * _DAY, 29_000),
    (5 * _DAY, 15_000),
    (_DAY, 7_500),
    (240 * _MINUTE, 3_000),
    (60 * _MINUTE, 1_500),
    (15 * _MINUTE, 750),
    (4 * _MINUTE, 400),
    (_MINUTE, 200),
)
"""Lengths in seconds, and how far each carries the price at most, in millionths."""
_CALM: Final = 4
"""By how much less currencies move than stocks."""
_MILLION: Final = 1_000_000


class Past:
    """Whole numbers throughout, so that a seed gives the same past on every machine. Times are seconds since 1970."""

    def __init__(self, name: str, reference: int, origin: int, *, calm: bool) -> None:
        """`reference` is the price in ticks at the `origin`, where the past ends."""
        self._name, self._reference, self._origin = name, reference, origin
        self._divisor = _CALM if calm else 1
        self._last = self._height(origin)

    def price(self, moment: int) -> int:
        """In ticks."""
        height = (self._height(moment) - self._last) // self._divisor
        return max(self._reference + self._reference * height // _MILLION, 1)

    def volume(self, start: int, end: int) -> int:
        """Shares, in lots of a hundred."""
        busy = self._draw("volume", start // _MINUTE) % 900 + 100
        return max((end - start) * busy // _MINUTE, 1) * 100

    def _height(self, moment: int) -> int:
        return sum(self._swing(length, reach, moment) for length, reach in SWINGS)

    def _swing(self, length: int, reach: int, moment: int) -> int:
        """On a straight line between two heights that were drawn by lot."""
        place, rest = divmod(moment, length)
        before, after = (self._draw(str(length), place + step) % (2 * reach + 1) - reach for step in (0, 1))
        return before + (after - before) * rest // length

    def _draw(self, kind: str, place: int) -> int:
        return int.from_bytes(blake2b(f"{self._name}/{kind}/{place}".encode(), digest_size=6).digest(), "big")
