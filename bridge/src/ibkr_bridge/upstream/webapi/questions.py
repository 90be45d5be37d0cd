"""Questions that IBKR asks before it takes an order: one round at a time, each answered by id, none left open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from ibkr_bridge.domain.errors import BrokerAway, BrokerRefused, BrokerSilent, GuardDenied, QuestionAsked
from ibkr_bridge.domain.questions import Decide, Question
from ibkr_bridge.ports.upstream import Permit
from ibkr_bridge.upstream.webapi import errors, translate
from ibkr_bridge.upstream.webapi.errors import Unavailable
from ibkr_bridge.upstream.webapi.translate import Row
from ibkr_bridge.upstream.webapi.wire import Wire

_LONGEST: Final = 10
"""Questions about one order; IBKR has been seen to ask four."""
_DEAD: Final = ("Failed",)
_STALE: Final = "reply id not found"
_DUPLICATE: Final = "local order id"
_DECLINED: Final = "not confirmed"
"""IBKR's word on a no; any other error says nothing about the question (Web API, "Order Reply Messages")."""


Lost = BrokerRefused | BrokerSilent
"""Why an order of several has no row."""


class Rounds:
    """A new order while a question is open would make that question stale, and stale ones may go live later."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._open = asyncio.Lock()

    async def submit(self, path: str, body: object, decide: Decide, permit: Permit) -> Row:
        """The row of the order that IBKR has taken. Raises as `ports.upstream.Upstream.place`."""
        return taken(await self._told(path, body, decide, permit))

    async def submit_all(
        self, path: str, body: object, references: Sequence[str], decide: Decide, permit: Permit
    ) -> list[Row | Lost]:
        """A row for each order that IBKR has taken, in the order of the references, or what became of the others."""
        return each(await self._told(path, body, decide, permit), references)

    async def _told(self, path: str, body: object, decide: Decide, permit: Permit) -> Any:
        """IBKR's answer, once every question has been said yes to."""
        async with self._turn():
            answer = await self._first(path, body, permit)
            for _question in range(_LONGEST):
                question = asked(answer)
                if question is None:
                    return answer
                name = _reply_id(answer)
                if not decide(question):
                    await self._decline(name)
                    raise QuestionAsked((question,))
                answer = await self._confirm(name, permit)
            await self._decline(_reply_id(answer))
        raise BrokerRefused(None, "IBKR asks one question after the other; the order was given up.")

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        timeout = self._wire.settings.request_timeout
        try:
            async with asyncio.timeout(timeout):
                await self._open.acquire()
        except TimeoutError:
            raise BrokerAway(f"Another order has waited for IBKR for {timeout:g} s; this one was not sent.") from None
        try:
            yield
        finally:
            self._open.release()

    async def _first(self, path: str, body: object, permit: Permit) -> Any:
        try:
            return await self._wire.write("POST", path, body, permit=permit)
        except BrokerRefused as refused:
            if _DUPLICATE in refused.text.lower():
                raise Unavailable(f"IBKR knows this reference already: {refused.text}") from refused
            raise

    async def _confirm(self, name: str, permit: Permit) -> Any:
        """Once a question is open, only a word on the order itself says that it will not go live."""
        try:
            return await self._wire.write("POST", f"/iserver/reply/{name}", {"confirmed": True}, permit=permit)
        except GuardDenied:
            await self._decline(name)
            raise
        except BrokerAway as away:
            raise Unavailable(f"The answer to IBKR's question was not taken: {away.detail}") from away
        except BrokerRefused as refused:
            if _STALE in refused.text.lower():
                raise Unavailable(f"IBKR has dropped its question, and the order may live: {refused.text}") from refused
            raise

    async def _decline(self, name: str) -> None:
        """Raises BrokerSilent where it is not certain that nothing is live."""
        try:
            answer = await self._wire.write("POST", f"/iserver/reply/{name}", {"confirmed": False})
        except BrokerAway as away:
            raise Unavailable(f"IBKR's question could not be declined: {away.detail}") from away
        except BrokerRefused as refused:
            if _DECLINED in refused.text.lower():
                return
            raise Unavailable(f"IBKR's question could not be declined: {refused.text}") from refused
        if any(translate.order_id(row) for row in _rows(answer)):
            raise Unavailable("IBKR's question was declined, and IBKR answered with an order.")


def asked(answer: object) -> Question | None:
    """The question in an answer; None where it is about an order."""
    found = [row for row in _rows(answer) if row.get("message") and _is_reply(row)]
    if not found:
        return None
    names = [str(name) for row in found for name in _listed(row.get("messageIds") or [])]
    texts = [errors.plain(str(text)) for row in found for text in _listed(row["message"])]
    return Question(tuple(dict.fromkeys(names)), "\n".join(texts))


def taken(answer: object) -> Row:
    """The row of an order that is alive. Raises BrokerRefused, and BrokerSilent for an answer of no known form."""
    rows = _rows(answer)
    for row in rows:
        if row.get("prompt"):  # it has a number already, and no answer of ours is a plain no
            raise Unavailable(f"IBKR asks in a form that cannot be declined: {errors.plain(str(row.get('text', '')))}")
        if str(row.get("order_id")) == "-1" or row.get("order_status") in _DEAD:
            raise BrokerRefused(None, errors.plain(str(row.get("text") or row.get("error") or "")))
    for row in rows:
        if translate.order_id(row):
            return row
    text = next((str(row["error"]) for row in rows if row.get("error")), "")
    if text:
        raise BrokerRefused(None, errors.plain(text))
    raise Unavailable("IBKR's answer to the order cannot be read.")


def each(answer: object, references: Sequence[str]) -> list[Row | Lost]:
    """By the reference that IBKR repeats, never by place: a child's row may come before its parent's, or not at all.

    Raises BrokerRefused where nothing was taken.
    """
    rows = _rows(answer)
    alive = {str(row.get("local_order_id")): row for row in rows if _lives(row)}
    if not alive:
        taken(answer)
        raise Unavailable("IBKR's answer to the orders names none of them.")
    failed = [row for row in rows if not _lives(row)]
    text = next((text for row in failed if (text := str(row.get("text") or row.get("error") or ""))), "")
    missing = BrokerRefused(None, errors.plain(text)) if failed else Unavailable("IBKR's answer leaves this order out.")
    return [alive.get(reference, missing) for reference in references]


def _lives(row: Row) -> bool:
    return bool(translate.order_id(row)) and str(row.get("order_id")) != "-1" and row.get("order_status") not in _DEAD


def _reply_id(answer: object) -> str:
    return next(str(row["id"]) for row in _rows(answer) if _is_reply(row))


def _is_reply(row: Row) -> bool:
    return bool(row.get("id")) and not translate.order_id(row)


def _rows(answer: object) -> list[dict[str, Any]]:
    """A single row comes alone at times."""
    return translate.rows(answer if isinstance(answer, list) else [answer])


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
