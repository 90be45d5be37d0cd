"""Turns a request away before it reaches a route: a problem for HTTP, a refused handshake for a WebSocket."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from ibkr_bridge.api.errors import Problem, answer


async def refuse(
    scope: Scope,
    receive: Receive,
    send: Send,
    members: dict[str, object],
    headers: Mapping[str, str] | None = None,
) -> None:
    reply = answer(members, scope["path"])
    reply.headers.update(headers or {})
    if scope["type"] == "http":
        reply.headers["Connection"] = "close"  # an unread body must not be taken for the next request
        await reply(scope, receive, send)
    else:
        await _refuse_handshake(scope, receive, send, reply)


async def _refuse_handshake(scope: Scope, receive: Receive, send: Send, reply: Problem) -> None:
    await receive()  # websocket.connect
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})  # the server answers the handshake with a bare 403
        return
    await send({"type": "websocket.http.response.start", "status": reply.status_code, "headers": reply.raw_headers})
    await send({"type": "websocket.http.response.body", "body": reply.body})
