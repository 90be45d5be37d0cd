"""Bars of volatility: what a contract has moved, and what its options have expected it to move."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from ibkr_sim.exchange.listing.hours import local_date
from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.history.intervals import DAY, Interval, Stretch, intervals
from ibkr_sim.history.volatility import realised
from ibkr_sim.reference.option_volatility import steady

_DAYS: Final = 30
_LONG: Final = 90
"""Trading days, by whose moves those of the last thirty are measured."""
_STEADY: Final = Decimal("0.85")
"""How much of what is expected does not come from what has just happened."""
_DIGITS: Final = Decimal("0.000001")


def realised_bars(market: Market, contract: Contract, spans: Sequence[Interval]) -> list[Bar]:
    """Of the thirty trading days before the end of each interval, that of the end among them."""
    closes, found = _Closes(market, contract, spans), []
    for start, end in spans:
        value = realised(closes.before(local_date(contract, end - timedelta(seconds=1)) + timedelta(days=1)))
        if value is not None:
            found.append(Bar(start, value, value, value, value, Decimal(0), value, 0))
    return found


def expected_bars(market: Market, contract: Contract, priced: Sequence[Bar], spans: Sequence[Interval]) -> list[Bar]:
    """One for each bar of the price, `priced`, which has these spans; none for what has no options.

    A day begins at the steady volatility, more if the last thirty days moved more than the last ninety, less if they
    moved less; within it the expectation rises by as much as the price falls. Whenever it is asked for it is the same.
    """
    level = steady(market, contract)
    if level is None or not priced:
        return []
    closes, days = _Closes(market, contract, spans), {}
    found = []
    for bar in priced:
        day = local_date(contract, bar.start)
        if day not in days:
            known = closes.before(day, _LONG)
            long, lately = realised(known), realised(known[-_DAYS - 1 :])
            moved = lately / long if long and lately else 1
            days[day] = level * (_STEADY + (1 - _STEADY) * moved), known[-1] if known else bar.open
        found.append(_feared(bar, *days[day]))
    return found


class _Closes:
    """Of the trading days over some spans, and of ninety before them."""

    def __init__(self, market: Market, contract: Contract, spans: Sequence[Interval]) -> None:
        first, last = spans[0][0], spans[-1][1]
        stretch = Stretch(DAY, sessions=(last - first).days + _LONG + 2, anchor=last)
        bars = market.record(contract.conid).bars(Source.TRADES, intervals(contract, stretch, market.now()))
        self._days = [local_date(contract, bar.start) for bar in bars]
        self._closes = [bar.close for bar in bars]

    def before(self, day: date, moves: int = _DAYS) -> Sequence[Decimal]:
        """Those that so many moves lie between."""
        end = bisect_left(self._days, day)
        return self._closes[max(end - moves - 1, 0) : end]


def _feared(bar: Bar, level: Decimal, reference: Decimal) -> Bar:
    opened, high, low, close = (
        max(level * (2 - price / reference), level / 2).quantize(_DIGITS)
        for price in (bar.open, bar.low, bar.high, bar.close)
    )
    return Bar(bar.start, opened, high, low, close, Decimal(0), close, 0)
