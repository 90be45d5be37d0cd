"""Historical bars: which intervals a period has, and the answer's shape (Web API: "Historical Market Data")."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ibkr_sim.exchange.bars import Bar
from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.ticks import Source
from ibkr_sim.history.intervals import DAY, MINUTE, MONTH, SESSIONS, Interval, Stretch
from ibkr_sim.history.intervals import intervals as past_intervals
from ibkr_sim.history.weeks import joined_bars
from ibkr_sim.webapi.answers import plain_refusal
from ibkr_sim.webapi.call import Call, Route, Tier
from ibkr_sim.webapi.shapes.history import told_history

MOST_BARS: Final = 1000
_PERIOD: Final = re.compile(r"(\d{1,4})(min|h|d|w|m|y)")
_BAR: Final = re.compile(r"(\d{1,2})(min|h|d|w|m)")
_DEFAULTS: Final = {"min": "1min", "h": "1min", "d": "1min", "w": "15min", "m": "30min", "y": "1d"}
_MINUTES: Final = {"min": 1, "h": 60, "d": 1440, "w": 7 * 1440, "m": 30 * 1440}


class InvalidPeriod(Exception):
    """A period or bar that IBKR does not know."""


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """`bar` in minutes as IBKR names it, `1d`. `start` is where the data end, or begin if `forward`."""

    conid: int
    period: str
    bar: str
    outside_rth: bool
    start: datetime | None
    forward: bool
    source: str

    @property
    def bar_minutes(self) -> int:
        count, unit = _split(_BAR, self.bar)
        return count * _MINUTES[unit]


def routes() -> list[Route]:
    return [Route("GET", "/iserver/marketdata/history", answer, Tier.BROKERAGE)]


def answer(call: Call) -> Any:
    """An invalid period is answered with 200, and without bars."""
    try:
        query = parse_query(call.query)
    except InvalidPeriod:
        return {"error": "invalid period"}
    told = history(call.market, query)
    if told is None:
        raise plain_refusal(500, "description")
    return told


def parse_query(query: Mapping[str, str]) -> HistoryQuery:
    """Raises InvalidPeriod."""
    period = query.get("period") or "1w"
    _count, unit = _split(_PERIOD, period)
    bar = query.get("bar") or _DEFAULTS[unit]
    _split(_BAR, bar)
    conid = query.get("conid", "")
    return HistoryQuery(
        conid=int(conid) if conid.isdecimal() and len(conid) < 12 else 0,
        period=period,
        bar=bar,
        outside_rth=query.get("outsideRth", "").lower() == "true",
        start=_start(query.get("startTime", "")),
        forward=query.get("direction") == "1",
        source=query.get("source", ""),
    )


def history(market: Market, query: HistoryQuery) -> dict[str, Any] | None:
    """None for a contract that does not exist."""
    contract = market.contract(query.conid)
    if contract is None:
        return None
    bars = past_bars(market, contract, query)
    return told_history(contract, bars, query.period, query.bar_minutes, outside_rth=query.outside_rth)


def past_bars(market: Market, contract: Contract, query: HistoryQuery) -> Sequence[Bar]:
    """Those of the period, a thousand at most. Raises InvalidPeriod."""
    spans = intervals(contract, query, market.now())
    if query.bar_minutes * MINUTE <= DAY:
        return market.bars(contract.conid, spans)
    record = market.record(contract.conid)
    return joined_bars(contract, record, Source.TRADES, spans, outside_rth=query.outside_rth)


def intervals(contract: Contract, query: HistoryQuery, now: datetime) -> list[Interval]:
    """Those of the period, oldest first, a thousand at most, none of them in the future."""
    count, unit = _split(_PERIOD, query.period)
    sessions = count * SESSIONS.get(unit.upper(), 0) if unit != "min" else 0
    stretch = Stretch(
        bar=MONTH if query.bar.endswith("m") else query.bar_minutes * MINUTE,
        sessions=sessions,
        bars=0 if sessions else count * _MINUTES[unit] // query.bar_minutes,
        outside_rth=query.outside_rth,
        anchor=query.start,
        forward=query.forward,
    )
    found = past_intervals(contract, stretch, now)
    return found[:MOST_BARS] if query.forward else found[-MOST_BARS:]


def _split(pattern: re.Pattern[str], text: str) -> tuple[int, str]:
    match = pattern.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise InvalidPeriod(text)
    return int(match[1]), match[2]


def _start(text: str) -> datetime | None:
    """Raises InvalidPeriod."""
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC, second=0)
    except ValueError:
        raise InvalidPeriod(text) from None
