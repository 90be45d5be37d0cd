"""Ids, accounts, time: requests that need nothing but the session."""

from __future__ import annotations

from ibkr_sim.tws.answers import session as answers
from ibkr_sim.tws.requests.session import Identified, Plain
from ibkr_sim.tws.session import Session


def ids(session: Session, _request: Plain) -> None:
    session.send(answers.next_valid_id(session.version, session.house.book.next_id(session.client_id)))


def managed_accounts(session: Session, _request: Plain) -> None:
    session.send(answers.managed_accounts(session.version, session.house.accounts))


def current_time(session: Session, _request: Plain) -> None:
    session.send(answers.current_time(session.version, session.visit.now()))


def current_time_in_millis(session: Session, _request: Plain) -> None:
    session.send(answers.current_time_in_millis(session.version, session.visit.now()))


def accept(_session: Session, _request: Plain) -> None:
    """Requests that are answered with nothing: a log level, a second startApi."""


def user_info(session: Session, request: Identified) -> None:
    session.send(answers.user_info(session.version, request.request_id))
