"""Historical data: bars, the ones under way, sessions, where data begin, histograms, single ticks."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.model import Contract, Rejected
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.history.combinations import timed_by
from ibkr_sim.history.intervals import DAY, MINUTE, SESSIONS, Stretch, bounds, intervals, trading_days
from ibkr_sim.history.kinds import has, known_until
from ibkr_sim.history.ticks import Window, spreads, trades
from ibkr_sim.tws.answers import history as answers
from ibkr_sim.tws.history_data import BarQuery, first_moment, rows, span_texts
from ibkr_sim.tws.history_rules import (
    ADJUSTED,
    EXPECTED,
    SCHEDULE,
    SMALL,
    VOLATILITY,
    bar_seconds,
    check_age,
    check_aggregated,
    check_kind,
    check_length,
    duration,
    history_error,
    moment,
    no_data,
)
from ibkr_sim.tws.permissions import HISTOGRAM, PAST_BARS, PAST_TICKS, check_lines, check_live, described, not_permitted
from ibkr_sim.tws.refusals import invalid, overloaded
from ibkr_sim.tws.requests.contracts import ContractQuery
from ibkr_sim.tws.requests.history import HeadTimestamp, Histogram, HistoricalData, HistoricalTicks
from ibkr_sim.tws.requests.session import Identified
from ibkr_sim.tws.resolution import Purpose, resolve, routed
from ibkr_sim.tws.session import Session
from ibkr_sim.tws.sizes import Sizes
from ibkr_sim.tws.times import names_zone, universal
from ibkr_sim.tws.versions import SCHEDULES, ZONED_TIMES

UNKNOWN_QUERY, NO_ZONE = 366, 2174
MOST_LIVE: Final = 50
MOST_TICKS: Final = 1000
TICK_KINDS: Final = frozenset({"TRADES", "BID_ASK", "MIDPOINT"})
_PERIOD: Final = re.compile(r"(\d{1,4}) (second|minute|hour|day|week|month|year)s?", re.IGNORECASE)
_PERIOD_SECONDS: Final = {"second": 1, "minute": MINUTE, "hour": 60 * MINUTE}
_VIOLATION: Final = "Historical data request pacing violation"
_HISTOGRAM_BARS: Final = 5_000
"""Above so many bars of a minute a histogram is made of longer ones."""


def historical_data(session: Session, request: HistoricalData) -> None:
    try:
        contract = described(session.market, request.contract, request.legs, Purpose.HISTORY)
        exchange = routed(contract, request.contract.exchange)
        query = _bar_query(session, request, contract, exchange)
        if request.what != SCHEDULE:
            check_live(session, not_permitted(PAST_BARS, contract, exchange))
        _pace(session, request, query, exchange)
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)
        return
    _warn_of_zone(session, request.request_id, request.end)
    if request.what == SCHEDULE:
        _send_schedule(session, request.request_id, query)
        return
    found = rows(session.market, query)
    if not found:
        session.refuse(request.request_id, no_data(contract, exchange, request.what))
        return
    span, sizes = span_texts(query, session.market.now()), Sizes(session.outlet, request.request_id, contract)
    told = sizes.told_bars(found, traded=query.traded)
    for frame in answers.historical_data(session.version, request.request_id, span, told, traded=query.traded):
        session.send(frame)
    if request.keep_up_to_date:
        session.history.open(request.request_id, query, found[-1], sizes)


def cancel_historical_data(session: Session, request: Identified) -> None:
    """The end of a query that is kept up to date is told as an error 162."""
    if session.history.close(request.request_id):
        session.refuse(request.request_id, history_error(f"API historical data query cancelled: {request.request_id}"))
    else:
        text = f"No historical data query found for ticker id:{request.request_id}"
        session.outlet.error(request.request_id, UNKNOWN_QUERY, text)


def head_timestamp(session: Session, request: HeadTimestamp) -> None:
    try:
        contract, exchange = _contract(session, request.contract)
        check_kind(contract, exchange, request.what)
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)
        return
    first = first_moment(contract, outside_rth=not request.use_rth)
    text = str(int(first.timestamp())) if request.format_date == 2 else universal(first)
    session.send(answers.head_timestamp(session.version, request.request_id, text))


def answered(_session: Session, _request: Identified) -> None:
    """Cancels of what is answered at once: when they arrive it has ended, and nobody is told."""


def histogram(session: Session, request: Histogram) -> None:
    try:
        contract, exchange = _contract(session, request.contract)
        _check_traded(contract, exchange)
        stretch = _histogram_stretch(request)
        check_live(session, not_permitted(HISTOGRAM, contract, exchange))
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)
        return
    now = known_until(contract, session.market.now())
    spans = intervals(contract, stretch, now, session.market.trading_day)
    sizes: dict[Decimal, int] = {}
    for bar in session.market.record(contract.conid).bars(Source.TRADES, spans):
        if bar.volume:
            sizes[bar.close] = sizes.get(bar.close, 0) + int(bar.volume)
    if not sizes:
        session.refuse(request.request_id, _untraded(contract, exchange))
        return
    session.send(answers.histogram_data(session.version, request.request_id, sorted(sizes.items())))


def historical_ticks(session: Session, request: HistoricalTicks) -> None:
    try:
        contract, exchange = _contract(session, request.contract)
        window = _window(session, request, contract)
        _check_ticks(session, request, contract, exchange)
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)
        return
    _warn_of_zone(session, request.request_id, request.start or request.end)
    version, record = session.version, session.market.record(contract.conid)
    sizes = Sizes(session.outlet, request.request_id, contract)
    if request.what == "TRADES":
        told = sizes.told_trades(trades(contract, record, window))
        venue = contract.primary_exchange
        session.send(answers.historical_trades(version, request.request_id, venue, told))
    elif request.what == "BID_ASK":
        quotes = sizes.told_spreads(spreads(contract, record, window))
        session.send(answers.historical_bid_ask(version, request.request_id, quotes))
    else:
        session.send(answers.historical_midpoints(version, request.request_id, spreads(contract, record, window)))


def _contract(session: Session, asked: ContractQuery) -> tuple[Contract, str]:
    """And the exchange that it is asked for at. Raises Rejected (200)."""
    contract = resolve(session.market, asked, Purpose.HISTORY)
    return contract, routed(contract, asked.exchange)


def _bar_query(session: Session, request: HistoricalData, contract: Contract, exchange: str) -> BarQuery:
    """Raises Rejected."""
    bar, wanted = bar_seconds(request.bar_size), duration(request.duration)
    zone, now = session.house.settings.time_zone, session.market.now()
    check_kind(contract, exchange, request.what)
    check_aggregated(contract, request.what)
    _check_open_end(session, request, bar)
    anchor = moment(request.end, zone) if request.end else None
    check_length(bar, wanted)
    check_age(contract, exchange, request.what, bar, now - (anchor or now))
    return BarQuery(
        contract=contract,
        what=request.what,
        bar=bar,
        duration=wanted,
        outside_rth=not request.use_rth,
        anchor=anchor,
        format_date=request.format_date,
        zone=zone,
        version=session.version,
    )


def _check_open_end(session: Session, request: HistoricalData, bar: int) -> None:
    """What goes with an end, or a size of bar, and what does not. Raises Rejected (321, 322)."""
    live = request.keep_up_to_date
    if request.end and (live or request.what == ADJUSTED):
        cause = "End date not supported with adjusted last" if not live else "End date not supported with keepUpToDate"
        raise Rejected(*invalid(cause))
    if live and (request.what in {SCHEDULE, VOLATILITY, EXPECTED} or bar < 5):
        raise Rejected(*invalid("Historical data query cannot be kept up to date with these bars"))
    if request.what == SCHEDULE and (bar != DAY or session.version < SCHEDULES):
        raise Rejected(*invalid("Only 1 day bar size is supported for SCHEDULE"))
    if request.what == VOLATILITY and bar < DAY:
        raise Rejected(*invalid("Only bars of a day and longer are supported for HISTORICAL_VOLATILITY"))
    if live and request.request_id in session.history:
        raise Rejected(*overloaded("Duplicate ticker ID for API historical data query"))
    if live and len(session.history) >= MOST_LIVE:
        raise history_error("Maximum number of simultaneous API historical data requests reached")
    if live:
        check_lines(session)


def _pace(session: Session, request: HistoricalData, query: BarQuery, exchange: str) -> None:
    """Raises Rejected (162)."""
    if query.bar > SMALL:
        return
    subject = (query.contract.conid, exchange, request.what)
    identical = (*subject, request.end, request.bar_size, request.duration, request.use_rth, request.keep_up_to_date)
    if not session.house.paces_history(identical, subject, 2 if request.what == "BID_ASK" else 1):
        raise history_error(_VIOLATION)


def _warn_of_zone(session: Session, request_id: int, time: str) -> None:
    """Who names no zone means the login's, for now."""
    if not time or session.version < ZONED_TIMES or names_zone(time):
        return
    text = (
        "Warning: You submitted request with date-time attributes without explicit time zone. Please switch to use "
        "yyyymmdd-hh:mm:ss in UTC or use instrument time zone, like US/Eastern. Implied time zone functionality will "
        "be removed in the next API release"
    )
    session.outlet.error(request_id, NO_ZONE, text)


def _send_schedule(session: Session, request_id: int, query: BarQuery) -> None:
    zone = ZoneInfo(query.contract.time_zone)
    anchor = min(query.anchor or session.market.now(), session.market.now())
    days = trading_days(timed_by(session.market, query.contract), anchor, forward=False, outside_rth=query.outside_rth)
    chosen = [day for day, _count in zip(days, range(max(query.duration.sessions, 1)), strict=False)][::-1]
    told = []
    for day in chosen:
        start, end = (_local(at, zone) for at in bounds(day, outside_rth=query.outside_rth))
        told.append(answers.TradingSession(start, end, f"{day.date:%Y%m%d}"))
    span = (told[0].start, told[-1].end)
    session.send(answers.historical_schedule(session.version, request_id, span, query.contract.time_zone, told))


def _local(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y%m%d-%H:%M:%S}"


def _check_traded(contract: Contract, exchange: str) -> None:
    """Raises Rejected (10188)."""
    if not has(contract, Source.TRADES):
        raise _untraded(contract, exchange)


def _untraded(contract: Contract, exchange: str) -> Rejected:
    return HISTOGRAM.refusal(f"HMDS query returned no data: {contract.local_symbol}@{exchange} Trades")


def _histogram_stretch(request: Histogram) -> Stretch:
    """Raises Rejected (321)."""
    match = _PERIOD.fullmatch(request.period.strip())
    if match is None or not int(match[1]):
        raise Rejected(*invalid(f"Time period is invalid: {request.period[:40]}"))
    count, unit = int(match[1]), match[2].lower()
    seconds = _PERIOD_SECONDS.get(unit)
    if seconds is not None:
        bars = min(-(-count * seconds // MINUTE), _HISTOGRAM_BARS)
        return Stretch(MINUTE, bars=bars, outside_rth=not request.use_rth)
    sessions = count * SESSIONS[unit[0].upper()]
    bar = next((size for size in (1, 10, 60) if sessions * 960 // size <= _HISTOGRAM_BARS), 24 * 60)
    return Stretch(bar * MINUTE, sessions=sessions, outside_rth=not request.use_rth)


def _window(session: Session, request: HistoricalTicks, contract: Contract) -> Window:
    """Raises Rejected."""
    if bool(request.start) == bool(request.end):
        raise PAST_TICKS.refusal("Either start or end time must be given")
    if not 0 < request.most <= MOST_TICKS:
        raise PAST_TICKS.refusal(f"Number of ticks must be 1 to {MOST_TICKS}")
    zone, now = session.house.settings.time_zone, known_until(contract, session.market.now())
    anchor = moment(request.start or request.end, zone)
    if request.end:
        # Up to the end of that second.
        anchor = min(anchor, now) + timedelta(seconds=1)
    calendar = session.market.trading_day
    return Window(anchor, bool(request.start), request.most, now, outside_rth=not request.use_rth, calendar=calendar)


def _check_ticks(session: Session, request: HistoricalTicks, contract: Contract, exchange: str) -> None:
    """Raises Rejected."""
    if request.what not in TICK_KINDS:
        raise Rejected(*invalid(f"What to show field is missing or incorrect: {request.what[:40]}"))
    check_kind(contract, exchange, request.what)
    check_live(session, not_permitted(PAST_TICKS, contract, exchange))
    subject = (contract.conid, exchange, request.what)
    identical = ("ticks", *subject, request.start, request.end, request.most, request.use_rth)
    if not session.house.paces_history(identical, ("ticks", *subject), 2 if request.what == "BID_ASK" else 1):
        raise history_error(_VIOLATION)
