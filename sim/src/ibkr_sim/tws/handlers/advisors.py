"""An advisor's groups, profiles and aliases: told, and replaced as a whole."""

from __future__ import annotations

from typing import Final

from ibkr_sim.exchange.model import Rejected
from ibkr_sim.tws.advisors.documents import AdviceKind
from ibkr_sim.tws.advisors.office import Advisory
from ibkr_sim.tws.answers import advisors as answers
from ibkr_sim.tws.answers.session import SYSTEM
from ibkr_sim.tws.refusals import INVALID, invalid
from ibkr_sim.tws.requests.advisors import AdviceReplacement, AdviceRequest
from ibkr_sim.tws.session import Session
from ibkr_sim.tws.versions import NO_PROFILES

NO_ADVISOR: Final = (INVALID, "FA data operations ignored for non FA customers.")
_DONE: Final = "success"


def request_advice(session: Session, request: AdviceRequest) -> None:
    try:
        office, kind = _office(session), _kind(session, request.kind)
    except Rejected as refusal:
        session.refuse(SYSTEM, refusal)
        return
    session.send(answers.advice(session.version, kind, office.document(kind)))


def replace_advice(session: Session, request: AdviceReplacement) -> None:
    try:
        _office(session).replace(_kind(session, request.kind), request.text)
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)
        return
    session.send(answers.advice_replaced(session.version, request.request_id, _DONE))


def _office(session: Session) -> Advisory:
    """Raises Rejected (321) where no account is an advisor's."""
    if session.house.advisory is None:
        raise Rejected(*NO_ADVISOR)
    return session.house.advisory


def _kind(session: Session, number: int) -> AdviceKind:
    """Raises Rejected (321)."""
    if number == AdviceKind.PROFILES and session.version >= NO_PROFILES:
        raise Rejected(*invalid("FA Profile is not supported anymore, use FA Group instead."))
    try:
        return AdviceKind(number)
    except ValueError:
        raise Rejected(*invalid("Invalid FA data type")) from None
