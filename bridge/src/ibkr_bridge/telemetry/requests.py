"""One log line per request: method, path, status, duration; never a query, a header or a body."""

from __future__ import annotations

import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

WEBSOCKET_ACCEPTED = 101
QUIET_PATHS = frozenset({"/livez", "/readyz", "/health"})
"""Polled by machines; logged at debug while they are well."""


class RequestLog:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = structlog.stdlib.get_logger("ibkr_bridge.requests")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        status = 500 if scope["type"] == "http" else 403

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
            elif message["type"] == "websocket.accept":
                status = WEBSOCKET_ACCEPTED
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, noting)
        finally:
            self._write(scope, status, (time.perf_counter() - began) * 1000)

    def _write(self, scope: Scope, status: int, milliseconds: float) -> None:
        path = scope["path"]
        quiet = path in QUIET_PATHS and status < 400
        write = self._log.debug if quiet else self._log.info
        method = scope.get("method", "WEBSOCKET")
        write("request", method=method, path=path, status=status, ms=round(milliseconds, 1))
