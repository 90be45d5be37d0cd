"""Quotes: streams, snapshots, and which kind of data the user is entitled to."""

from __future__ import annotations

from ibkr_sim.exchange.model import Contract, Rejected
from ibkr_sim.tws.answers import marketdata as answers
from ibkr_sim.tws.feeds.generic_ticks import numbers
from ibkr_sim.tws.feeds.marketdata import Kind
from ibkr_sim.tws.permissions import check_lines, described, is_delayed
from ibkr_sim.tws.refusals import invalid
from ibkr_sim.tws.requests.marketdata import MarketDataRequest, MarketDataType
from ibkr_sim.tws.requests.session import Identified
from ibkr_sim.tws.rerouting import rerouted
from ibkr_sim.tws.resolution import routed
from ibkr_sim.tws.session import Session

DUPLICATE_ID, UNKNOWN_ID = 102, 300
NOT_SUBSCRIBED, SHOWING_DELAYED, NOT_FOR_API = 354, 10167, 10089
DELAYED_KINDS, FROZEN_KINDS = frozenset({3, 4}), frozenset({2, 4})
KINDS = frozenset({1, 2, 3, 4})


def market_data_type(session: Session, request: MarketDataType) -> None:
    """Nothing is answered, and an unknown kind is ignored, as live servers do."""
    if request.kind in KINDS:
        session.market_data_type = request.kind


def market_data(session: Session, request: MarketDataRequest) -> None:
    try:
        _check_ticks(request)
        contract = _wanted(session, request)
        underlying = rerouted(session.market, contract, session.house.settings.reroutes_cfds_on)
        delayed = underlying is None and _permitted(session, request)
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)
        return
    if underlying is not None:
        exchange = routed(underlying, request.contract.exchange)
        session.send(answers.reroute_market_data(session.version, request.request_id, underlying.conid, exchange))
        return
    if delayed:
        text = "Requested market data is not subscribed. Displaying delayed market data."
        session.outlet.error(request.request_id, SHOWING_DELAYED, text)
    kind = Kind(delayed=delayed, frozen=session.market_data_type in FROZEN_KINDS)
    if request.snapshot:
        session.quotes.snapshot(request.request_id, contract, kind)
    else:
        session.quotes.open(request.request_id, contract, kind, generic=request.generic_ticks)


def _check_ticks(request: MarketDataRequest) -> None:
    """Raises Rejected (321, 10089)."""
    if request.snapshot and request.generic_ticks:
        raise Rejected(*invalid("Snapshot market data subscription is not applicable to generic ticks"))
    if request.regulatory:
        text = (
            "Requested market data requires additional subscription for API. "
            "See link in 'Market Data Connections' dialog for more details."
        )
        raise Rejected(NOT_FOR_API, text)
    numbers(request.generic_ticks)


def _wanted(session: Session, request: MarketDataRequest) -> Contract:
    """Raises Rejected (200, 102; of a combination 321 and 10000 too)."""
    contract = described(session.market, request.contract, request.legs)
    if request.request_id in session.quotes:
        raise Rejected(DUPLICATE_ID, "Duplicate ticker id")
    return contract


def _permitted(session: Session, request: MarketDataRequest) -> bool:
    """Whether the data is delayed. Raises Rejected."""
    if not request.snapshot:
        check_lines(session)
    delayed = is_delayed(session)
    if delayed and session.market_data_type not in DELAYED_KINDS:
        text = "Requested market data is not subscribed.Delayed market data is available."
        raise Rejected(NOT_SUBSCRIBED, text)
    return delayed


def cancel_market_data(session: Session, request: Identified) -> None:
    if not session.quotes.close(request.request_id):
        session.outlet.error(request.request_id, UNKNOWN_ID, f"Can't find EId with tickerId:{request.request_id}")
