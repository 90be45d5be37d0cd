"""The market as a whole and the windows of TWS: exchanges and their letters, families, display groups."""

from __future__ import annotations

from ibkr_sim.reference.venues import components
from ibkr_sim.reference.venues import depth_exchanges as depth_venues
from ibkr_sim.tws.answers import reference as answers
from ibkr_sim.tws.answers.session import empty_list
from ibkr_sim.tws.groups import GROUPS
from ibkr_sim.tws.refusals import invalid
from ibkr_sim.tws.requests.reference import GroupSubscription, GroupUpdate, SmartComponents
from ibkr_sim.tws.requests.session import Identified, Plain
from ibkr_sim.tws.session import Session


def depth_exchanges(session: Session, _request: Plain) -> None:
    session.send(answers.depth_exchanges(session.version, depth_venues()))


def smart_components(session: Session, request: SmartComponents) -> None:
    found = components(request.key)
    if found is None:
        session.outlet.error(request.request_id, *invalid("Invalid BBO exchange"))
    else:
        session.send(answers.smart_components(session.version, request.request_id, found))


def soft_dollar_tiers(session: Session, request: Identified) -> None:
    """Nobody here has any."""
    session.send(empty_list(77, session.version, request.request_id))


def family_codes(session: Session, _request: Plain) -> None:
    house = session.house
    code = "" if house.advisory is None else house.advisory.family
    session.send(answers.family_codes(session.version, house.accounts, code))


def display_groups(session: Session, request: Identified) -> None:
    session.send(answers.display_groups(session.version, request.request_id, GROUPS))


def follow_group(session: Session, request: GroupSubscription) -> None:
    def tell(contract: str) -> None:
        session.send(answers.display_group_updated(session.version, request.request_id, contract))

    if not session.house.groups.follow(session.client_id, request.request_id, request.group, tell):
        session.outlet.error(request.request_id, *invalid("Invalid display group"))


def update_group(session: Session, request: GroupUpdate) -> None:
    if not session.house.groups.show(session.client_id, request.request_id, request.contract):
        session.outlet.error(request.request_id, *invalid("Invalid display group update"))


def leave_group(session: Session, request: Identified) -> None:
    if not session.house.groups.leave(session.client_id, request.request_id):
        session.outlet.error(request.request_id, *invalid("No display group subscription for this id"))
