"""Figures by which market scanners rank contracts, all of one present moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from ibkr_sim.exchange.model import Contract, Quote
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.history.intervals import DAY, Stretch, intervals
from ibkr_sim.reference.open_interest import on_underlying
from ibkr_sim.reference.option_volatility import expected

_USUAL_DAYS: Final = 5
"""Trading days before today, over which an average is taken."""
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """A contract as a scanner sees it."""

    market: Market
    contract: Contract
    quote: Quote

    def days(self) -> list[Bar]:
        """The trading days before today."""
        stretch = Stretch(DAY, sessions=_USUAL_DAYS + 1)
        spans = intervals(self.contract, stretch, self.market.now())[:-1]
        return self.market.record(self.contract.conid).bars(Source.TRADES, spans)

    def minute(self) -> Bar | None:
        """The last one of the clock, if anything was traded in it."""
        end = self.market.now().replace(microsecond=0) + timedelta(seconds=1)
        found = self.market.record(self.contract.conid).bars(Source.TRADES, [(end - _MINUTE, end)])
        return found[0] if found else None


Figure = Callable[[Seen], Decimal | None]


def price(seen: Seen) -> Decimal | None:
    return seen.quote.last


def volume(seen: Seen) -> Decimal | None:
    return seen.quote.volume


def change(seen: Seen) -> Decimal | None:
    """Since the previous close, in percent."""
    last, close = seen.quote.last, seen.quote.close
    return None if last is None or not close else (last - close) / close * 100


def gap(seen: Seen) -> Decimal | None:
    """From the previous close to the opening, in percent."""
    opened, close = seen.quote.open, seen.quote.close
    return None if opened is None or not close else (opened - close) / close * 100


def span(seen: Seen) -> Decimal | None:
    """Between the day's prices."""
    high, low = seen.quote.high, seen.quote.low
    return None if high is None or low is None else high - low


def hot_volume(seen: Seen) -> Decimal | None:
    """Today's, in those of a usual day."""
    return _ratio(seen.quote.volume, _average([bar.volume for bar in seen.days()]))


def hot_price(seen: Seen) -> Decimal | None:
    """The move since the previous close, in the distances that usual days go."""
    last, close = seen.quote.last, seen.quote.close
    return None if last is None or close is None else _ratio(abs(last - close), _usual_span(seen))


def hot_span(seen: Seen) -> Decimal | None:
    """What lies between the day's prices, in that of a usual day."""
    today = span(seen)
    return None if today is None else _ratio(today, _usual_span(seen))


def volume_rate(seen: Seen) -> Decimal | None:
    """In the last minute."""
    minute = seen.minute()
    return None if minute is None else minute.volume


def trade_rate(seen: Seen) -> Decimal | None:
    """In the last minute."""
    minute = seen.minute()
    return None if minute is None else Decimal(minute.count)


def trade_count(seen: Seen) -> Decimal | None:
    return Decimal(seen.market.day_trades(seen.contract.conid)[0])


def turnover(seen: Seen) -> Decimal | None:
    """Of the day, in the contract's currency."""
    return seen.market.day_trades(seen.contract.conid)[1]


def implied(seen: Seen) -> Decimal | None:
    """What its options expect, in percent a year."""
    value = expected(seen.market, seen.contract)
    return None if value is None else value * 100


def held(seen: Seen) -> Decimal | None:
    """Options on it that are open."""
    both = on_underlying(seen.market, seen.contract)
    return None if both is None else sum(both, Decimal(0))


def puts_by_calls(seen: Seen) -> Decimal | None:
    """Of the options on it that are open."""
    both = on_underlying(seen.market, seen.contract)
    return None if both is None else _ratio(both[1], both[0])


def _usual_span(seen: Seen) -> Decimal:
    return _average([bar.high - bar.low for bar in seen.days()])


def _average(values: list[Decimal]) -> Decimal:
    return sum(values, Decimal(0)) / max(len(values), 1)


def _ratio(value: Decimal, usual: Decimal) -> Decimal | None:
    return value / usual if usual else None
