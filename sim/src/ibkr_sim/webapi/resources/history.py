"""Historical bars: which intervals a period has, and the answer's shape (Web API: "Historical Market Data")."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from typing import Any, Final

from ibkr_sim.exchange.hours import TradingDay, local_date, trading_day
from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.port import Market
from ibkr_sim.webapi.answers import plain_refusal
from ibkr_sim.webapi.call import Call, Route, Tier
from ibkr_sim.webapi.shapes.history import told_history

MOST_BARS: Final = 1000
_PERIOD: Final = re.compile(r"(\d{1,4})(min|h|d|w|m|y)")
_BAR: Final = re.compile(r"(\d{1,2})(min|h|d|w|m)")
_DEFAULTS: Final = {"min": "1min", "h": "1min", "d": "1min", "w": "15min", "m": "30min", "y": "1d"}
_MINUTES: Final = {"min": 1, "h": 60, "d": 1440, "w": 7 * 1440, "m": 30 * 1440}
_SESSIONS: Final = {"d": 1, "w": 5, "m": 21, "y": 252}
"""Trading days in a unit."""
_LONGEST_GAP: Final = 10
"""Days without trading in a row."""
Interval = tuple[datetime, datetime]


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
    bars = market.bars(contract.conid, intervals(contract, query, market.now()))
    return told_history(contract, bars, query.period, query.bar_minutes, outside_rth=query.outside_rth)


def intervals(contract: Contract, query: HistoryQuery, now: datetime) -> list[Interval]:
    """Those of the period, oldest first, a thousand at most, none of them in the future."""
    now = _next_minute(now)
    start = min(query.start or now, now)
    count, unit = _split(_PERIOD, query.period)
    days = count * _SESSIONS[unit] if unit in _SESSIONS else _LONGEST_GAP
    found: list[Interval] = []
    for session in _days(contract, query, start, days):
        opens, closes = _bounds(session, query)
        if query.forward:
            opens, closes = max(opens, start), min(closes, now)
        else:
            closes = min(closes, start)
        found += _pieces(opens, closes, query.bar_minutes)
    if query.bar_minutes > 1440:
        found = _joined(found, monthly=query.bar.endswith("m"))
    if unit not in _SESSIONS:
        bars = max(count * _MINUTES[unit] // query.bar_minutes, 1)
        found = found[:bars] if query.forward else found[-bars:]
    return found[:MOST_BARS] if query.forward else found[-MOST_BARS:]


def _days(contract: Contract, query: HistoryQuery, start: datetime, most: int) -> list[TradingDay]:
    """Trading days before `start`, or after it; oldest first. The day of `start` counts where it has begun."""
    step = timedelta(days=1 if query.forward else -1)
    first = local_date(contract, start)

    def walk() -> Iterator[TradingDay]:
        for count in range(most * 2 + _LONGEST_GAP):
            session = trading_day(contract, first + count * step)
            if session is None:
                continue
            opens, closes = _bounds(session, query)
            if closes > start if query.forward else opens < start:
                yield session

    chosen = list(islice(walk(), most))
    return chosen if query.forward else chosen[::-1]


def _bounds(session: TradingDay, query: HistoryQuery) -> Interval:
    return (session.opens, session.closes) if query.outside_rth else (session.liquid_from, session.liquid_to)


def _pieces(opens: datetime, closes: datetime, minutes: int) -> list[Interval]:
    """Bars of a session: the first may be short, so that the others begin at whole multiples of their length."""
    if minutes >= _MINUTES["d"]:
        return [(opens, closes)] if opens < closes else []
    length, found = timedelta(minutes=minutes), []
    while opens < closes:
        midnight = opens.replace(hour=0, minute=0)
        following = midnight + ((opens - midnight) // length + 1) * length
        found.append((opens, min(following, closes)))
        opens = following
    return found


def _joined(days: list[Interval], *, monthly: bool) -> list[Interval]:
    """Days of one week, or month, become one bar."""

    def label(day: Interval) -> tuple[int, int]:
        return (day[0].year, day[0].month) if monthly else day[0].isocalendar()[:2]

    grouped = (list(group) for _label, group in groupby(days, label))
    return [(group[0][0], group[-1][1]) for group in grouped]


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


def _next_minute(now: datetime) -> datetime:
    """The bar under way counts as well."""
    return now.replace(second=0, microsecond=0) + timedelta(minutes=1)
