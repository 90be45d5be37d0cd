"""One contract's seeded price path: the street's quote, its trades, the day's figures."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import isqrt
from operator import itemgetter
from random import Random
from types import MappingProxyType
from typing import Final

from ibkr_sim.exchange.model import Contract, Side
from ibkr_sim.exchange.prices.bars import Minutes, divided
from ibkr_sim.exchange.prices.ticks import Quotes, Spread, Trade, Trades
from ibkr_sim.exchange.prices.timeline import Timeline
from ibkr_sim.exchange.prices.walk import PIECE, WORDS, Pace, Street, Walk

# Per step of a quarter second: the variance of the relative move (about 1.5 % a day for stocks, 0.6 % for
# currencies) and the pull towards the reference per tick of distance, in units of 2**-32.
STOCK_VARIANCE, STOCK_PULL = 6.25e-10, 6_000
CURRENCY_VARIANCE, CURRENCY_PULL = 1e-10, 24_000
VARIANCES: Final[Mapping[str, float]] = MappingProxyType(
    {"CASH": CURRENCY_VARIANCE, "BOND": CURRENCY_VARIANCE / 4, "CRYPTO": STOCK_VARIANCE * 4}
)
_LOTS: Final[Mapping[str, int]] = MappingProxyType({"STK": 100, "CASH": 100_000})
_UNTRADED: Final = ("CASH", "CMDTY", "CFD")
"""What is quoted by dealers and has no last trade: IBKR reports none."""
INDEX: Final = "IND"
_WIDEST: Final = 3
"""Ticks between bid and ask."""


class Tape:
    """A random walk in whole ticks; every step draws the same number of bits, whatever clients do.

    Whole numbers throughout, so that a seed gives the same path on every machine. The street's quote moves away by
    a tick when a level is taken, and is renewed by the next step.
    """

    def __init__(self, contract: Contract, reference: Decimal, seed: int, timeline: Timeline) -> None:
        self.contract = contract
        self.tick = contract.min_tick
        self.step = 0
        self.is_untraded = contract.sec_type in _UNTRADED
        self.is_index = contract.sec_type == INDEX
        self._path = Random(f"{seed}/{contract.conid}")  # noqa: S311  a path to repeat, not a secret
        self._spans: dict[tuple[int, int], tuple[int, int]] = {}
        """What was last asked of the steps to come."""
        self._timeline = timeline
        self._next_day = timeline.next_day(0)
        self._reference = self._middle = int(reference / self.tick)
        self._grain = float(self.tick)
        self.lot = _LOTS.get(contract.sec_type, 1)
        self._spread = 1
        self._lots = [4, 4]
        self.pending = 0
        """Size of the street's own trade in this step: above 0 a buyer lifts the ask, below a seller hits the bid."""
        self.bid = self.ask = 0
        self.bid_size = self.ask_size = 0
        self.open: int | None = None
        self.high: int | None = None
        self.low: int | None = None
        self.last: int | None = None
        self.last_size = 0
        self.close = Decimal(self._reference) * self.tick
        self.minutes = Minutes(timeline)
        self.trades = Trades()
        self.quotes = Quotes(timeline)
        self.volume = self.turnover = self.trade_count = 0
        """Of the day: shares, ticks times shares, number of trades."""
        self._quote()
        self._note_quote()
        self._set_out(None)
        self._begin()

    def _begin(self) -> None:
        self._record(self.ask, self.lot if self.has_volume else 0)

    def shift(self, amount: Decimal) -> None:
        """Go on below where it was: a dividend has been paid."""
        ticks = int(amount / self.tick)
        self._reference, self._middle = max(self._reference - ticks, 3), self._middle - ticks
        self.close = max(self.close - ticks * self.tick, self.tick)
        self._resume()

    def divide(self, ratio: Decimal) -> None:
        """Go on at a fraction of where it was: the shares have been split, and what was is told in shares of today."""
        self._reference, self._middle = max(int(self._reference / ratio), 3), int(self._middle / ratio)
        self.close = max(int(self.close / ratio / self.tick), 1) * self.tick
        self.open, self.high, self.low, self.last = (
            None if ticks is None else divided(ticks, ratio) for ticks in (self.open, self.high, self.low, self.last)
        )
        self.volume = int(self.volume * ratio)
        for past in (self.minutes, self.trades, self.quotes):
            past.divide(ratio)
        self._resume()

    @property
    def standing(self) -> list[int]:
        """Where it is, where it is drawn to, and yesterday's close; in ticks."""
        return [self._middle, self._reference, int(self.close / self.tick)]

    def stand(self, middle: int, reference: int, close: int) -> None:
        """Go on from where an earlier path stood."""
        self._middle, self._reference, self.close = middle, reference, close * self.tick
        self._resume()
        self.open = self.high = self.low = None
        self._begin()

    def _resume(self) -> None:
        self._quote()
        self._note_quote()
        self._set_out(self._walk.left())

    def _set_out(self, drawn: array[int] | None) -> None:
        """From where it stands, with the bits that were drawn already and those to come."""
        variance = VARIANCES.get(self.contract.sec_type, STOCK_VARIANCE) * self._reference**2
        stride = 1 + isqrt(int(2 * variance))
        pace = Pace(
            reference=self._reference,
            stride=stride,
            chance=int(variance / stride**2 * 65536),
            pull=CURRENCY_PULL if self.contract.sec_type == "CASH" else STOCK_PULL,
            lot=self.lot,
            trades=self.has_volume,
        )
        self._spans.clear()
        self._street: Street = (self.bid, self.ask, self.bid_size, self.ask_size)
        """What the street quotes before clients take of it."""
        self._walk = Walk(pace, self._middle, self._street, self.step, self._drawn, drawn)

    def _drawn(self) -> array[int]:
        """The bits of a piece, the same on every machine."""
        words = array("I")
        words.frombytes(self._path.randbytes(4 * WORDS * PIECE))
        if sys.byteorder == "big":
            words.byteswap()
        return words

    @property
    def has_volume(self) -> bool:
        """Whether anything changes hands that is told: of an index only where it is."""
        return not (self.is_untraded or self.is_index)

    @property
    def reference(self) -> int:
        """In ticks."""
        return self._reference

    @property
    def level(self) -> float:
        """Where the street sees the price, whatever clients have taken of its quote."""
        return self._middle * self._grain

    @property
    def bid_price(self) -> Decimal:
        return self.bid * self.tick

    @property
    def ask_price(self) -> Decimal:
        return self.ask * self.tick

    @property
    def middle(self) -> Decimal:
        return (self.bid + self.ask) * self.tick / 2

    @property
    def mark(self) -> Decimal:
        """What a position is valued at: the last trade, else the middle of the quote."""
        return self.middle if self.last is None else self.last * self.tick

    def advance_to(self, step: int) -> None:
        """Walk on alone: for contracts in which no client has an order."""
        while self.step < step:
            first = self.step + 1
            next_minute = self._timeline.first_of_minute(self._timeline.minute_of(first) + 1)
            last = min(step, self._next_day - 1, next_minute - 1)
            if last > first and (self.bid, self.ask, self.bid_size, self.ask_size) == self._street:
                self._run_to(last)
            else:
                self.next()
                self.print_pending()

    def span(self, start: int, end: int) -> tuple[float, float]:
        """How low and how high the street will see the price after the step `start`, which is now, up to `end`."""
        low, high = self._middles(start, end)
        return low * self._grain, high * self._grain

    def calm_until(self, low: Decimal, high: Decimal, start: int, end: int) -> int:
        """The last step up to `end` before one at which the bid may not be above `low`, or the ask not below `high`.

        `start` is now.
        """
        least, most = self._ticks_within(low, high)
        lowest, highest = self._middles(start, end)
        if lowest > least and highest + _WIDEST < most:
            return end
        if self._street[0] <= least or self._street[1] >= most:
            return start
        for step, bid, ask, _bid_size, _ask_size in self._walk.changes_to(end):
            if bid <= least or ask >= most:
                return step - 1
        return end

    def _middles(self, start: int, end: int) -> tuple[int, int]:
        """The lowest and the highest, in ticks: no bid is lower, and it is at most a tick above the highest."""
        found = self._spans.get((start, end))
        if found is None:
            self.advance_to(start)
            bids = list(map(itemgetter(1), self._walk.changes_to(end)))
            here = self._street[0]
            found = self._spans[start, end] = (min(here, *bids), max(here, *bids) + 1) if bids else (here, here + 1)
        return found

    def _ticks_within(self, low: Decimal, high: Decimal) -> tuple[float, float]:
        """Whole ticks, in which no price without end is counted."""
        least = (low / self.tick).to_integral_value(ROUND_FLOOR)
        most = (high / self.tick).to_integral_value(ROUND_CEILING)
        return float(least), float(most)

    def _run_to(self, end: int) -> None:
        """As step by step, within one minute of one day."""
        first, street = self.step + 1, self._street
        changes, trades = self._walk.pass_to(end)
        self.step = end
        self._spans.clear()
        if changes:
            self._stand_at(changes[-1][1:])
        self.quotes.extend(changes)
        if self.is_index:
            trades = self._figures(first, street, changes)
        elif self.is_untraded:
            streets = [row[1:] for row in changes]
            if not changes or changes[0][0] > first:
                streets.insert(0, street)
            bids = [row[0] for row in streets]
            self.minutes.pass_through(first, bids, end - first + 1)
            self._widen(min(bids), max(row[1] for row in streets), bids[0])
        self._record_all([(step, ticks, abs(size)) for step, ticks, size in trades])

    def _figures(self, first: int, street: Street, changes: list[Spread]) -> list[Trade]:
        """An index says in every step where it is."""
        found, places = [], {row[0]: row[1:] for row in changes}
        for step in range(first, self.step + 1):
            street = places.get(step, street)
            found.append((step, street[0] + (street[1] - street[0]) // 2, 0))
        return found

    def _stand_at(self, street: Street) -> None:
        self._street = street
        self.bid, self.ask, self.bid_size, self.ask_size = street
        self._spread, self._lots = self.ask - self.bid, [self.bid_size // self.lot, self.ask_size // self.lot]
        self._middle = self.bid + self._spread // 2

    def next(self) -> bool:
        """One step; True if the quote changed. A trade of the street is left in `pending`."""
        self.step += 1
        if self.step == self._next_day:
            self._turn_day()
        before = (self.bid, self.ask, self.bid_size, self.ask_size)
        self._move()
        if self.is_index:
            self._record(self._middle, 0)
        if before == (self.bid, self.ask, self.bid_size, self.ask_size):
            return False
        self.quotes.note(self.step, self.bid, self.ask, self.bid_size, self.ask_size)
        return True

    def print_pending(self) -> None:
        if self.pending:
            self._record(self.ask if self.pending > 0 else self.bid, abs(self.pending))
            self.pending = 0

    def shown(self, side: Side) -> tuple[Decimal, int]:
        """Price and size that the street shows to a client of `side`."""
        return (self.ask_price, self.ask_size) if side is Side.BUY else (self.bid_price, self.bid_size)

    def take(self, side: Side, quantity: int) -> None:
        """A client of `side` takes from the street; a level that is used up gives way to the next one."""
        if side is Side.BUY:
            self.ask_size -= quantity
            if not self.ask_size:
                self.ask, self.ask_size = self.ask + 1, self._deeper(side)
        else:
            self.bid_size -= quantity
            if not self.bid_size:
                # A price of nothing is no bid; at one tick the level refills instead of giving way.
                self.bid, self.bid_size = max(self.bid - 1, 1), self._deeper(side)
        self._note_quote()

    def levels(self, side: Side, most: int) -> list[tuple[Decimal, int]]:
        """What a client of `side` meets level by level if it takes them all at once: prices and sizes."""
        first, step, size = (self.ask, 1, self.ask_size) if side is Side.BUY else (self.bid, -1, self.bid_size)
        prices = [first + step * place for place in range(most)]
        sizes = [size, *[self._deeper(side)] * (most - 1)]
        return [(price * self.tick, amount) for price, amount in zip(prices, sizes, strict=True) if price > 0]

    def _deeper(self, side: Side) -> int:
        """The size that comes up behind a level that is used up."""
        return self._lots[0 if side is Side.BUY else 1] * self.lot

    def record(self, price: Decimal, size: int) -> None:
        """A trade that a client took part in."""
        self._record(int(price / self.tick), size)

    def _record(self, ticks: int, size: int) -> None:
        if self.is_untraded:
            return
        self.last, self.last_size = ticks, size
        self.volume += size
        self.turnover += ticks * size
        self.trade_count += 1
        self.trades.note(self.step, ticks, size)
        self.minutes.note(self.step, ticks, size)
        self._widen(ticks, ticks)

    def _record_all(self, trades: list[Trade]) -> None:
        if not trades:
            return
        _step, self.last, self.last_size = trades[-1]
        self.volume += sum(size for _step, _ticks, size in trades)
        self.turnover += sum(ticks * size for _step, ticks, size in trades)
        self.trade_count += len(trades)
        self.trades.kept.extend(trades)
        self.minutes.extend(trades)
        prices = [ticks for _step, ticks, _size in trades]
        self._widen(min(prices), max(prices), prices[0])

    def _move(self) -> None:
        """Where the street quotes in this step, and what it trades."""
        if self._spans:
            self._spans.clear()
        change, self.pending = self._walk.pass_one(self.step)
        if change is not None:
            self._stand_at(change[1:])
        else:
            self.bid, self.ask, self.bid_size, self.ask_size = self._street
        if self.is_untraded:
            self.minutes.note(self.step, self.bid, 0)
            self._widen(self.bid, self.ask)

    def _quote(self) -> None:
        self._middle = max(self._middle, 3)
        self.bid = self._middle - self._spread // 2
        self.ask = self.bid + self._spread
        self.bid_size = self._lots[0] * self.lot
        self.ask_size = self._lots[1] * self.lot
        if self.is_untraded:
            self.minutes.note(self.step, self.bid, 0)
            self._widen(self.bid, self.ask)

    def _note_quote(self) -> None:
        self.quotes.note(self.step, self.bid, self.ask, self.bid_size, self.ask_size)

    def _widen(self, low: int, high: int, opened: int | None = None) -> None:
        """`opened` is where they began, if that was not the lowest."""
        if self.high is None or self.low is None:
            self.open, self.high, self.low = low if opened is None else opened, high, low
            return
        self.high = max(self.high, high)
        self.low = min(self.low, low)

    def _turn_day(self) -> None:
        self.close = (self.bid + self.ask) // 2 * self.tick if self.last is None else self.last * self.tick
        self.open = self.high = self.low = None
        self.volume = self.turnover = self.trade_count = 0
        self._next_day = self._timeline.next_day(self.step)
