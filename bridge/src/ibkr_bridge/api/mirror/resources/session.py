"""The session as each caller sees it: one session with IBKR serves them all, so nobody can end or change it."""

from __future__ import annotations

from typing import Any, Final

from ibkr_bridge.api.mirror import passing
from ibkr_bridge.api.mirror.answers import Refusal, Reply
from ibkr_bridge.api.mirror.call import ALL, Call
from ibkr_bridge.api.mirror.entry import Entry, answered
from ibkr_bridge.api.mirror.shapes import session as shapes
from ibkr_bridge.api.mirror.shapes.numbers import milliseconds
from ibkr_bridge.domain.errors import NotSupported
from ibkr_bridge.domain.world import World

_LOGIN_ENDS: Final = 600_000
"""Milliseconds that IBKR shows for a login that is kept alive."""
_ACCOUNTS_KEPT: Final = 60.0
_MOST_SUPPRESSED: Final = 51
_LOGIN_TYPES: Final = {World.LIVE: 1}
_PAPER: Final = 2


def entries() -> list[Entry]:
    nothing_ends = "The session stays open for the others; only what is this caller's is forgotten."
    ours = "The service keeps the session by itself; the answer says how it stands."
    return [
        answered("GET POST", "/iserver/auth/status", status, "From our session's state."),
        answered("POST", "/iserver/auth/ssodh/init", status, ours),
        answered("GET POST", "/iserver/reauthenticate", reauthenticate, ours),
        answered("GET POST", "/tickle", tickle, "From our session's state; `session` names the caller."),
        answered("GET POST", "/sso/validate", validate, "From our session's state; who logged in is not told."),
        answered("GET POST", "/logout", log_out, nothing_ends),
        answered("GET", "/iserver/accounts", accounts, "IBKR's answer, with the account this caller has selected."),
        answered("POST", "/iserver/account", select, "Selects for this caller alone."),
        answered("POST", "/iserver/dynaccount", select_dynamic, "Selects for this caller alone."),
        answered(
            "POST", "/iserver/questions/suppress", suppress, "For this caller's orders alone; nothing upstream changes."
        ),
        answered("POST", "/iserver/questions/suppress/reset", reset_suppression, "As above."),
    ]


async def status(call: Call) -> Any:
    return shapes.status(call.engine.sessions.current)


async def reauthenticate(_call: Call) -> Any:
    return {"message": "triggered"}


async def tickle(call: Call) -> Any:
    return {
        "session": call.caller.token,
        "ssoExpires": _LOGIN_ENDS,
        "collission": False,
        "userId": 0,
        "hmds": {"error": "no bridge"},
        "iserver": {"authStatus": await status(call)},
    }


async def validate(call: Call) -> Any:
    session = call.engine.sessions.current
    if not session.ready:
        raise Refusal(401, "not authenticated", code="broker.away", advice="GET /health says why.")
    opened = session.opened_at or session.since
    return {
        "USER_ID": 0,
        "USER_NAME": "",
        "RESULT": True,
        "AUTH_TIME": milliseconds(opened),
        "SF_ENABLED": False,
        "IS_FREE_TRIAL": False,
        "CREDENTIAL": "",
        "IP": "",
        "EXPIRES": _LOGIN_ENDS,
        "QUALIFIED_FOR_MOBILE_AUTH": None,
        "LANDING_APP": "",
        "IS_MASTER": False,
        "lastAccessed": milliseconds(call.now),
        "LOGIN_TYPE": _LOGIN_TYPES.get(call.engine.health.view().world, _PAPER),
        "PAPER_USER_NAME": "",
        "features": {},
        "region": "",
    }


async def log_out(call: Call) -> Any:
    call.caller.log_out()
    return {"status": True}


async def accounts(call: Call) -> Any:
    try:
        told = await passing.ask(call, "GET", "/iserver/accounts", {}, keep=_ACCOUNTS_KEPT)
    except NotSupported:
        return _accounts(call)
    reply = passing.reply(call, told)
    if reply.status != 200:
        return reply
    hidden = call.engine.mirror.hidden
    value = passing.without(hidden | {ALL} if hidden else hidden, passing.told_value(told))
    return Reply({**value, "selectedAccount": call.selected}, headers=reply.headers)


def _accounts(call: Call) -> Any:
    names = call.engine.sessions.current.accounts
    call.engine.accounts.resolve(names[0] if names else None)
    return shapes.accounts(call.engine.health.view(), call.caller.token, call.selected)


async def select(call: Call) -> Any:
    name = call.member("acctId")
    if not isinstance(name, str) or not name:
        raise Refusal(400, "Bad Request: acctId is missing")
    known = call.engine.sessions.current.accounts
    if name not in known and not (name == ALL and len(known) > 1):
        raise Refusal(500, f"Account {name[:32]} not found", code="account.unknown")
    if name == call.selected:
        return {"success": "Account already set"}
    call.caller.selected = name
    return {"set": True, "acctId": name}


async def select_dynamic(call: Call) -> Any:
    name = call.member("acctId")
    if name not in call.engine.sessions.current.accounts:
        raise Refusal(401, "Acct not found from search result", code="account.unknown")
    call.caller.selected = str(name)
    return {"set": True, "acctId": name}


async def suppress(call: Call) -> Any:
    """The list replaces the one before, as at IBKR (Web API v1.0, "Suppress Messages": 51 ids at most)."""
    ids = call.member("messageIds")
    if not isinstance(ids, list) or not 0 < len(ids) <= _MOST_SUPPRESSED:
        raise Refusal(500, "System error", advice="Send 1 to 51 ids as `messageIds`.")
    call.caller.suppressed = frozenset(str(name)[:32] for name in ids)
    return {"status": "submitted"}


async def reset_suppression(call: Call) -> Any:
    call.caller.suppressed = frozenset()
    return {"status": "submitted"}
