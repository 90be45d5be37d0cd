"""What is told as it happens: bars of five seconds, single ticks, books level by level."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from ibkr_sim.exchange.model import COMBO, Contract, Rejected
from ibkr_sim.exchange.prices.tape import INDEX
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.history.kinds import has
from ibkr_sim.history.ticks import Window, spreads, trades
from ibkr_sim.reference.venues import SMART
from ibkr_sim.tws.answers import history as history_answers
from ibkr_sim.tws.answers import marketdata as answers
from ibkr_sim.tws.feeds.history import LENGTH
from ibkr_sim.tws.feeds.tick_by_tick import KINDS
from ibkr_sim.tws.handlers.marketdata import DUPLICATE_ID, NOT_SUBSCRIBED, UNKNOWN_ID
from ibkr_sim.tws.permissions import (
    REAL_TIME_BARS,
    SINGLE_TICKS,
    check_depth_lines,
    check_lines,
    check_live,
    check_tick_lines,
    not_permitted,
)
from ibkr_sim.tws.refusals import invalid
from ibkr_sim.tws.requests.history import RealTimeBars
from ibkr_sim.tws.requests.marketdata import MarketDepthRequest, TickByTickRequest
from ibkr_sim.tws.requests.session import Identified
from ibkr_sim.tws.rerouting import rerouted
from ibkr_sim.tws.resolution import resolve, routed
from ibkr_sim.tws.session import Session
from ibkr_sim.tws.sizes import Sizes

NO_DEPTH, UNKNOWN_DEPTH = 10092, 310
_REAL_TIME_SOURCES: Final = frozenset({Source.TRADES, Source.BID, Source.ASK, Source.MIDPOINT})
_NO_DEPTH: Final = "Deep market data is not supported for this combination of security type/exchange"
_INDICES_AT: Final = "CME"
_WITHOUT_TICKS: Final = frozenset({"OPT", "FOP", "CMDTY"})
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
    exchange = routed(contract, request.contract.exchange)
    refusal = not_permitted(REAL_TIME_BARS, contract, exchange)
    check_live(session, refusal)
    if not has(contract, source):
        raise refusal
    if request.request_id in session.bars:
        raise Rejected(DUPLICATE_ID, "Duplicate ticker id")
    check_lines(session)
    subject = ("bars", contract.conid, exchange, source)
    if not session.house.paces_history((*subject, request.request_id, session.client_id), subject):
        raise REAL_TIME_BARS.refusal("Historical data request pacing violation")
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
    kind = KINDS.get(request.kind)
    if kind is None or not 0 <= request.most <= _MOST_TICKS:
        raise Rejected(*invalid("Tick-by-tick type or number of ticks is invalid"))
    if request.contract.sec_type == COMBO:
        raise _no_ticks(request, request.contract.symbol)
    contract = resolve(session.market, request.contract)
    if request.request_id in session.ticks:
        raise Rejected(DUPLICATE_ID, "Duplicate ticker id")
    _check_single_ticks(session, contract, request)
    check_tick_lines(session)
    subject = ("tick-by-tick", contract.conid, kind)
    if not session.house.paces_history((*subject, session.client_id), subject, 0):
        raise SINGLE_TICKS.refusal("Only one request for the same instrument within 15 seconds")
    return contract, kind


def _check_single_ticks(session: Session, contract: Contract, request: TickByTickRequest) -> None:
    """Raises Rejected (10189). Those of options are told of the past alone, those of indices by CME alone."""
    refusal = not_permitted(SINGLE_TICKS, contract, routed(contract, request.contract.exchange))
    check_live(session, refusal)
    untold = contract.sec_type == INDEX and contract.primary_exchange != _INDICES_AT
    has_kind = has(contract, Source.TRADES if "Last" in request.kind else Source.MIDPOINT)
    if contract.sec_type in _WITHOUT_TICKS or untold or not has_kind:
        raise _no_ticks(request, contract.local_symbol)


def _no_ticks(request: TickByTickRequest, name: str) -> Rejected:
    return SINGLE_TICKS.refusal(f"{request.kind} tick-by-tick requests are not supported for {name}.")


def _tell_past(session: Session, request: TickByTickRequest, contract: Contract) -> None:
    now, version, request_id = session.market.now(), session.version, request.request_id
    anchor, calendar = now + timedelta(seconds=1), session.market.trading_day
    window = Window(anchor, forward=False, most=request.most, now=now, outside_rth=True, calendar=calendar)
    record, sizes = session.market.record(contract.conid), Sizes(session.outlet, request_id, contract)
    if "Last" in request.kind:
        told = sizes.told_trades(trades(contract, record, window))
        frame = history_answers.historical_trades(version, request_id, contract.primary_exchange, told)
    elif request.kind == "BidAsk":
        quotes = sizes.told_spreads(spreads(contract, record, window))
        frame = history_answers.historical_bid_ask(version, request_id, quotes)
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
    """Raises Rejected (10092, 200, 321, 102). No legs come with the request for a combination's book."""
    if request.contract.sec_type == COMBO:
        raise Rejected(NO_DEPTH, _NO_DEPTH)
    contract = resolve(session.market, request.contract)
    if request.rows < 1:
        raise Rejected(*invalid("Number of rows must be above 0"))
    if request.request_id in session.depth:
        raise Rejected(DUPLICATE_ID, "Duplicate ticker id")
    return contract


def _check_depth(session: Session, request: MarketDepthRequest, contract: Contract) -> None:
    """Raises Rejected (10092, 354, 309)."""
    venue = routed(contract, request.contract.exchange)
    if request.smart != (venue == SMART) or not has(contract, Source.BID):
        raise Rejected(NO_DEPTH, _NO_DEPTH)
    where = contract.primary_exchange if venue == SMART else venue
    text = f"Requested market data is not subscribed.{contract.local_symbol} {where}/DEEP/ALL"
    check_live(session, Rejected(NOT_SUBSCRIBED, text))
    check_depth_lines(session)


def cancel_market_depth(session: Session, request: Identified) -> None:
    if not session.depth.close(request.request_id):
        text = f"Can't find the subscribed market depth with tickerId:{request.request_id}"
        session.outlet.error(request.request_id, UNKNOWN_DEPTH, text)
