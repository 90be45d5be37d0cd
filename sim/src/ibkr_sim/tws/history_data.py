"""Historical bars of a contract as a client asked for them, with their dates as TWS writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from ibkr_sim.exchange.listing.hours import local_date
from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.history.combinations import past_of, timed_by
from ibkr_sim.history.intervals import DAY, Interval, Stretch, bounds, intervals, trading_days
from ibkr_sim.history.kinds import known_until
from ibkr_sim.history.weeks import joined_bars
from ibkr_sim.reference.volatility_bars import expected_bars, realised_bars
from ibkr_sim.tws.history_rules import EXPECTED, SOURCES, VOLATILITY, Duration
from ibkr_sim.tws.times import stamp
from ibkr_sim.tws.versions import ZONED_TIMES

FIRST: Final = datetime(2005, 1, 3, tzinfo=UTC)
"""Nothing is told of the time before it."""
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
    now = known_until(query.contract, market.now())
    found = intervals(timed_by(market, query.contract), query.stretch, now, market.trading_day)
    found = [span for span in found if span[0] >= FIRST]
    return told(market, query, found)


def rows_since(market: Market, query: BarQuery, start: datetime) -> list[Row]:
    """The bars that begin at `start` and later, up to the one under way."""
    now = known_until(query.contract, market.now())
    if query.bar < DAY:
        bars = int((now - start).total_seconds()) // query.bar + 2
        stretch = Stretch(query.bar, bars=min(bars, _MOST_AT_ONCE), outside_rth=query.outside_rth)
    else:
        stretch = Stretch(query.bar, sessions=(now - start).days + 2, outside_rth=query.outside_rth)
    spans = intervals(timed_by(market, query.contract), stretch, now, market.trading_day)
    return told(market, query, [span for span in spans if span[0] >= start])


def told(market: Market, query: BarQuery, spans: Sequence[Interval]) -> list[Row]:
    if not spans:
        return []
    ends, timed = dict(spans), timed_by(market, query.contract)
    if query.what == VOLATILITY:
        bars = realised_bars(market, query.contract, spans)
    elif query.what == EXPECTED:
        prices = _bars(market, replace(query, what=Source.TRADES.value), spans)
        bars = expected_bars(market, query.contract, prices, spans)
    else:
        bars = _bars(market, query, spans)
    return [(_date(query, timed, bar.start, ends[bar.start]), bar) for bar in bars]


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
    past, source = past_of(market, query.contract), SOURCES[query.what]
    if query.bar > DAY:
        timed = timed_by(market, query.contract)
        return joined_bars(timed, past, source, spans, market.trading_day, outside_rth=query.outside_rth)
    return past.bars(source, spans)


def _date(query: BarQuery, timed: Contract, start: datetime, end: datetime) -> str:
    if query.bar >= DAY:
        # A week or month goes by the name of its last trading day.
        moment = start if query.bar == DAY else end - timedelta(seconds=1)
        return f"{local_date(timed, moment):%Y%m%d}"
    if query.format_date == _SECONDS_FORM:
        return str(int(start.timestamp()))
    return stamp(start, _zone(query), query.version)


def _zone(query: BarQuery) -> str:
    """Times that name no zone are the login's."""
    return query.contract.time_zone if query.version >= ZONED_TIMES else query.zone
