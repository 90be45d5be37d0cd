"""The API key: one header, compared in constant time, on every route but GET /livez, WebSockets included."""

from __future__ import annotations

import hmac

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ibkr_bridge.api.errors import problem
from ibkr_bridge.api.refusal import refuse

OPEN_PATH = "/livez"


class KeyCheck:
    """ASGI middleware; the key never leaves this object."""

    def __init__(self, app: ASGIApp, key: SecretStr, header: str) -> None:
        self._app = app
        self._key = key
        self._header = header

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"] == OPEN_PATH:
            await self._app(scope, receive, send)
            return
        members = self._judge(Headers(scope=scope).getlist(self._header))
        if members is None:
            await self._app(scope, receive, send)
        else:
            challenge = {"WWW-Authenticate": f'ApiKey realm="ibkr-bridge", header="{self._header}"'}
            await refuse(scope, receive, send, members, challenge)

    def _judge(self, given: list[str]) -> dict[str, object] | None:
        if not given:
            return problem(
                401, "key.missing", "This service needs an API key.", advice=f"Send it in the header {self._header}."
            )
        expected = self._key.get_secret_value().encode()
        right = len(given) == 1 and hmac.compare_digest(given[0].encode("latin-1"), expected)
        return None if right else problem(401, "key.wrong", "The API key is wrong.", advice="Check the key.")
