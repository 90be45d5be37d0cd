"""The routes of IBKR's paths: found in the table, answered, and every refusal in IBKR's form."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from starlette.datastructures import QueryParams
from starlette.websockets import WebSocket

from ibkr_bridge.api.errors import PLAIN
from ibkr_bridge.api.json import decode
from ibkr_bridge.api.mirror.answers import Refusal, Reply, of_error, of_refusal
from ibkr_bridge.api.mirror.call import Call
from ibkr_bridge.api.mirror.callers import COOKIE, Caller, Callers
from ibkr_bridge.api.mirror.entry import Deed, Entry
from ibkr_bridge.api.mirror.passing import passed
from ibkr_bridge.api.mirror.streams.listener import Listener
from ibkr_bridge.api.mirror.streams.outlet import Outlet
from ibkr_bridge.api.mirror.table import Table
from ibkr_bridge.api.state import state_of
from ibkr_bridge.api.ws.connection import Connection
from ibkr_bridge.domain.errors import BridgeError, NotSupported

PREFIX: Final = "/v1/api"
ROOMS: Final = (
    *("iserver", "portfolio", "portfolio2", "trsrv", "md", "hmds", "contract", "pa", "fyi", "forecast", "acesws", "fa"),
)
WORDS: Final = ("/tickle", "/sso/validate", "/logout")
_METHODS: Final = ["GET", "POST", "PUT", "DELETE"]
_INTRODUCTIONS: Final = frozenset(
    {"/tickle", "/sso/validate", "/iserver/auth/status", "/iserver/auth/ssodh/init", "/iserver/accounts"}
)
"""What programs ask first, and what changes nothing: here a caller gets the cookie that names it."""


def mirror() -> APIRouter:
    """A router with callers of its own."""
    router, face = APIRouter(), _Face()
    for path in (*(f"/{room}/{{rest:path}}" for room in ROOMS), *WORDS, f"{PREFIX}/{{rest:path}}"):
        router.add_route(path, face.answer, methods=_METHODS, include_in_schema=False)
    for path in (f"{PREFIX}/ws", "/ws"):
        router.add_api_websocket_route(path, face.listen)
    return router


class _Face:
    def __init__(self) -> None:
        self._table = Table()
        self._callers = Callers(os.urandom)

    async def answer(self, request: Request) -> Response:
        path = request.url.path.removeprefix(PREFIX).rstrip("/")
        caller, new = self._callers.of(request, introduce=path in _INTRODUCTIONS)
        try:
            reply = await self._told(request, path, caller)
        except Refusal as refusal:
            reply = of_refusal(refusal, request.url.path)
        except BridgeError as problem:
            reply = of_error(problem, request.url.path)
        response = reply.response()
        if new:
            response.set_cookie(COOKIE, caller.token, httponly=True, samesite="strict", secure=request.url.is_secure)
        return response

    async def listen(self, socket: WebSocket) -> None:
        state = state_of(socket)
        settings = state.settings
        with state.hub.subscriber(limit=settings.ws_queue, flush_window=0.0) as mailbox:
            listener = Listener(state.engine, state.hub, Outlet(mailbox), settings, self._callers.named(socket))
            try:
                await socket.accept()
                listener.begin()
                async with asyncio.TaskGroup() as tasks:
                    beats = tasks.create_task(listener.run(), name="beats of a socket")
                    await Connection(socket, mailbox, settings.ws_send_timeout).run(listener.hear)
                    beats.cancel()
            finally:
                await listener.close()

    async def _told(self, request: Request, path: str, caller: Caller) -> Reply:
        found = self._table.find(request.method, path)
        if found is None or found.entry is None:
            status, text = (404, "Not Found") if found is None else (405, "Method Not Allowed")
            raise Refusal(status, text, code=PLAIN[status][0], advice="docs/mirror.md lists the paths.")
        query = request.query_params
        call = Call(
            engine=state_of(request).engine,
            caller=caller,
            name=self._callers.name,
            method=request.method,
            path=path,
            arguments=found.arguments,
            query=_plain(query),
            body=await _body(request),
            several={name: query.getlist(name) for name in query},
        )
        value = await _done(call, found.entry)
        return value if isinstance(value, Reply) else Reply(value)


async def _done(call: Call, entry: Entry) -> Any:
    if "account" in call.arguments:
        call.checked(call.arguments["account"])
    if entry.deed is Deed.REFUSED:
        raise NotSupported(entry.note, advice="docs/mirror.md lists what is passed through and answered.")
    if entry.deed is Deed.ANSWERED:
        assert entry.handler is not None
        return await entry.handler(call)
    try:
        return await passed(call, keep=entry.keep, reads=entry.reads)
    except NotSupported:
        if entry.handler is None:
            raise
        return await entry.handler(call)


def _plain(query: QueryParams) -> dict[str, str]:
    """With IBKR's name for the account, whichever the caller has used."""
    return {"accountId" if name == "account_id" else name: value for name, value in query.items()}


async def _body(request: Request) -> Any:
    """Raises Refusal for what is no JSON."""
    text = await request.body()
    if not text.strip():
        return None
    try:
        return decode(text)
    except json.JSONDecodeError as problem:
        raise Refusal(400, "Bad Request: invalid JSON", advice=f"The body is not JSON: {problem.msg}") from None
