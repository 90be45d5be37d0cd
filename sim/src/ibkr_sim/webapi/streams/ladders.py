"""The rungs of a price ladder: which prices it shows, highest first, and what stands on each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from ibkr_sim.exchange.model import Contract, Quote
from ibkr_sim.exchange.trading.depth import Depth, Level
from ibkr_sim.webapi.numbers import price, quantity

LEVELS: Final = 10
"""Of either side that are shown."""
_REACH: Final = 20
"""Ticks beyond the best price on either side, so that the market may move before every row changes."""
Row = dict[str, Any]


class Ladder:
    """Its rungs stay where they are until a price leaves them; there are never fewer than there were."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._rungs: Sequence[Decimal] = ()

    def rows(self, depth: Depth, quote: Quote) -> list[Row]:
        """`focus` is 1 in the row of the last trade, which names its size too."""
        shown = {level.price for level in (*depth.bids, *depth.asks)}
        if quote.last is not None and shown:
            shown.add(quote.last)
        if not shown.issubset(self._rungs):
            self._rungs = self._placed(depth, shown)
        bids, asks = _sizes(depth.bids), _sizes(depth.asks)
        return [self._row(number, rung, quote, bids, asks) for number, rung in enumerate(self._rungs)]

    def _row(
        self, number: int, rung: Decimal, quote: Quote, bids: dict[Decimal, Decimal], asks: dict[Decimal, Decimal]
    ) -> Row:
        text = price(rung, self._contract)
        traded = rung == quote.last
        return {
            "row": number,
            "focus": int(traded),
            "price": f"{quantity(quote.last_size)} @ {text}" if traded and quote.last_size is not None else text,
            **({"bid": quantity(bids[rung])} if rung in bids else {}),
            **({"ask": quantity(asks[rung])} if rung in asks else {}),
        }

    def _placed(self, depth: Depth, shown: set[Decimal]) -> list[Decimal]:
        tick = self._contract.min_tick
        best = [side[0].price + tick * sign * step for side, sign in _sides(depth) if side for step in range(_REACH)]
        rungs = sorted((rung for rung in {*shown, *best} if rung > 0), reverse=True)
        while len(rungs) < len(self._rungs):
            # Near nothing there is no room below.
            rungs = [*rungs, rungs[-1] - tick] if rungs[-1] > tick else [rungs[0] + tick, *rungs]
        return rungs


def changed(before: Sequence[Row], now: Sequence[Row]) -> list[Row]:
    """Rows that are new or differ."""
    return [row for place, row in enumerate(now) if place >= len(before) or before[place] != row]


def _sides(depth: Depth) -> Iterable[tuple[Sequence[Level], int]]:
    return (depth.bids, -1), (depth.asks, 1)


def _sizes(levels: Sequence[Level]) -> dict[Decimal, Decimal]:
    """By price, wherever a size lies."""
    found: dict[Decimal, Decimal] = {}
    for level in levels:
        found[level.price] = found.get(level.price, Decimal(0)) + level.size
    return found
