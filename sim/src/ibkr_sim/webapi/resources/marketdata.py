"""Market data on request: snapshots that open a stream and answer thinly at first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ibkr_sim.exchange.model import Contract
from ibkr_sim.webapi.answers import plain_refusal, refusal
from ibkr_sim.webapi.call import Call, Route, Tier
from ibkr_sim.webapi.house import House
from ibkr_sim.webapi.pacing import Limit
from ibkr_sim.webapi.sessions.portal import PortalSession
from ibkr_sim.webapi.sessions.progress import Line
from ibkr_sim.webapi.shapes import snapshot as shapes
from ibkr_sim.webapi.shapes.computed import FIELDS as SLOW
from ibkr_sim.webapi.shapes.computed import computed
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
    """A field that is asked for the first time is missing, a computed one longer; so is a whole row."""
    contract = call.contract(conid)
    if contract is None:
        return shapes.identity(int(conid) if conid.isdecimal() and len(conid) < 12 else 0)
    line = call.progress.lines.get(contract.conid)
    if line is None:
        if len(call.progress.lines) >= call.house.settings.market_data_lines:
            raise plain_refusal(500, "Max number of market data subscriptions reached")
        call.market.quote(contract.conid)
        line = call.progress.lines[contract.conid] = Line(f"q{len(call.progress.lines)}")
    unsettled = call.house.unsettled
    known = [name for name in fields if line.fields[name] >= (unsettled.slow_looks if name in SLOW else 1)]
    line.fields.update(set(fields))
    if not known:
        return shapes.identity(contract.conid)
    seen = view(call.house, call.session, contract, known)
    return shapes.snapshot(seen, known, line.server_id, call.house.settings.entitlement)


def view(house: House, session: PortalSession, contract: Contract, fields: Sequence[str]) -> View:
    """Of a contract as the selected account sees it; `fields` say what has to be computed."""
    market, account = house.market, session.account
    position = market.position(account, contract.conid) if account in market.accounts else None
    quote = market.quote(contract.conid)
    blind = house.unsettled.greeks_need_underlying and not session.progress.has_line(contract.under_conid)
    found = {} if blind and contract.is_option else computed(market, contract, quote, fields)
    return View(contract, quote, position, found)


def unsubscribe(call: Call) -> Any:
    conid = call.arguments.get("conid") or str(call.member("conid") or "")
    contract = call.contract(conid)
    if contract is None or call.progress.lines.pop(contract.conid, None) is None:
        raise plain_refusal(call.house.unsettled.not_subscribed_status, "unknown")
    return {"success": True}


def unsubscribe_all(call: Call) -> Any:
    call.progress.lines.clear()
    return {"unsubscribed": True}
