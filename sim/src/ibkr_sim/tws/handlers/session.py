"""Ids, accounts, time: requests that need nothing but the session."""

from __future__ import annotations

from ibkr_sim.tws.answers import session as answers
from ibkr_sim.tws.requests.session import Identified, Plain, Switch
from ibkr_sim.tws.session import Session

ONLY_CLIENT_ZERO = 327


def ids(session: Session, _request: Plain) -> None:
    session.send(answers.next_valid_id(session.version, session.house.book.next_id(session.client_id)))


def managed_accounts(session: Session, _request: Plain) -> None:
    session.send(answers.managed_accounts(session.version, session.market.accounts))


def current_time(session: Session, _request: Plain) -> None:
    session.send(answers.current_time(session.version, session.visit.now()))


def accept(_session: Session, _request: Plain) -> None:
    """Requests that IBKR answers with nothing: a log level, a subscription to bulletins, a second startApi."""


def auto_open_orders(session: Session, _request: Switch) -> None:
    if session.client_id:
        session.outlet.error(
            answers.SYSTEM, ONLY_CLIENT_ZERO, "Only the default client (i.e., 0) can auto bind orders."
        )


def user_info(session: Session, request: Identified) -> None:
    session.send(answers.user_info(session.version, request.request_id))


def soft_dollar_tiers(session: Session, request: Identified) -> None:
    session.send(answers.empty_list(77, session.version, request.request_id))


def family_codes(session: Session, _request: Plain) -> None:
    session.send(answers.empty_list(78, session.version))


def depth_exchanges(session: Session, _request: Plain) -> None:
    session.send(answers.empty_list(80, session.version))


def smart_components(session: Session, request: Identified) -> None:
    session.send(answers.empty_list(82, session.version, request.request_id))


def news_providers(session: Session, _request: Plain) -> None:
    session.send(answers.empty_list(85, session.version))


def option_parameters(session: Session, request: Identified) -> None:
    """No contract here has options: the list ends where it begins."""
    session.send(answers.only_id(76, session.version, request.request_id))
