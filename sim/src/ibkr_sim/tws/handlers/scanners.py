"""Scanners: what can be scanned for, and subscriptions."""

from __future__ import annotations

from typing import Final

from ibkr_sim.exchange.model import Rejected
from ibkr_sim.reference.scanning import InvalidScan, Scan, Wanted, scan
from ibkr_sim.tws.answers import scanners as answers
from ibkr_sim.tws.history_rules import history_error
from ibkr_sim.tws.refusals import overloaded
from ibkr_sim.tws.requests.scanners import ScannerSubscription
from ibkr_sim.tws.requests.session import Identified, Plain
from ibkr_sim.tws.session import Session

HISTORY_MESSAGE, UNKNOWN_SCANNER = 165, 365
MOST_SUBSCRIPTIONS: Final = 10
MOST_ROWS: Final = 50


def scanner_parameters(session: Session, _request: Plain) -> None:
    session.send(answers.scanner_parameters(session.version))


def scanner_subscription(session: Session, request: ScannerSubscription) -> None:
    try:
        wanted = _scan(session, request)
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)
        return
    rows = request.rows if 0 < request.rows <= MOST_ROWS else MOST_ROWS
    if not session.scans.open(request.request_id, wanted, rows):
        text = "Historical Market Data Service query message:no items retrieved"
        session.outlet.error(request.request_id, HISTORY_MESSAGE, text)


def _scan(session: Session, request: ScannerSubscription) -> Scan:
    """Raises Rejected: 322 for one too many, 162 for what no scanner knows."""
    if request.request_id in session.scans:
        raise Rejected(*overloaded("Duplicate ticker ID for API scanner subscription"))
    if len(session.scans) >= MOST_SUBSCRIPTIONS:
        raise Rejected(*overloaded(f"Only {MOST_SUBSCRIPTIONS} simultaneous API scanner subscriptions are allowed."))
    try:
        return scan(Wanted(request.instrument, request.location, request.code, request.filters))
    except InvalidScan as refusal:
        raise history_error(f"{refusal}") from refusal


def cancel_scanner_subscription(session: Session, request: Identified) -> None:
    """The end is told as an error 162."""
    if session.scans.close(request.request_id):
        session.refuse(request.request_id, history_error(f"API scanner subscription cancelled: {request.request_id}"))
    else:
        text = f"No scanner subscription found for ticker id:{request.request_id}"
        session.outlet.error(request.request_id, UNKNOWN_SCANNER, text)
