"""Watchlists of the user; one that is read for the first time answers thinly."""

from __future__ import annotations

from typing import Any

from ibkr_sim.exchange.model import Contract
from ibkr_sim.webapi.answers import refusal
from ibkr_sim.webapi.call import Call, Route, Tier
from ibkr_sim.webapi.numbers import milliseconds
from ibkr_sim.webapi.shapes.contracts import entities
from ibkr_sim.webapi.user.watchlists import Watchlist

_WARM = "watchlists"


def routes() -> list[Route]:
    return [
        Route("GET", "/iserver/watchlists", listing, Tier.BROKERAGE),
        Route("POST", "/iserver/watchlist", save, Tier.BROKERAGE),
        Route("GET", "/iserver/watchlist", read, Tier.BROKERAGE),
        Route("DELETE", "/iserver/watchlist", delete, Tier.BROKERAGE),
    ]


def listing(call: Call) -> Any:
    call.progress.asked.add(_WARM)
    data = {
        "scanners_only": False,
        "system_lists": [],
        "show_scanners": False,
        "bulk_delete": False,
        "user_lists": [_listed(row) for row in call.house.user.watchlists.all()],
    }
    return {"data": data, "action": "content", "MID": call.house.user.watchlists.count()}


def save(call: Call) -> Any:
    if not isinstance(call.body, dict) or not call.body:
        raise refusal(400, "Bad Request: body is empty")
    call.progress.asked.add(_WARM)
    list_id, name, rows = str(call.member("id") or ""), call.member("name"), call.member("rows")
    if not list_id.isdecimal() or not isinstance(name, str) or not name:
        raise refusal(503, "Service Unavailable")
    watchlist = Watchlist(list_id, name, _rows(rows), call.market.now())
    call.house.user.watchlists.save(watchlist)
    call.progress.asked.discard(f"watchlist/{list_id}")
    return _head(watchlist) | {"instruments": []}


def read(call: Call) -> Any:
    list_id = call.query.get("id", "")
    watchlist = call.house.user.watchlists.find(list_id)
    call.progress.asked.add(_WARM)
    if watchlist is None:
        raise refusal(503, "Service Unavailable")
    rich = not call.progress.first(f"watchlist/{list_id}")
    return _head(watchlist) | {"instruments": [_row(call, conid, rich=rich) for conid in watchlist.rows]}


def delete(call: Call) -> Any:
    """The id comes in the query, or from some clients in a body. One that does not exist fails on a cold session."""
    list_id = call.query.get("id") or str(call.member("id") or "")
    known = call.house.user.watchlists.delete(list_id)
    if not known and call.progress.first(_WARM):
        raise refusal(503, "Service Unavailable")
    return {"data": {"deleted": list_id}, "action": "context", "MID": call.house.user.watchlists.count()}


def _head(watchlist: Watchlist) -> dict[str, Any]:
    changed = str(milliseconds(watchlist.changed))
    return {"id": watchlist.id, "hash": changed, "name": watchlist.name, "readOnly": False}


def _listed(watchlist: Watchlist) -> dict[str, Any]:
    return {
        "is_open": False,
        "read_only": False,
        "name": watchlist.name,
        "modified": milliseconds(watchlist.changed),
        "id": watchlist.id,
        "type": "watchlist",
    }


def _rows(rows: object) -> tuple[int | None, ...]:
    """Conids that do not exist are taken, too."""
    known = rows if isinstance(rows, list) else []
    return tuple(_conid(row.get("C")) for row in known if isinstance(row, dict))


def _conid(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isdecimal() and len(text) < 12 else None


def _row(call: Call, conid: int | None, *, rich: bool) -> dict[str, Any]:
    if conid is None:
        return {"H": ""}
    contract = call.market.contract(conid)
    if contract is None:
        return {"ST": "STK", "C": str(conid), "conid": conid}
    thin = {"C": str(conid), "conid": conid, "name": contract.long_name}
    return _full(contract) if rich else thin


def _full(contract: Contract) -> dict[str, Any]:
    return {
        "ST": contract.sec_type,
        "C": str(contract.conid),
        "conid": contract.conid,
        "name": contract.long_name,
        "fullName": contract.local_symbol,
        "assetClass": contract.sec_type,
        "ticker": contract.symbol,
        "chineseName": entities(contract.long_name),
    }
