"""A contract's past: recorded from the opening on, invented before it; bars of any length and single ticks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import Final, TypeVar

from ibkr_sim.exchange.prices.bars import MINUTE, Bar, Minute, bar, invented, joined
from ibkr_sim.exchange.prices.past import Past
from ibkr_sim.exchange.prices.tape import Tape
from ibkr_sim.exchange.prices.ticks import Source, Spread, Trade
from ibkr_sim.exchange.prices.timeline import Timeline

_CORNER: Final = 20
"""Seconds in which a minute goes from one of its four prices to the next, where no more is known of it."""
_PACE: Final = 5
"""Seconds between two ticks that are not remembered one by one."""
Step = TypeVar("Step", Trade, Spread)


@dataclass(frozen=True, slots=True)
class TradeTick:
    """A size in shares."""

    time: datetime
    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True)
class SpreadTick:
    """What the quote changed to."""

    time: datetime
    bid: Decimal
    ask: Decimal
    bid_size: Decimal
    ask_size: Decimal


Tick = TypeVar("Tick", TradeTick, SpreadTick)


class Record:
    """A view of the present moment: read it and let it go."""

    def __init__(self, tape: Tape, past: Past, timeline: Timeline) -> None:
        self._tape, self._past, self._timeline = tape, past, timeline
        self._opening = _seconds(timeline.origin)
        self._trades, self._spreads = list(tape.trades.kept), list(tape.quotes.kept)

    def bars(self, source: Source, intervals: Iterable[tuple[datetime, datetime]]) -> list[Bar]:
        """One for each interval, in whole seconds, in which something happened. BID_ASK as `Quoted.between`."""
        unit = self._tape.tick if source is Source.TRADES else self._tape.tick / 2
        found = ((start, self._whole(source, _seconds(start), _seconds(end))) for start, end in intervals)
        return [bar(start, whole, unit) for start, whole in found if whole is not None]

    def trades(self, start: datetime, end: datetime, most: int, *, backwards: bool) -> list[TradeTick]:
        """Oldest first, from `start` up to `end`: the first ones, or backwards the last. A second is never cut."""
        minutes = _minutes(start, end, backwards=backwards)
        return _within((self._minute_of_trades(minute) for minute in minutes), start, end, most, backwards=backwards)

    def spreads(self, start: datetime, end: datetime, most: int, *, backwards: bool) -> list[SpreadTick]:
        """As `trades`."""
        minutes = _minutes(start, end, backwards=backwards)
        return _within((self._minute_of_spreads(minute) for minute in minutes), start, end, most, backwards=backwards)

    def _whole(self, source: Source, start: int, end: int) -> Minute | None:
        parts: list[Minute | None] = []
        if start < self._opening:
            parts.append(self._invented(source, start, min(end, self._opening)))
        if end > self._opening:
            # The minute of the opening holds nothing but what was recorded of it.
            parts += self._recorded(source, max(start, self._opening // MINUTE * MINUTE), end)
        return joined([part for part in parts if part is not None])

    def _invented(self, source: Source, start: int, end: int) -> Minute:
        trades = source is Source.TRADES
        whole = invented(self._past, start, end, volume=trades and self._tape.has_volume)
        if trades:
            return whole
        # Quotes of the past stand one tick apart, the bid where the trades are; all in half ticks.
        if source is Source.BID_ASK:
            middle = (whole.high + whole.low) // 2 * 2
            return Minute(middle, whole.high * 2 + 2, whole.low * 2, middle + 2)
        doubled = Minute(*(price * 2 for price in (whole.open, whole.high, whole.low, whole.close)))
        return doubled.shifted({Source.BID: 0, Source.MIDPOINT: 1}.get(source, 2))

    def _recorded(self, source: Source, start: int, end: int) -> list[Minute | None]:
        first, last = -(-start // MINUTE), end // MINUTE
        if first > last:
            return [self._piece(source, start, end)]
        parts = [self._piece(source, start, first * MINUTE)] if start % MINUTE else []
        parts.append(self._minutes_between(source, first, last))
        return parts + ([self._piece(source, last * MINUTE, end)] if end % MINUTE else [])

    def _minutes_between(self, source: Source, first: int, last: int) -> Minute | None:
        if source is Source.TRADES:
            return self._tape.minutes.between(first, last)
        return self._tape.quotes.between(source, first, last, self._tape.step)

    def _piece(self, source: Source, start: int, end: int) -> Minute | None:
        """A part of one minute."""
        first = self._step_from(start)
        if first < self._since(source):
            minute = start // MINUTE
            row = self._minutes_between(source, minute, minute + 1)
            return None if row is None else _part(row, start - minute * MINUTE, end - minute * MINUTE)
        last = self._step_from(end)
        if source is Source.TRADES:
            return joined([_traded(trade) for trade in _between(self._trades, first, last)])
        before = bisect_left(self._spreads, first, key=_step)
        rows = [*self._spreads[max(before - 1, 0) : before], *_between(self._spreads, first, last)]
        return _quoted(source, rows) if first <= self._tape.step else None

    def _since(self, source: Source) -> int:
        """The first step from which on nothing of this kind is missing."""
        return self._tape.trades.since if source is Source.TRADES else self._tape.quotes.since

    def _minute_of_trades(self, minute: int) -> list[TradeTick]:
        if (minute + 1) * MINUTE <= self._opening:
            size = self._past.volume(minute * MINUTE, (minute + 1) * MINUTE) * _PACE // MINUTE // 100 * 100
            size = max(size, 100) if self._tape.has_volume else 0
            moments = range(minute * MINUTE, (minute + 1) * MINUTE, _PACE)
            return [self._trade_tick(_moment(at), self._past.price(at), size) for at in moments]
        if self._timeline.first_of_minute(minute) >= self._since(Source.TRADES):
            return [
                self._trade_tick(self._timeline.time_of(step), price, size)
                for step, price, size in self._in_minute(self._trades, minute)
            ]
        row = self._tape.minutes.of(minute)
        size = 0 if row is None else row.volume * _PACE // MINUTE
        told = size or not self._tape.has_volume
        return [self._trade_tick(time, price, size) for time, price in _course(row, minute)] if told else []

    def _minute_of_spreads(self, minute: int) -> list[SpreadTick]:
        if (minute + 1) * MINUTE <= self._opening:
            moments = range(minute * MINUTE, (minute + 1) * MINUTE, _PACE)
            return [self._invented_spread(_moment(at), self._past.price(at)) for at in moments]
        if self._timeline.first_of_minute(minute) >= self._since(Source.BID):
            return [
                self._spread_tick(self._timeline.time_of(step), *quote)
                for step, *quote in self._in_minute(self._spreads, minute)
            ]
        row = self._tape.quotes.between(Source.BID, minute, minute + 1, self._tape.step)
        return [self._invented_spread(time, price // 2) for time, price in _course(row, minute)]

    def _in_minute(self, rows: Sequence[Step], minute: int) -> Sequence[Step]:
        first, last = (self._timeline.first_of_minute(number) for number in (minute, minute + 1))
        return _between(rows, first, last)

    def _trade_tick(self, time: datetime, price: int, size: int) -> TradeTick:
        return TradeTick(time, price * self._tape.tick, Decimal(size))

    def _invented_spread(self, time: datetime, bid: int) -> SpreadTick:
        size = self._tape.lot * (1 + bid % 8)
        return self._spread_tick(time, bid, bid + 1, size, size)

    def _spread_tick(self, time: datetime, bid: int, ask: int, bid_size: int, ask_size: int) -> SpreadTick:
        tick = self._tape.tick
        return SpreadTick(time, bid * tick, ask * tick, Decimal(bid_size), Decimal(ask_size))

    def _step_from(self, second: int) -> int:
        """The first step at that second or after it."""
        moment = _moment(second)
        step = self._timeline.step_at(moment)
        return step if self._timeline.time_of(step) == moment else step + 1


def _step(row: Trade | Spread) -> int:
    return row[0]


def _between(rows: Sequence[Step], first: int, last: int) -> Sequence[Step]:
    """`rows` in the order of their steps."""
    return rows[bisect_left(rows, first, key=_step) : bisect_left(rows, last, key=_step)]


def _traded(trade: Trade) -> Minute:
    _step, price, size = trade
    return Minute(price, price, price, price, size, price * size, 1)


def _quoted(source: Source, rows: Sequence[Spread]) -> Minute | None:
    """In half ticks."""
    if not rows:
        return None
    if source is Source.BID_ASK:
        bid, ask = (2 * sum(row[place] for row in rows) // len(rows) for place in (1, 2))
        return Minute(bid, 2 * max(row[2] for row in rows), 2 * min(row[1] for row in rows), ask)
    prices = [{Source.BID: 2 * bid, Source.ASK: 2 * ask}.get(source, bid + ask) for _at, bid, ask, *_sizes in rows]
    return Minute(prices[0], max(prices), min(prices), prices[-1])


def _part(row: Minute, start: int, end: int) -> Minute:
    """What a minute is taken to have done between two of its seconds."""
    corners = _corners(row)
    inside = [price for at, price in enumerate(corners) if start < at * _CORNER < end]
    prices = [_at(corners, start), *inside, _at(corners, end)]
    length, high, low = end - start, max(prices), min(prices)
    volume = row.volume * length // MINUTE
    # The minute's average may lie beyond the prices of its part.
    value = min(max(row.value * volume // max(row.volume, 1), low * volume), high * volume)
    return Minute(prices[0], high, low, prices[-1], volume, value, max(row.count * length // MINUTE, 1))


def _corners(row: Minute) -> tuple[int, int, int, int]:
    """A minute that rose went down first."""
    extremes = (row.low, row.high) if row.close >= row.open else (row.high, row.low)
    return row.open, *extremes, row.close


def _at(corners: Sequence[int], second: int) -> int:
    place = min(second // _CORNER, len(corners) - 2)
    before, after = corners[place], corners[place + 1]
    return before + (after - before) * (second - place * _CORNER) // _CORNER


def _course(row: Minute | None, minute: int) -> Iterator[tuple[datetime, int]]:
    if row is not None:
        corners = _corners(row)
        for second in range(0, MINUTE, _PACE):
            yield _moment(minute * MINUTE + second), _at(corners, second)


def _minutes(start: datetime, end: datetime, *, backwards: bool) -> Iterable[int]:
    found = range(_seconds(start) // MINUTE, -(-_seconds(end) // MINUTE) + 1)
    return reversed(found) if backwards else found


def _within(minutes: Iterator[list[Tick]], start: datetime, end: datetime, most: int, *, backwards: bool) -> list[Tick]:
    ordered = (reversed(rows) for rows in minutes) if backwards else minutes
    kept: list[Tick] = []
    for tick in chain.from_iterable(ordered):
        if not start <= tick.time < end:
            continue
        if len(kept) >= most and _seconds(tick.time) != _seconds(kept[-1].time):
            break
        kept.append(tick)
    return kept[::-1] if backwards else kept


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
