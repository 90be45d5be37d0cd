"""One contract's seeded price path: the street's quote, its trades, the day's figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from math import isqrt
from random import Random
from types import MappingProxyType
from typing import Final

from ibkr_sim.exchange.model import Contract, Side
from ibkr_sim.exchange.prices.bars import Minutes
from ibkr_sim.exchange.prices.ticks import Quotes, Trades
from ibkr_sim.exchange.prices.timeline import Timeline

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
        path = Random(f"{seed}/{contract.conid}")  # noqa: S311  a path to repeat, not a secret
        self._bits: Callable[[], int] = partial(path.getrandbits, 96)
        self._timeline = timeline
        self._next_day = timeline.next_day(0)
        self._reference = self._middle = int(reference / self.tick)
        self._grain = float(self.tick)
        self._set_pace()
        self._pull = CURRENCY_PULL if contract.sec_type == "CASH" else STOCK_PULL
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
        self._begin()

    def _set_pace(self) -> None:
        """How far a step goes, and how often one is made."""
        variance = VARIANCES.get(self.contract.sec_type, STOCK_VARIANCE) * self._reference**2
        self._stride = 1 + isqrt(int(2 * variance))
        self._move_chance = int(variance / self._stride**2 * 65536)

    def _begin(self) -> None:
        self._record(self.ask, self.lot)

    def shift(self, amount: Decimal) -> None:
        """Go on below where it was: a dividend has been paid."""
        ticks = int(amount / self.tick)
        self._reference, self._middle = max(self._reference - ticks, 3), self._middle - ticks
        self.close = max(self.close - ticks * self.tick, self.tick)
        self._resume()

    def divide(self, ratio: Decimal) -> None:
        """Go on at a fraction of where it was: the shares have been split."""
        self._reference, self._middle = max(int(self._reference / ratio), 3), int(self._middle / ratio)
        self.close = max(int(self.close / ratio / self.tick), 1) * self.tick
        if self.last is not None:
            self.last = max(int(self.last / ratio), 1)
        self.open = self.high = self.low = None
        self._set_pace()
        self._resume()

    @property
    def standing(self) -> list[int]:
        """Where it is, where it is drawn to, and yesterday's close; in ticks."""
        return [self._middle, self._reference, int(self.close / self.tick)]

    def stand(self, middle: int, reference: int, close: int) -> None:
        """Go on from where an earlier path stood."""
        self._middle, self._reference, self.close = middle, reference, close * self.tick
        self._set_pace()
        self._resume()
        self.open = self.high = self.low = None
        self._begin()

    def _resume(self) -> None:
        self._quote()
        self._note_quote()

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
            self.next()
            self.print_pending()

    def next(self) -> bool:
        """One step; True if the quote changed. A trade of the street is left in `pending`."""
        self.step += 1
        if self.step == self._next_day:
            self._turn_day()
        before = (self.bid, self.ask, self.bid_size, self.ask_size)
        self._draw(self._bits())
        self._quote()
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

    def _draw(self, bits: int) -> None:
        moved = bits & 0xFFFF
        if moved < self._move_chance:
            self._middle += self._stride if bits >> 16 & 1 else -self._stride
        distance = self._middle - self._reference
        if bits >> 17 & 0xFFFFFFFF < abs(distance) * self._pull:
            self._middle += -1 if distance > 0 else 1
        if not bits >> 49 & 15:
            self._spread = 1 + (bits >> 53 & 3) % 3
        if not bits >> 55 & 3:
            self._lots = [1 + (bits >> 57 & 7), 1 + (bits >> 60 & 7)]
        self.pending = 0
        if not (bits >> 63 & 3 or self.is_untraded or self.is_index):
            buyer = bits >> 65 & 1
            lots = 1 + (bits >> 66 & 15) % self._lots[buyer]
            self.pending = (lots if buyer else -lots) * self.lot

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

    def _widen(self, low: int, high: int) -> None:
        if self.high is None or self.low is None:
            self.open, self.high, self.low = low, high, low
            return
        self.high = max(self.high, high)
        self.low = min(self.low, low)

    def _turn_day(self) -> None:
        self.close = (self.bid + self.ask) // 2 * self.tick if self.last is None else self.last * self.tick
        self.open = self.high = self.low = None
        self.volume = self.turnover = self.trade_count = 0
        self._next_day = self._timeline.next_day(self.step)
