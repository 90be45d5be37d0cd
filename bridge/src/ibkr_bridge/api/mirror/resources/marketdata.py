"""Prices from live lines: however many ask for a contract, and however often, it is one line at IBKR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ibkr_bridge.api.mirror import passing, past
from ibkr_bridge.api.mirror.answers import Refusal
from ibkr_bridge.api.mirror.call import Call
from ibkr_bridge.api.mirror.entry import Entry, answered, passed
from ibkr_bridge.api.mirror.shapes import fields
from ibkr_bridge.domain.errors import NotSupported
from ibkr_bridge.engine.mirror import REGULATORY_SNAPSHOT, Priced

_MOST_CONIDS: Final = 100
_MOST_FIELDS: Final = 50
_SNAPSHOT: Final = "/iserver/marketdata/snapshot"
_USUAL: Final = ("31", "84", "86")


def entries() -> list[Entry]:
    stays = "Ends it for this caller; a line at IBKR closes when nobody has asked for it for a minute."
    charged = "IBKR charges for each: as many a day as the settings allow, none by default, and never repeated."
    return [
        answered("GET", _SNAPSHOT, snapshot, "From live lines; fields that these do not know are asked of IBKR."),
        answered("POST", _SNAPSHOT, snapshot_of_numbers, "The same as numbers: `[{conid, data: {field: number}}]`."),
        answered("GET", "/md/snapshot", snapshot, "As above."),
        answered("POST", "/iserver/marketdata/unsubscribe", unsubscribe, stays),
        answered("GET", "/iserver/marketdata/{conid}/unsubscribe", unsubscribe, stays),
        answered("GET", "/iserver/marketdata/unsubscribeall", unsubscribe_all, stays),
        passed("GET", "/iserver/marketdata/history", "Identical questions are asked once.", tws=history),
        answered("GET", REGULATORY_SNAPSHOT, regulatory_snapshot, charged, tws=False),
    ]


async def snapshot(call: Call) -> Any:
    conids = _conids(call.query.get("conids", "").split(","))
    names = _names(call.query.get("fields", "").split(","))
    found = await _live(call, conids)
    told = {conid: fields.row(contract, seen, names) for conid, (contract, seen) in found.items()}
    more = await _asked(call, conids, fields.unknown(names))
    return [told.get(conid, fields.identity(conid)) | more.get(conid, {}) for conid in conids]


async def history(call: Call) -> Any:
    return {"serverId": "1", **await past.told(call.engine, past.wanted(call.query.get("conid", ""), call.query))}


async def snapshot_of_numbers(call: Call) -> Any:
    listed, wanted = call.member("conids"), call.member("fields")
    if not isinstance(listed, list) or not isinstance(wanted, list | None):
        raise Refusal(400, "Bad Request: conids and fields must be lists")
    conids, names = _conids(map(str, listed)), _names(map(str, wanted or _USUAL))
    found = await _live(call, conids)
    return [
        {"conid": conid, "data": fields.numbers(found[conid][1], names) if conid in found else {}} for conid in conids
    ]


async def regulatory_snapshot(call: Call) -> Any:
    conid = call.query.get("conid", "")
    if not conid.isdecimal():
        raise Refusal(400, "Bad Request: conid is missing or no number")
    return passing.reply(call, await call.engine.mirror.regulatory_snapshot({"conid": conid}))


async def unsubscribe(call: Call) -> Any:
    conid = str(call.arguments.get("conid") or call.member("conid") or "")
    if not conid.isdecimal() or int(conid) not in call.caller.watched:
        raise Refusal(500, "unknown", advice="Only prices that you have asked for can be unsubscribed from.")
    call.caller.watched.discard(int(conid))
    return {"success": True}


async def unsubscribe_all(call: Call) -> Any:
    call.caller.watched.clear()
    return {"unsubscribed": True}


async def _live(call: Call, conids: Sequence[int]) -> Mapping[int, Priced]:
    call.caller.watched.update(conids)
    known = [conid for conid in conids if conid > 0]
    found = await call.engine.mirror.quotes(known)
    if known and not found:
        call.engine.sessions.require()
    return found


async def _asked(call: Call, conids: Sequence[int], names: Sequence[str]) -> Mapping[int, dict[str, Any]]:
    """What live lines do not know, from IBKR's own snapshot; nothing at a door that has none."""
    if not names:
        return {}
    query = {"conids": ",".join(map(str, sorted(conids))), "fields": ",".join(sorted(names))}
    try:
        told = await passing.ask(call, "GET", _SNAPSHOT, query)
    except NotSupported:
        return {}
    reply = passing.reply(call, told)
    value = passing.told_value(told) if reply.status == 200 else None
    listed = value if isinstance(value, list) else []
    wanted = set(names)
    return {
        int(row["conid"]): {name: value for name, value in row.items() if name in wanted}
        for row in listed
        if isinstance(row, dict) and isinstance(row.get("conid"), int)
    }


def _conids(texts: Any) -> list[int]:
    found = [text.partition("@")[0].strip() for text in texts]
    wanted = list(dict.fromkeys(text for text in found if text))
    if not wanted:
        raise Refusal(400, "Bad Request: conids are missing")
    if len(wanted) > _MOST_CONIDS or not all(text.isdecimal() and len(text) < 11 for text in wanted):
        raise Refusal(400, f"Bad Request: conids must be 1 to {_MOST_CONIDS} numbers")
    return [int(text) for text in wanted]


def _names(texts: Any) -> list[str]:
    names = [text for text in dict.fromkeys(texts) if text]
    if len(names) > _MOST_FIELDS or not all(name.isdecimal() and len(name) < 6 for name in names):
        raise Refusal(400, f"Bad Request: at most {_MOST_FIELDS} fields, each a number")
    return names
