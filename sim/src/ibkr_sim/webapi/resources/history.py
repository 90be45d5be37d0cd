"""Historical bars: which intervals a period has, and the answer's shape (Web API: "Historical Market Data")."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from ibkr_sim.exchange.listing.hours import Days
from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.history.combinations import past_of, timed_by
from ibkr_sim.history.intervals import DAY, MINUTE, MONTH, SESSIONS, WEEK, Interval, Stretch
from ibkr_sim.history.intervals import intervals as past_intervals
from ibkr_sim.history.kinds import has
from ibkr_sim.history.weeks import joined_bars
from ibkr_sim.webapi.answers import plain_refusal
from ibkr_sim.webapi.call import Call, Route, Tier
from ibkr_sim.webapi.shapes.history import told_history

MOST_BARS: Final = 1000
_PERIOD: Final = re.compile(r"(\d{1,5})(s|min|h|d|w|m|y)")
_BAR: Final = re.compile(r"(\d{1,2})(s|min|h|d|w|m)")
_DEFAULTS: Final = {"min": "1min", "h": "1min", "d": "1min", "w": "15min", "m": "30min", "y": "1d"}
_SECONDS: Final = {"s": 1, "min": MINUTE, "h": 60 * MINUTE, "d": DAY, "w": WEEK, "m": MONTH}
_SOURCES: Final[Mapping[str, Source]] = MappingProxyType(
    {
        **dict.fromkeys(("", "last", "trades", "t"), Source.TRADES),
        "midpoint": Source.MIDPOINT,
        "bid_ask": Source.BID_ASK,
        "bid": Source.BID,
        "ask": Source.ASK,
    }
)
"""As the prose, the OpenAPI and the older documentation name them; clients write them large and small."""


class InvalidPeriod(Exception):
    """A period or bar that IBKR does not know."""


class InvalidSource(Exception):
    """Prices of a kind that there are none of."""


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """`period` and `bar` as IBKR names them, `1d`. `start` is where the data end, or begin if `forward`."""

    conid: int
    period: str
    bar: str
    outside_rth: bool
    start: datetime | None
    forward: bool
    source: Source

    @property
    def bar_seconds(self) -> int:
        count, unit = _split(_BAR, self.bar)
        return count * _SECONDS[unit]


def routes() -> list[Route]:
    return [Route("GET", "/iserver/marketdata/history", answer, Tier.BROKERAGE)]


def answer(call: Call) -> Any:
    """An invalid period is answered with 200, and without bars. Raises Refused (500) for other bad arguments."""
    try:
        query = parse_query(call.query)
    except InvalidPeriod:
        return {"error": "invalid period"}
    except InvalidSource as error:
        raise plain_refusal(500, "invalid source") from error
    told = history(call.market, query)
    if told is None:
        raise plain_refusal(500, "description")
    return told


def parse_query(query: Mapping[str, str], *, small: bool = False) -> HistoryQuery:
    """`small` if there may be seconds in it. Raises InvalidPeriod, InvalidSource."""
    period = query.get("period") or "1w"
    _count, unit = _split(_PERIOD, period)
    bar = query.get("bar") or _DEFAULTS.get(unit, "")
    if "s" in (unit, _split(_BAR, bar)[1]) and not small:
        raise InvalidPeriod(f"{period} {bar}")
    conid = query.get("conid", "")
    return HistoryQuery(
        conid=int(conid) if conid.isdecimal() and len(conid) < 12 else 0,
        period=period,
        bar=bar,
        outside_rth=query.get("outsideRth", "").lower() == "true",
        start=_start(query.get("startTime", "")),
        forward=query.get("direction") == "1",
        source=named_source(query.get("source", "")),
    )


def named_source(name: str) -> Source:
    """Trades without a name. Raises InvalidSource."""
    source = _SOURCES.get(name.lower())
    if source is None:
        raise InvalidSource(name)
    return source


def history(market: Market, query: HistoryQuery) -> dict[str, Any] | None:
    """None for a contract that does not exist, and for one that has no such prices."""
    contract = market.contract(query.conid)
    if contract is None or not has(contract, _chosen(contract, query.source)):
        return None
    bars = past_bars(market, contract, query)
    return told_history(contract, bars, query.period, query.bar_seconds, outside_rth=query.outside_rth)


def past_bars(market: Market, contract: Contract, query: HistoryQuery) -> Sequence[Bar]:
    """Those of the period, a thousand at most; none of prices that it has not. Raises InvalidPeriod."""
    source, timed = _chosen(contract, query.source), timed_by(market, contract)
    if not has(contract, source):
        return []
    spans, past = intervals(timed, query, market.now(), market.trading_day), past_of(market, contract)
    if query.bar_seconds <= DAY:
        return past.bars(source, spans)
    return joined_bars(timed, past, source, spans, market.trading_day, outside_rth=query.outside_rth)


def _chosen(contract: Contract, source: Source) -> Source:
    """Nobody reports the trades of currencies: their charts show the middle of the quote."""
    return source if source is not Source.TRADES or has(contract, source) else Source.MIDPOINT


def intervals(contract: Contract, query: HistoryQuery, now: datetime, calendar: Days) -> list[Interval]:
    """Those of the period, oldest first, a thousand at most, none of them in the future."""
    count, unit = _split(_PERIOD, query.period)
    sessions = count * SESSIONS.get(unit.upper(), 0) if unit != "min" else 0
    stretch = Stretch(
        bar=MONTH if query.bar.endswith("m") else query.bar_seconds,
        sessions=sessions,
        bars=0 if sessions else count * _SECONDS[unit] // query.bar_seconds,
        outside_rth=query.outside_rth,
        anchor=query.start,
        forward=query.forward,
    )
    found = past_intervals(contract, stretch, now, calendar)
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
