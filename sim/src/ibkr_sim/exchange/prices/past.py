"""Prices of the time before the exchange opened: invented, the same for the same seed, and ending where it began."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

_MINUTE: Final = 60
_HOUR: Final = 60
"""Minutes."""
_QUIET, _BUSY = 100, 4
"""Lots that change hands in every minute, and lots more for each of up to 255 points that are drawn."""
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
        self._lines: dict[int, tuple[int, int, int]] = {}
        """By length of swing: the line looked at last, for who reads on reads along it. Place, start, rise."""
        self._last = self._height(origin)

    def price(self, moment: int) -> int:
        """In ticks."""
        height = (self._height(moment) - self._last) // self._divisor
        return max(self._reference + self._reference * height // _MILLION, 1)

    def volume(self, start: int, end: int) -> int:
        """Shares, in lots of a hundred; that of minutes is the sum of their own."""
        first, last = -(-start // _MINUTE), end // _MINUTE
        if first > last:
            return self._part(start, end) * 100
        lots = self._lots(first, last)
        lots += self._part(start, first * _MINUTE) if start % _MINUTE else 0
        lots += self._part(last * _MINUTE, end) if end % _MINUTE else 0
        return max(lots, 1) * 100

    def _part(self, start: int, end: int) -> int:
        """Lots in a part of one minute."""
        minute = start // _MINUTE
        return max(self._lots(minute, minute + 1) * (end - start) // _MINUTE, 1)

    def _lots(self, first: int, last: int) -> int:
        """In whole minutes, counted since 1970. One draw gives those of an hour."""
        busy = 0
        for hour in range(first // _HOUR, -(-last // _HOUR)):
            start = hour * _HOUR
            drawn = blake2b(f"{self._name}/volume/{hour}".encode(), digest_size=_HOUR).digest()
            busy += sum(drawn[max(first - start, 0) : last - start])
        return _QUIET * (last - first) + busy * _BUSY

    def _height(self, moment: int) -> int:
        height = 0
        for length, reach in SWINGS:
            place, rest = divmod(moment, length)
            line = self._lines.get(length)
            if line is None or line[0] != place:
                if not rest:  # at the line's very beginning, where its end does not matter
                    height += self._lot(length, reach, place)
                    continue
                line = self._lines[length] = self._line(length, reach, place, line)
            height += line[1] + line[2] * rest // length
        return height

    def _line(self, length: int, reach: int, place: int, left: tuple[int, int, int] | None) -> tuple[int, int, int]:
        """A straight line between two heights that were drawn by lot; often it begins where the one `left` ends."""
        goes_on = left is not None and left[0] == place - 1
        start = left[1] + left[2] if left is not None and goes_on else self._lot(length, reach, place)
        return place, start, self._lot(length, reach, place + 1) - start

    def _lot(self, length: int, reach: int, place: int) -> int:
        return self._draw(str(length), place) % (2 * reach + 1) - reach

    def _draw(self, kind: str, place: int) -> int:
        return int.from_bytes(blake2b(f"{self._name}/{kind}/{place}".encode(), digest_size=6).digest(), "big")
