"""The day's executions, filtered as a client asks."""

from __future__ import annotations

from datetime import datetime

from ibkr_sim.exchange.model import Execution, Side
from ibkr_sim.tws.answers import executions as answers
from ibkr_sim.tws.refusals import invalid
from ibkr_sim.tws.requests.orders import ExecutionsRequest
from ibkr_sim.tws.session import Session
from ibkr_sim.tws.times import parse_filter

_SIDES = {"BUY": Side.BUY, "BOT": Side.BUY, "SELL": Side.SELL, "SLD": Side.SELL}


def executions(session: Session, request: ExecutionsRequest) -> None:
    """Each execution that passes, with its commission, then the end."""
    since = parse_filter(request.time, session.house.settings.time_zone) if request.time else None
    if request.time and since is None:
        session.outlet.error(request.request_id, *invalid("Invalid time format"))
        return
    rows, ended = session.visit.executions()
    for execution, commission in rows:
        if _passes(session, request, since, execution):
            session.orders.execution(request.request_id, execution)
            session.send(answers.commission_report(session.version, commission))
    if ended:
        session.send(answers.execution_details_end(session.version, request.request_id))


def _passes(session: Session, request: ExecutionsRequest, since: datetime | None, execution: Execution) -> bool:
    contract = session.market.contract(execution.conid)
    if contract is None or (since is not None and execution.time < since):
        return False
    asked = (
        (request.client_id, execution.client_id),
        (request.account, execution.account),
        (request.symbol, contract.symbol),
        (request.sec_type, contract.sec_type),
        (request.exchange, execution.exchange),
        (_SIDES.get(request.side.upper()), execution.side),
    )
    return all(not wanted or wanted == actual for wanted, actual in asked)
