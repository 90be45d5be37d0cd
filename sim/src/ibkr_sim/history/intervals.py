"""Which intervals the bars of a stretch of the past cover; trading days bound them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.listing.hours import Days, TradingDay, local_date, trading_day
from ibkr_sim.exchange.model import Contract

MINUTE: Final = 60
DAY: Final = 24 * 60 * MINUTE
WEEK: Final = 7 * DAY
MONTH: Final = 30 * DAY
SESSIONS: Final = {"D": 1, "W": 5, "M": 21, "Y": 252}
"""Trading days in a day, week, month, year."""
_LONGEST_GAP: Final = 10
"""Days without trading in a row."""
Interval = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Stretch:
    """So many trading days, or so many bars if `sessions` is 0; `bar` in seconds.

    `anchor` is where the stretch ends, or begins if `forward`; None is the present.
    """

    bar: int
    sessions: int = 0
    bars: int = 0
    outside_rth: bool = False
    anchor: datetime | None = None
    forward: bool = False


def intervals(contract: Contract, stretch: Stretch, now: datetime, calendar: Days = trading_day) -> list[Interval]:
    """Oldest first, none of them in the future; the bar under way counts as well."""
    now = _next(now, min(stretch.bar, MINUTE))
    start = min(stretch.anchor or now, now)
    zone = ZoneInfo(contract.time_zone)
    found: list[Interval] = []
    days = trading_days(contract, start, calendar, forward=stretch.forward, outside_rth=stretch.outside_rth)
    for place, session in enumerate(days):
        if place >= stretch.sessions if stretch.sessions else len(found) >= max(stretch.bars, 1):
            break
        opens, closes = _clipped(bounds(session, outside_rth=stretch.outside_rth), stretch, start, now)
        pieces = _pieces(opens, closes, stretch.bar, zone)
        found = [*found, *pieces] if stretch.forward else [*pieces, *found]
    if stretch.bar > DAY:
        found = _joined(found, monthly=stretch.bar >= MONTH)
    if not stretch.sessions:
        most = max(stretch.bars, 1)
        found = found[:most] if stretch.forward else found[-most:]
    return found


def trading_days(
    contract: Contract, anchor: datetime, calendar: Days = trading_day, *, forward: bool, outside_rth: bool
) -> Iterator[TradingDay]:
    """Those after `anchor` in their order, or those before it, the latest first; the one it lies in is the first."""
    first, day = local_date(contract, anchor), timedelta(days=1)
    if forward:
        before = next(_sessions(contract, first - day, calendar, -day), None)
        if before is not None and bounds(before, outside_rth=outside_rth)[1] > anchor:
            yield before
    for session in _sessions(contract, first, calendar, day if forward else -day):
        opens, closes = bounds(session, outside_rth=outside_rth)
        if closes > anchor if forward else opens < anchor:
            yield session


def _sessions(contract: Contract, first: date, calendar: Days, step: timedelta) -> Iterator[TradingDay]:
    """From a day on, until there are none for long."""
    misses, day = 0, first
    while misses < _LONGEST_GAP:
        session = calendar(contract, day)
        day, misses = day + step, misses + 1
        if session is not None:
            misses = 0
            yield session


def is_trading(contract: Contract, moment: datetime, calendar: Days, *, outside_rth: bool) -> bool:
    """Whether a moment lies in a session."""
    days = trading_days(contract, moment, calendar, forward=True, outside_rth=outside_rth)
    session = next(days, None)
    return session is not None and bounds(session, outside_rth=outside_rth)[0] <= moment


def bounds(session: TradingDay, *, outside_rth: bool) -> Interval:
    return (session.opens, session.closes) if outside_rth else (session.liquid_from, session.liquid_to)


def _clipped(session: Interval, stretch: Stretch, start: datetime, now: datetime) -> Interval:
    """The part of a session that can hold what is wanted, and a bar more, which may come out short."""
    opens, closes = session
    if stretch.forward:
        opens, closes = max(opens, start), min(closes, now)
    else:
        closes = min(closes, start)
    if stretch.sessions or stretch.bar >= DAY:
        return opens, closes
    reach = timedelta(seconds=(stretch.bars + 1) * stretch.bar)
    return (opens, min(closes, opens + reach)) if stretch.forward else (max(opens, closes - reach), closes)


def _pieces(opens: datetime, closes: datetime, bar: int, zone: ZoneInfo) -> list[Interval]:
    """Bars of a session: the first may be short, so that the others begin at whole multiples of their length."""
    if bar >= DAY:
        return [(opens, closes)] if opens < closes else []
    length, found = timedelta(seconds=bar), []
    offset = opens.astimezone(zone).utcoffset() or timedelta()
    midnight = (opens + offset).replace(hour=0, minute=0, second=0) - offset
    while opens < closes:
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


def _next(now: datetime, length: int) -> datetime:
    """The end of the second, or minute, under way."""
    whole = now.replace(second=now.second // length * length, microsecond=0)
    return whole + timedelta(seconds=length)
