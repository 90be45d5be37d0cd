"""Accounts, positions and profit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ibkr_sim.exchange.model import Rejected
from ibkr_sim.tws.answers.session import SYSTEM
from ibkr_sim.tws.feeds.accounts import Multi
from ibkr_sim.tws.refusals import invalid, overloaded
from ibkr_sim.tws.requests.accounts import AccountSummary, AccountUpdates, MultiRequest, PnlSingle
from ibkr_sim.tws.requests.session import Identified, Plain
from ibkr_sim.tws.session import Session
from ibkr_sim.tws.settings import AccountUpdatesRule

MOST_SUMMARIES = 2
UNSUBSCRIBED, SUBSCRIBED_ELSEWHERE = 2100, 2101
_UNSUBSCRIBED: Final = "New account data requested from TWS.  API client has been unsubscribed from account data."
_SUBSCRIBED_ELSEWHERE: Final = (
    "Unable to subscribe to account as the following clients are subscribed to a different account"
)
EVERY_ACCOUNT = "All"


def chosen_account(session: Session, named: str) -> str:
    """The account named, or the first where none is. Raises Rejected (321) for a stranger's."""
    accounts = session.house.accounts
    if not named:
        return accounts[0]
    if named not in accounts:
        raise Rejected(*invalid("Invalid account code"))
    return named


def account_updates(session: Session, request: AccountUpdates) -> None:
    if not request.subscribe:
        session.accounts.close_updates()
        return
    try:
        account = chosen_account(session, request.account)
        _make_room(session, account)
    except Rejected as refusal:
        session.refuse(SYSTEM, refusal)
        return
    session.accounts.open_updates(account)


def _make_room(session: Session, account: str) -> None:
    """For one account's updates among those of all clients. Raises Rejected (2101)."""
    rule = session.house.settings.account_updates
    others = [one for one in session.house.others(session) if one.accounts.updated not in (None, account)]
    if rule is AccountUpdatesRule.SHARED or not others:
        return
    if rule is AccountUpdatesRule.REFUSED:
        clients = ", ".join(str(one.client_id) for one in others)
        raise Rejected(SUBSCRIBED_ELSEWHERE, f"{_SUBSCRIBED_ELSEWHERE}: {clients}")
    for one in others:
        one.accounts.close_updates()
        one.outlet.error(SYSTEM, UNSUBSCRIBED, _UNSUBSCRIBED)


def account_updates_multi(session: Session, request: MultiRequest) -> None:
    multi = _multi(session, request)
    if multi is not None:
        session.accounts.open_values_multi(request.request_id, multi)


def cancel_account_updates_multi(session: Session, request: Identified) -> None:
    session.accounts.close_values_multi(request.request_id)


def account_summary(session: Session, request: AccountSummary) -> None:
    try:
        accounts = _summarized(session, request)
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)
        return
    session.accounts.open_summary(request.request_id, request.tags, accounts)


def _summarized(session: Session, request: AccountSummary) -> Sequence[str]:
    """The accounts of a group. Raises Rejected (321, 322)."""
    house = session.house
    known = None if house.advisory is None else house.advisory.members(request.group)
    accounts = house.accounts if request.group == EVERY_ACCOUNT else known
    if accounts is None:
        raise Rejected(*invalid("Group name cannot be null or unknown"))
    if not request.tags:
        raise Rejected(*invalid("Tag name cannot be null"))
    if request.request_id in session.accounts.summaries:
        raise Rejected(*overloaded("Duplicate ticker id"))
    if len(session.accounts.summaries) >= MOST_SUMMARIES:
        raise Rejected(*overloaded("Maximum number of account summary requests exceeded"))
    return accounts


def cancel_account_summary(session: Session, request: Identified) -> None:
    session.accounts.close_summary(request.request_id)


def positions(session: Session, _request: Plain) -> None:
    session.accounts.open_positions()


def cancel_positions(session: Session, _request: Plain) -> None:
    session.accounts.close_positions()


def positions_multi(session: Session, request: MultiRequest) -> None:
    multi = _multi(session, request)
    if multi is not None:
        session.accounts.open_positions_multi(request.request_id, multi)


def cancel_positions_multi(session: Session, request: Identified) -> None:
    session.accounts.close_positions_multi(request.request_id)


def pnl(session: Session, request: MultiRequest) -> None:
    try:
        session.pnl.open(request.request_id, chosen_account(session, request.account))
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)


def cancel_pnl(session: Session, request: Identified) -> None:
    if not session.pnl.close(request.request_id):
        session.refuse(request.request_id, Rejected(*invalid("No PnL subscription for this id")))


def pnl_single(session: Session, request: PnlSingle) -> None:
    try:
        account = chosen_account(session, request.account)
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)
        return
    if not session.pnl.open_single(request.request_id, account, request.conid):
        session.refuse(request.request_id, Rejected(*invalid("No position in this contract")))


def cancel_pnl_single(session: Session, request: Identified) -> None:
    if not session.pnl.close_single(request.request_id):
        session.refuse(request.request_id, Rejected(*invalid("No PnL subscription for this id")))


def _multi(session: Session, request: MultiRequest) -> Multi | None:
    try:
        account = chosen_account(session, request.account)
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)
        return None
    return Multi(account, request.model, request.ledger_only)
