"""A call passed on to IBKR and its answer back: its bytes, without accounts that the caller may not see."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

from ibkr_bridge.api.json import decode
from ibkr_bridge.api.mirror.answers import Reply, of_ibkr
from ibkr_bridge.api.mirror.call import Call
from ibkr_bridge.domain.errors import BrokerAway, BrokerRefused
from ibkr_bridge.engine.mirror import Call as Asking
from ibkr_bridge.engine.mirror import Told

_PATIENCE: Final = 30.0
"""Seconds for which a caller's request may wait behind others of its own."""
_LONGEST: Final = 300
_NAMES: Final = ("accountId", "acctId", "account", "acct", "acctcode", "accountCode", "id", "name")
"""Members by which IBKR says whose a row is."""


async def passed(call: Call, *, keep: float = 0.0, reads: bool = False) -> Reply:
    """IBKR's answer. `keep` is for how long it stays true; `reads` says that a POST changes nothing."""
    told = await ask(call, call.method, call.path, call.query, call.body, keep=keep, shared=reads)
    return reply(call, told)


async def ask(
    call: Call,
    method: str,
    path: str,
    query: Mapping[str, str],
    body: object = None,
    *,
    keep: float = 0.0,
    shared: bool = False,
) -> Told:
    """Raises NotSupported, BrokerAway, BrokerSilent, and Refusal for an account that the caller may not see."""
    for named in _accounts(query, body):
        call.checked(named)
    asking = Asking(method, path, query, body, keep, shared or method == "GET")
    try:
        async with asyncio.timeout(_PATIENCE):
            await call.caller.turns.acquire()
    except TimeoutError:
        raise BrokerAway("Earlier requests of yours still wait for IBKR.", advice="Ask for less at once.") from None
    try:
        return await call.engine.mirror.ask(asking)
    finally:
        call.caller.turns.release()


def reply(call: Call, told: Told) -> Reply:
    """As it came, but for what is not the caller's to see; an error with the members of a problem."""
    headers = {} if told.age is None else {"Age": str(int(told.age))}
    answer, hidden = told.answer, call.engine.mirror.hidden
    if answer.status >= 400:
        value, text = _error(answer.body)
        return of_ibkr(answer.status, without(hidden, value), text, call.path)
    if not hidden:
        return Reply(answer.body, answer.status, headers, answer.content_type)
    value = _value(answer.body)
    if value is None and any(account.encode() in answer.body for account in hidden):
        raise BrokerRefused(None, "IBKR's answer cannot be read, and may hold what is not yours to see.")
    return Reply(answer.body if value is None else without(hidden, value), answer.status, headers)


def told_value(told: Told) -> Any:
    """The decoded body; None where it is no JSON."""
    return _value(told.answer.body)


def without(hidden: frozenset[str], value: Any) -> Any:
    """The value, with nothing in it of these accounts."""
    if not hidden:
        return value
    if isinstance(value, dict):
        return {name: without(hidden, inner) for name, inner in value.items() if not _about(hidden, name)}
    if isinstance(value, list):
        return [without(hidden, inner) for inner in value if not _of(hidden, inner)]
    return None if isinstance(value, str) and _about(hidden, value) else value


def _of(hidden: frozenset[str], row: Any) -> bool:
    if isinstance(row, dict):
        return any(isinstance(row.get(name), str) and _about(hidden, row[name]) for name in _NAMES)
    return isinstance(row, str) and _about(hidden, row)


def _about(hidden: frozenset[str], text: str) -> bool:
    """IBKR writes an account as `U1`, `U1C`, `U1.Core`."""
    return text in hidden or text.partition(".")[0] in hidden or text.removesuffix("C") in hidden


def _accounts(query: Mapping[str, str], body: object) -> list[str]:
    """Those that a query or a body names."""
    named = [query[name] for name in ("accountId", "acctId") if query.get(name)]
    if isinstance(body, dict):
        named += [body["acctId"]] if isinstance(body.get("acctId"), str) else []
        several = body.get("acctIds")
        named += [name for name in several if isinstance(name, str)] if isinstance(several, list) else []
    return named


def _value(body: bytes) -> Any:
    try:
        return decode(body)
    except json.JSONDecodeError:
        return None


def _error(body: bytes) -> tuple[Any, str]:
    """IBKR's object, if it is one, and its words; a page of HTML has none worth showing."""
    value = _value(body)
    if isinstance(value, dict):
        return value, str(value.get("error") or "")
    text = body.decode(errors="replace").strip()
    return None, "" if text.startswith("<") else text[:_LONGEST]
