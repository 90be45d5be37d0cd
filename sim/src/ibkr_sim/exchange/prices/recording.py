"""Prices that really were: one contract's quotes, trades and bars, as they were recorded elsewhere."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

MILLION: Final = 1_000_000
NOTHING: Final = -1
"""Where a row says nothing."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_CORNERS: Final = 3
"""Parts into which a bar's time is cut by its four prices."""


def _column() -> array[int]:
    return array("q")


@dataclass(frozen=True, slots=True)
class Recording:
    """Columns of equal length, in order of time; prices in millionths, sizes in whole units, times in microseconds."""

    name: str
    """A symbol, or a conid."""
    times: array[int] = field(default_factory=_column)
    bids: array[int] = field(default_factory=_column)
    asks: array[int] = field(default_factory=_column)
    bid_sizes: array[int] = field(default_factory=_column)
    ask_sizes: array[int] = field(default_factory=_column)
    prices: array[int] = field(default_factory=_column)
    sizes: array[int] = field(default_factory=_column)

    @property
    def begins(self) -> datetime:
        """Raises IndexError for an empty one."""
        return _EPOCH + self.times[0] * _MICROSECOND

    def quote(
        self, at: datetime, bid: Decimal, ask: Decimal, bid_size: Decimal | None, ask_size: Decimal | None
    ) -> None:
        """Raises ValueError for a quote that is none, or that comes before the last row."""
        if not 0 < bid < ask:
            raise ValueError(f"{self.name}: a bid of {bid} under an ask of {ask} is no quote")
        sizes = (NOTHING if size is None else int(size) for size in (bid_size, ask_size))
        self._add(at, int(bid * MILLION), int(ask * MILLION), *sizes, NOTHING, NOTHING)

    def trade(self, at: datetime, price: Decimal, size: Decimal) -> None:
        """Raises ValueError for a price or size that is none, or a time before the last row's."""
        if price <= 0 or size < 0:
            raise ValueError(f"{self.name}: {size} at {price} is no trade")
        self._add(at, NOTHING, NOTHING, NOTHING, NOTHING, int(price * MILLION), int(size))

    def bar(
        self, at: datetime, length: timedelta, prices: tuple[Decimal, Decimal, Decimal, Decimal], size: Decimal
    ) -> None:
        """Open, high, low and close, one after the other: the low comes first in a bar that rises.

        Raises ValueError for prices that make no bar.
        """
        opened, high, low, close = prices
        if not low <= min(opened, close) <= max(opened, close) <= high:
            raise ValueError(f"{self.name}: {opened}, {high}, {low}, {close} make no bar")
        inner = (low, high) if close >= opened else (high, low)
        for corner, price in enumerate((opened, *inner, close)):
            moment = at + length * corner / (_CORNERS + 1)
            self.trade(moment, price, size // 4 if corner else size - size // 4 * 3)

    def _add(self, at: datetime, *values: int) -> None:
        moment = (at - _EPOCH) // _MICROSECOND
        if self.times and moment < self.times[-1]:
            raise ValueError(f"{self.name}: {at.isoformat()} comes before the row above it")
        columns = (self.bids, self.asks, self.bid_sizes, self.ask_sizes, self.prices, self.sizes)
        self.times.append(moment)
        for column, value in zip(columns, values, strict=True):
            column.append(value)
