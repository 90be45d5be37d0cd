"""Reports on a company, for users who have a subscription to fundamentals."""

from __future__ import annotations

from typing import Final

from ibkr_sim.exchange.model import Rejected
from ibkr_sim.reference.company_reports import report
from ibkr_sim.reference.fundamentals import fundamentals
from ibkr_sim.tws.answers.reference import fundamental_data as answer
from ibkr_sim.tws.requests.fundamentals import FundamentalData
from ibkr_sim.tws.resolution import resolve
from ibkr_sim.tws.session import Session

NOT_AVAILABLE: Final = 430
_REFUSAL: Final = "We are sorry, but fundamentals data for the security specified is not available."


def fundamental_data(session: Session, request: FundamentalData) -> None:
    """430 without the subscription, of what is no company's share, and for a report that does not exist."""
    try:
        text = _report(session, request) if session.house.settings.fundamentals else None
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)
        return
    if text is None:
        session.outlet.error(request.request_id, NOT_AVAILABLE, _REFUSAL)
    else:
        session.send(answer(session.version, request.request_id, text))


def _report(session: Session, request: FundamentalData) -> str | None:
    """Raises Rejected (200)."""
    known = fundamentals(session.market, resolve(session.market, request.contract))
    return None if known is None else report(known, request.report)
