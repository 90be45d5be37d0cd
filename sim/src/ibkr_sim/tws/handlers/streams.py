"""What is told as it happens: bars of five seconds, single ticks, books level by level."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from ibkr_sim.exchange.model import Contract, Rejected
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.history.ticks import Window, spreads, trades
from ibkr_sim.reference.venues import SMART
from ibkr_sim.tws.answers import history as history_answers
from ibkr_sim.tws.answers import marketdata as answers
from ibkr_sim.tws.feeds.history import LENGTH
from ibkr_sim.tws.feeds.tick_by_tick import KINDS
from ibkr_sim.tws.handlers.marketdata import DUPLICATE_ID, TOO_MANY_LINES, UNKNOWN_ID
from ibkr_sim.tws.refusals import invalid
from ibkr_sim.tws.requests.history import RealTimeBars
from ibkr_sim.tws.requests.marketdata import MarketDepthRequest, TickByTickRequest
from ibkr_sim.tws.requests.session import Identified
from ibkr_sim.tws.rerouting import rerouted
from ibkr_sim.tws.resolution import resolve, routed
from ibkr_sim.tws.session import Session

INVALID_REAL_TIME, NO_DEPTH, TOO_MANY_DEPTHS, UNKNOWN_DEPTH = 420, 10092, 309, 310
TICKS_REFUSED, TOO_MANY_TICKS = 10189, 10190
_REAL_TIME_SOURCES: Final = frozenset({Source.TRADES, Source.BID, Source.ASK, Source.MIDPOINT})
_MOST_ROWS: Final = 60
_MOST_TICKS: Final = 1000


def real_time_bars(session: Session, request: RealTimeBars) -> None:
    try:
        contract, source = _real_time(session, request)
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)
        return
    session.bars.open(request.request_id, contract, source, outside_rth=not request.use_rth)


def _real_time(session: Session, request: RealTimeBars) -> tuple[Contract, Source]:
    """Raises Rejected."""
    contract = resolve(session.market, request.contract)
    if request.bar_size != LENGTH:
        raise Rejected(*invalid("Real-time bars are of 5 seconds"))
    if request.what not in _REAL_TIME_SOURCES:
        raise Rejected(*invalid(f"What to show field is missing or incorrect: {request.what[:40]}"))
    source = Source(request.what)
    if contract.sec_type == "CASH" and source is Source.TRADES:
        raise Rejected(INVALID_REAL_TIME, "Invalid Real-time Query:No market data permissions for IDEALPRO CASH")
    if request.request_id in session.bars:
        raise Rejected(DUPLICATE_ID, "Duplicate ticker id")
    if session.lines >= session.house.settings.market_data_lines:
        raise Rejected(TOO_MANY_LINES, "Max number of tickers has been reached")
    subject = ("bars", contract.conid, routed(contract, request.contract.exchange), source)
    if not session.house.paces_history((*subject, request.request_id, session.client_id), subject):
        raise Rejected(INVALID_REAL_TIME, "Invalid Real-time Query:Historical data request pacing violation")
    return contract, source


def cancel_real_time_bars(session: Session, request: Identified) -> None:
    if not session.bars.close(request.request_id):
        session.outlet.error(request.request_id, UNKNOWN_ID, f"Can't find EId with tickerId:{request.request_id}")


def tick_by_tick(session: Session, request: TickByTickRequest) -> None:
    try:
        contract, kind = _single_ticks(session, request)
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)
        return
    if request.most:
        _tell_past(session, request, contract)
    quote = session.market.quote(contract.conid)
    session.ticks.open(request.request_id, contract, kind, quote, ignore_size=request.ignore_size)


def _single_ticks(session: Session, request: TickByTickRequest) -> tuple[Contract, int]:
    """Raises Rejected."""
    contract, kind = resolve(session.market, request.contract), KINDS.get(request.kind)
    if kind is None or not 0 <= request.most <= _MOST_TICKS:
        raise Rejected(*invalid("Tick-by-tick type or number of ticks is invalid"))
    if request.request_id in session.ticks:
        raise Rejected(DUPLICATE_ID, "Duplicate ticker id")
    if contract.sec_type == "CASH" and "Last" in request.kind:
        text = "Failed to request tick-by-tick data.No market data permissions for IDEALPRO CASH"
        raise Rejected(TICKS_REFUSED, text)
    if len(session.ticks) >= session.house.settings.depth_lines:
        raise Rejected(TOO_MANY_TICKS, "Max number of tick-by-tick requests has been reached.")
    subject = ("tick-by-tick", contract.conid, kind)
    if not session.house.paces_history((*subject, session.client_id), subject, 0):
        text = "Failed to request tick-by-tick data.Only one request for the same instrument within 15 seconds"
        raise Rejected(TICKS_REFUSED, text)
    return contract, kind


def _tell_past(session: Session, request: TickByTickRequest, contract: Contract) -> None:
    now, version, request_id = session.market.now(), session.version, request.request_id
    anchor, calendar = now + timedelta(seconds=1), session.market.trading_day
    window = Window(anchor, forward=False, most=request.most, now=now, outside_rth=True, calendar=calendar)
    record = session.market.record(contract.conid)
    if "Last" in request.kind:
        told = trades(contract, record, window)
        frame = history_answers.historical_trades(version, request_id, contract.primary_exchange, told)
    elif request.kind == "BidAsk":
        frame = history_answers.historical_bid_ask(version, request_id, spreads(contract, record, window))
    else:
        frame = history_answers.historical_midpoints(version, request_id, spreads(contract, record, window))
    session.send(frame)


def cancel_tick_by_tick(session: Session, request: Identified) -> None:
    if not session.ticks.close(request.request_id):
        session.outlet.error(request.request_id, UNKNOWN_ID, f"Can't find EId with tickerId:{request.request_id}")


def market_depth(session: Session, request: MarketDepthRequest) -> None:
    try:
        contract = _deep(session, request)
        underlying = rerouted(session.market, contract, session.house.settings.reroutes_cfds_on)
        if underlying is None:
            _check_depth(session, request, contract)
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)
        return
    if underlying is not None:
        # The whole market's book is asked for at SMART alone, and one exchange's never there.
        exchange = SMART if request.smart else underlying.primary_exchange
        session.send(answers.reroute_market_depth(session.version, request.request_id, underlying.conid, exchange))
        return
    session.depth.open(request.request_id, contract, min(request.rows, _MOST_ROWS), smart=request.smart)


def _deep(session: Session, request: MarketDepthRequest) -> Contract:
    """Raises Rejected (200, 321, 102)."""
    contract = resolve(session.market, request.contract)
    if request.rows < 1:
        raise Rejected(*invalid("Number of rows must be above 0"))
    if request.request_id in session.depth:
        raise Rejected(DUPLICATE_ID, "Duplicate ticker id")
    return contract


def _check_depth(session: Session, request: MarketDepthRequest, contract: Contract) -> None:
    """Raises Rejected (10092, 309)."""
    venue = routed(contract, request.contract.exchange)
    if request.smart != (venue == SMART):
        text = "Deep market data is not supported for this combination of security type/exchange"
        raise Rejected(NO_DEPTH, text)
    most = session.house.settings.depth_lines
    if len(session.depth) >= most:
        raise Rejected(TOO_MANY_DEPTHS, f"Max number ({most}) of market depth requests has been reached")


def cancel_market_depth(session: Session, request: Identified) -> None:
    if not session.depth.close(request.request_id):
        text = f"Can't find the subscribed market depth with tickerId:{request.request_id}"
        session.outlet.error(request.request_id, UNKNOWN_DEPTH, text)
