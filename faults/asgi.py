"""Requests and a WebSocket straight into the application, with no web server between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from fastapi import FastAPI

from faults.records import Heard, Json

_BASE = {
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "client": ("127.0.0.1", 1),
    "server": ("127.0.0.1", 8000),
}
_HEADERS = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]


def decoded(text: str | bytes) -> Json:
    """Amounts exactly as they were written."""
    return dict(json.loads(text, parse_float=Decimal))


async def call(app: FastAPI, method: str, path: str, body: object = None) -> tuple[int, Json]:
    """One request: status and JSON. `path` may have a query."""
    sent: list[Mapping[str, Any]] = []
    content = b"" if body is None else json.dumps(body).encode()
    where, _, query = path.partition("?")
    scope = {
        **_BASE,
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": where,
        "raw_path": where.encode(),
        "query_string": query.encode(),
        "headers": [*_HEADERS, (b"content-length", str(len(content)).encode())],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    text = b"".join(message.get("body", b"") for message in sent[1:])
    return int(sent[0]["status"]), decoded(text)


async def listen(app: FastAPI, path: str, hear: Callable[[Json], None]) -> None:
    """One WebSocket, heard until this is cancelled: then nothing more is said, as when the other side is dead."""
    greeting = [{"type": "websocket.connect"}]
    scope: dict[str, Any] = {**_BASE, "type": "websocket", "scheme": "ws", "path": path, "raw_path": path.encode()}
    scope |= {"query_string": b"", "headers": _HEADERS, "subprotocols": []}

    async def receive() -> dict[str, Any]:
        if not greeting:
            await asyncio.Future()
        return greeting.pop()

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "websocket.send":
            hear(decoded(message["text"]))

    with suppress(asyncio.CancelledError):
        await app(scope, receive, send)


def heard(connection: int, message: Json) -> Heard | None:
    """A message of /ws/ib; None for one that is no entry of the journal."""
    if "seq" not in message:
        return None
    data = message["data"]
    told = data["exec_id"] if message["event"] == "execDetails" else None
    return Heard(connection, message["seq"], told, data["id"] if data.get("status") == "never_arrived" else None)
