"""Historical bars of a contract as a client asked for them, with their dates as TWS writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from ibkr_sim.exchange.listing.hours import local_date
from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.history.intervals import DAY, Interval, Stretch, bounds, intervals, trading_days
from ibkr_sim.history.volatility import realised
from ibkr_sim.history.weeks import joined_bars
from ibkr_sim.tws.history_rules import SOURCES, VOLATILITY, Duration
from ibkr_sim.tws.times import stamp
from ibkr_sim.tws.versions import ZONED_TIMES

FIRST: Final = datetime(2005, 1, 3, tzinfo=UTC)
"""Nothing is told of the time before it."""
_VOLATILITY_DAYS: Final = 30
_SECONDS_FORM: Final = 2
_MOST_AT_ONCE: Final = 1000
"""Bars that are told of a jump of the clock."""


@dataclass(frozen=True, slots=True)
class BarQuery:
    """`bar` in seconds; `anchor` is where the bars end, None is the present; `zone` that of the login."""

    contract: Contract
    what: str
    bar: int
    duration: Duration
    outside_rth: bool
    anchor: datetime | None
    format_date: int
    zone: str
    version: int

    @property
    def traded(self) -> bool:
        """Whether the bars have a volume."""
        return SOURCES.get(self.what) is Source.TRADES

    @property
    def stretch(self) -> Stretch:
        sessions = self.duration.sessions
        bars = 0 if sessions else -(-self.duration.seconds // self.bar)
        return Stretch(self.bar, sessions, bars, outside_rth=self.outside_rth, anchor=self.anchor)


Row = tuple[str, Bar]


def rows(market: Market, query: BarQuery) -> list[Row]:
    """Oldest first."""
    found = intervals(query.contract, query.stretch, market.now(), market.trading_day)
    found = [span for span in found if span[0] >= FIRST]
    return told(market, query, found)


def rows_since(market: Market, query: BarQuery, start: datetime) -> list[Row]:
    """The bars that begin at `start` and later, up to the one under way."""
    now = market.now()
    if query.bar < DAY:
        bars = int((now - start).total_seconds()) // query.bar + 2
        stretch = Stretch(query.bar, bars=min(bars, _MOST_AT_ONCE), outside_rth=query.outside_rth)
    else:
        stretch = Stretch(query.bar, sessions=(now - start).days + 2, outside_rth=query.outside_rth)
    spans = intervals(query.contract, stretch, now, market.trading_day)
    return told(market, query, [span for span in spans if span[0] >= start])


def told(market: Market, query: BarQuery, spans: Sequence[Interval]) -> list[Row]:
    ends = dict(spans)
    bars = _volatility(market, query, spans) if query.what == VOLATILITY else _bars(market, query, spans)
    return [(_date(query, bar.start, ends[bar.start]), bar) for bar in bars]


def span_texts(query: BarQuery, now: datetime) -> tuple[str, str]:
    """Where the data that were asked for begin and end, by the calendar."""
    end = query.anchor or now
    start = end - timedelta(seconds=query.duration.seconds)
    zone = _zone(query)
    return stamp(start, zone, query.version), stamp(end, zone, query.version)


def first_moment(contract: Contract, *, outside_rth: bool) -> datetime:
    """Where a contract's data begin."""
    day = next(trading_days(contract, FIRST, forward=True, outside_rth=outside_rth))
    return bounds(day, outside_rth=outside_rth)[0]


def _bars(market: Market, query: BarQuery, spans: Sequence[Interval]) -> list[Bar]:
    record, source = market.record(query.contract.conid), SOURCES[query.what]
    if query.bar > DAY:
        return joined_bars(query.contract, record, source, spans, market.trading_day, outside_rth=query.outside_rth)
    return record.bars(source, spans)


def _volatility(market: Market, query: BarQuery, spans: Sequence[Interval]) -> list[Bar]:
    """Of the thirty trading days before the end of each interval."""
    if not spans:
        return []
    first, last = spans[0][0], spans[-1][1]
    length = Stretch(DAY, sessions=(last - first).days + _VOLATILITY_DAYS + 1, anchor=last)
    days = intervals(query.contract, length, market.now())
    closes = [(bar.start, bar.close) for bar in _bars(market, replace(query, what="TRADES", bar=DAY), days)]
    found = []
    for start, end in spans:
        known = [close for moment, close in closes if moment < end][-_VOLATILITY_DAYS - 1 :]
        value = realised(known)
        if value is not None:
            found.append(Bar(start, value, value, value, value, Decimal(0), value, 0))
    return found


def _date(query: BarQuery, start: datetime, end: datetime) -> str:
    if query.bar >= DAY:
        # A week or month goes by the name of its last trading day.
        moment = start if query.bar == DAY else end - timedelta(seconds=1)
        return f"{local_date(query.contract, moment):%Y%m%d}"
    if query.format_date == _SECONDS_FORM:
        return str(int(start.timestamp()))
    return stamp(start, _zone(query), query.version)


def _zone(query: BarQuery) -> str:
    """Times that name no zone are the login's."""
    return query.contract.time_zone if query.version >= ZONED_TIMES else query.zone
