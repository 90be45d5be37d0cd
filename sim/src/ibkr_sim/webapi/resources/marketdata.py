"""Market data on request: snapshots that open a stream and answer thinly at first."""

from __future__ import annotations

from typing import Any

from ibkr_sim.exchange.model import Contract
from ibkr_sim.webapi.answers import plain_refusal, refusal
from ibkr_sim.webapi.call import Call, Route, Tier
from ibkr_sim.webapi.pacing import Limit
from ibkr_sim.webapi.sessions.progress import Line
from ibkr_sim.webapi.shapes import snapshot as shapes
from ibkr_sim.webapi.shapes.snapshot import View

MOST_CONIDS, MOST_FIELDS = 100, 50


def routes() -> list[Route]:
    limit = Limit("/iserver/marketdata/snapshot", 10, 1)
    return [
        Route("GET", "/iserver/marketdata/snapshot", snapshot, Tier.ACCOUNTS, limit),
        Route("GET", "/md/snapshot", snapshot, Tier.ACCOUNTS, limit),
        Route("POST", "/iserver/marketdata/unsubscribe", unsubscribe, Tier.BROKERAGE),
        Route("GET", "/iserver/marketdata/{conid}/unsubscribe", unsubscribe, Tier.BROKERAGE),
        Route("GET", "/iserver/marketdata/unsubscribeall", unsubscribe_all, Tier.BROKERAGE),
    ]


def snapshot(call: Call) -> Any:
    conids = [conid for conid in call.query.get("conids", "").split(",") if conid]
    fields = [field for field in call.query.get("fields", "").split(",") if field]
    if not conids:
        raise refusal(400, "Bad Request: conids are missing")
    if len(conids) > MOST_CONIDS or len(fields) > MOST_FIELDS:
        raise refusal(400, "Bad Request: at most 100 conids and 50 fields")
    return [_row(call, conid, fields) for conid in conids]


def _row(call: Call, conid: str, fields: list[str]) -> dict[str, Any]:
    """A field that is asked for the first time is missing; so is a whole row."""
    contract = call.contract(conid)
    if contract is None:
        return shapes.identity(int(conid) if conid.isdecimal() and len(conid) < 12 else 0)
    line = call.progress.lines.get(contract.conid)
    if line is None:
        if len(call.progress.lines) >= call.house.settings.market_data_lines:
            raise plain_refusal(500, "Max number of market data subscriptions reached")
        call.market.quote(contract.conid)
        line = call.progress.lines[contract.conid] = Line(f"q{len(call.progress.lines)}")
    known = line.fields & set(fields)
    line.fields.update(fields)
    if not known:
        return shapes.identity(contract.conid)
    ordered = [field for field in fields if field in known]
    return shapes.snapshot(view(call, contract), ordered, line.server_id, call.house.settings.entitlement)


def view(call: Call, contract: Contract) -> View:
    account = call.session.account
    position = call.market.position(account, contract.conid) if account in call.market.accounts else None
    return View(contract, call.market.quote(contract.conid), position)


def unsubscribe(call: Call) -> Any:
    conid = call.arguments.get("conid") or str(call.member("conid") or "")
    contract = call.contract(conid)
    if contract is None or call.progress.lines.pop(contract.conid, None) is None:
        raise plain_refusal(call.house.unsettled.not_subscribed_status, "unknown")
    return {"success": True}


def unsubscribe_all(call: Call) -> Any:
    call.progress.lines.clear()
    return {"unsubscribed": True}
