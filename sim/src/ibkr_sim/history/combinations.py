"""A combination's past: IBKR keeps none of its own, it is what those of the legs add up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Protocol

from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.exchange.prices.record import Record
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.exchange.terms import ComboLeg
from ibkr_sim.history.intervals import MINUTE, Interval

_MOST_PIECES: Final = 12
"""Of one bar, between which the legs' prices are added up."""
_OTHER_SIDE: Final[Mapping[Source, Source]] = {Source.BID: Source.ASK, Source.ASK: Source.BID}


class Past(Protocol):
    """What bars are made of."""

    def bars(self, source: Source, intervals: Iterable[Interval]) -> list[Bar]: ...


@dataclass(frozen=True, slots=True)
class CombinedRecord:
    """As `Record`, of the present moment; a combination's bars count no trades."""

    legs: tuple[tuple[ComboLeg, Record], ...]

    def bars(self, source: Source, intervals: Iterable[Interval]) -> list[Bar]:
        found = (self._bar(source, span) for span in intervals)
        return [bar for bar in found if bar is not None]

    def _bar(self, source: Source, span: Interval) -> Bar | None:
        """None where a leg has none."""
        pieces, courses = _pieces(span), []
        for leg, record in self.legs:
            side = source if leg.signed_ratio > 0 else _OTHER_SIDE.get(source, source)
            course = _course(record.bars(side, pieces), pieces)
            if not course:
                return None
            courses.append([leg.signed_ratio * price for price in course])
        marks = [sum(prices, Decimal(0)) for prices in zip(*courses, strict=True)]
        first, last = marks[0], marks[-1]
        return Bar(span[0], first, max(marks), min(marks), last, Decimal(0), last, 0)


def past_of(market: Market, contract: Contract) -> Past:
    """Raises KeyError."""
    if not contract.legs:
        return market.record(contract.conid)
    return CombinedRecord(tuple((leg, market.record(leg.conid)) for leg in contract.legs))


def timed_by(market: Market, contract: Contract) -> Contract:
    """Whose hours a contract keeps: a combination those of its first leg."""
    first = market.contract(contract.legs[0].conid) if contract.legs else None
    return first or contract


def _pieces(span: Interval) -> list[Interval]:
    start, end = span
    seconds = int((end - start).total_seconds())
    count = min(max(seconds // MINUTE, 1), _MOST_PIECES)
    moments = [start + timedelta(seconds=seconds * place // count) for place in range(count)]
    return list(zip(moments, [*moments[1:], end], strict=True))


def _course(bars: Sequence[Bar], pieces: Sequence[Interval]) -> list[Decimal]:
    """Where a leg stood at first and after each piece; what did not trade stays where it was."""
    if not bars:
        return []
    closes: dict[datetime, Decimal] = {bar.start: bar.close for bar in bars}
    found = [bars[0].open]
    for start, _end in pieces:
        found.append(closes.get(start, found[-1]))
    return found
