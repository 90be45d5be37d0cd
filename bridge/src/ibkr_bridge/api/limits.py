"""What stands at the door before any route: Host, Origin, size and kind of the body. Pure ASGI, WebSockets included."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ibkr_bridge.api.errors import problem
from ibkr_bridge.api.refusal import refuse

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
SAFE_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
)


def host_name(host: str) -> str:
    """The name in a Host header, without its port and without a final dot."""
    head, bracket, _ = host.partition("]")
    name = head + bracket if bracket else host.partition(":")[0]
    return name.lower().rstrip(".")


class Doorkeeper:
    """Loopback is no wall against a web page: who calls under a foreign name, or from a foreign page, is turned away.

    A name that an attacker's DNS points to 127.0.0.1 shows in Host, a page's own origin in Origin.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], origins: Collection[str]) -> None:
        self._app = app
        self._hosts = LOOPBACK | {host.lower() for host in hosts}
        self._origins = frozenset(origin.lower() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        members = self._judge(Headers(scope=scope), scope.get("method", ""))
        if members is not None:
            await refuse(scope, receive, send, members)
        else:
            await self._app(scope, receive, _with_safe_headers(send))

    def _judge(self, headers: Headers, method: str) -> dict[str, object] | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1:
            return problem(400, "host.refused", "A request needs exactly one Host header.")
        if "*" not in self._hosts and host_name(hosts[0]) not in self._hosts:
            return problem(
                421,
                "host.refused",
                f"This service does not answer to the name {hosts[0][:100]}.",
                advice="Use 127.0.0.1 or localhost, or add the name to IBKR_SERVICE_ALLOWED_HOSTS.",
            )
        if not self._welcome(headers, hosts[0], method):
            return problem(
                403,
                "origin.refused",
                f"Pages of {headers.get('origin', 'another site')[:100]} may not call this service.",
                advice="Add the page's origin to CORS_ORIGIN if it is yours.",
            )
        return None

    def _welcome(self, headers: Headers, host: str, method: str) -> bool:
        origins = headers.getlist("origin")
        if not origins:
            # No Origin: no browser, a page of our own, a followed link, or an embedded <img> of a foreign page.
            foreign = headers.get("sec-fetch-site") in ("cross-site", "same-site")
            return not foreign or (method == "GET" and headers.get("sec-fetch-mode") == "navigate")
        if len(origins) > 1:
            return False
        origin = origins[0].lower()
        return origin in self._origins or _same_place(origin, host.lower())


def _same_place(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc == host


def _with_safe_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SAFE_HEADERS:
                headers.setdefault(name, value)
        await send(message)

    return sending


class Bodies:
    """Bodies are JSON, of a bounded size, and arrive in time; a form that a web page posts never gets further."""

    def __init__(self, app: ASGIApp, limit: int, seconds: float) -> None:
        self._app = app
        self._limit = limit
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in WITH_BODY:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not is_json(headers.get("content-type", "")) and not _without_body(headers):
            members = problem(
                415,
                "body.not_json",
                "The body must be JSON and say so.",
                advice="Send the header Content-Type: application/json.",
            )
            await refuse(scope, receive, send, members)
            return
        body = await self._read(headers, receive)
        if isinstance(body, dict):
            await refuse(scope, receive, send, body)
        else:
            await self._app(scope, _replay(body, receive), send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes | dict[str, object]:
        declared = headers.get("content-length", "0")
        too_large = problem(413, "body.too_large", f"A body may have {self._limit} bytes.", advice="Send less.")
        if not declared.isascii() or not declared.isdigit() or int(declared) > self._limit:
            return too_large
        body = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    message = await receive()
                    body += message.get("body", b"")
                    if len(body) > self._limit:
                        return too_large
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            return problem(408, "body.slow", f"The body did not arrive within {self._seconds:g} s.", retryable=True)


def _without_body(headers: Headers) -> bool:
    """A POST of nothing has no kind, as `curl -X POST` sends it; of a web page it would still tell its Origin."""
    return headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers


def is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


def _replay(body: bytes, receive: Receive) -> Receive:
    """What was read, once; then whatever else comes, such as the caller's going away."""
    waiting = [body]

    async def replaying() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replaying
