"""The way of every request: checks in IBKR's order, the handler, the bytes of the answer."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.web_response import ContentCoding

from ibkr_sim.webapi.answers import JSON, Answer, Refused, refusal
from ibkr_sim.webapi.call import Call, Route, Tier, answered
from ibkr_sim.webapi.house import House
from ibkr_sim.webapi.identification import Address, identify, not_authenticated, signing_urls
from ibkr_sim.webapi.moments import Asked, Cut
from ibkr_sim.webapi.pacing import Limit
from ibkr_sim.webapi.safety import is_safe
from ibkr_sim.webapi.sessions.portal import PortalSession

PATIENCE: Final = 30.0
"""Seconds for a body to arrive."""
SMALLEST_COMPRESSED: Final = 256
NOT_FOUND: Final = Answer({"error": "Not Found", "statusCode": 404}, 404)
TOO_MANY: Final = Answer({"error": "Too many requests"}, 429)
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
logger = logging.getLogger(__name__)


class Pipeline:
    def __init__(self, house: House) -> None:
        self._house = house

    async def handle(self, request: web.Request, route: Route | None, path: str) -> web.StreamResponse:
        """Answer one request; `route` is None for a path that nobody answers."""
        asked = Asked(request.method, path, _peer(request))
        try:
            answer = await self._house.moments.asking(asked) or await self._answer(request, route, path)
            answer = await self._house.moments.answering(asked, answer)
        except Cut as cut:
            return await _cut(request, cut.sent)
        return _response(request, answer)

    async def _answer(self, request: web.Request, route: Route | None, path: str) -> Answer:
        try:
            return await self._handle(request, route, path)
        except Refused as refused:
            return refused.answer
        except TimeoutError:
            return Answer({"error": "Request Timeout", "statusCode": 408}, 408)
        except web.HTTPRequestEntityTooLarge:
            return Answer({"error": "Request Entity Too Large", "statusCode": 413}, 413)
        except Exception:  # a request that nobody foresaw must not end the others
            logger.exception("%s %s was not answered", request.method, path)
            return Answer({"error": "Internal Server Error", "statusCode": 500}, 500)

    async def _handle(self, request: web.Request, route: Route | None, path: str) -> Answer:
        house = self._house
        if not is_safe(request.headers, house.settings.public_url):
            raise refusal(403, "Requests from web pages, and to other hosts, are refused")
        if request.method == "POST" and not _has_length(request):
            raise Refused(Answer("Length Required", 411, "text/plain"))
        async with asyncio.timeout(PATIENCE):
            text = await request.text()
        house.sessions.expire()
        if route is None:
            return NOT_FOUND
        visitor = None if route.tier is Tier.OPEN else self._visitor(request)
        self._pace(request, visitor, route.limit)
        if visitor is not None:
            house.sessions.touch(visitor)
        call = _call(house, request, path, text, visitor)
        self._admit(visitor, route.tier)
        return answered(route.handler(call))

    def _visitor(self, request: web.Request) -> PortalSession | None:
        urls = signing_urls(self._house, address(request))
        return identify(self._house, request.method, urls, request.headers)

    def _pace(self, request: web.Request, visitor: PortalSession | None, limit: Limit | None) -> None:
        settings = self._house.settings
        if not settings.pacing:
            return
        signed = visitor is not None and visitor.signed
        most = settings.signed_requests_per_second if signed else settings.requests_per_second
        limits = [Limit("all", most, 1.0), *([limit] if limit else [])]
        session = visitor.token if visitor else ""
        if not self._house.pacing.admits(request.remote or "", session, *limits):
            raise Refused(TOO_MANY)

    def _admit(self, visitor: PortalSession | None, tier: Tier) -> None:
        """Raises Refused for a caller who lacks what the path demands."""
        house = self._house
        if tier <= Tier.NOTHING:
            return
        if visitor is None:
            raise not_authenticated(house)
        if tier < Tier.BROKERAGE:
            return
        if not (house.sessions.is_authenticated(visitor) and visitor.bridged):
            raise refusal(400, "Bad Request: no bridge")
        if tier is Tier.ACCOUNTS and not visitor.progress.accounts_asked:
            status = house.unsettled.accounts_first_status
            text = "Please query /accounts first"
            raise refusal(400, f"Bad Request: {text}") if status == 400 else Refused(Answer({"error": text}, status))


def _call(house: House, request: web.Request, path: str, text: str, visitor: PortalSession | None) -> Call:
    form = request.content_type == "application/x-www-form-urlencoded"
    body: Any = dict(parse_qsl(text)) if form else None
    if text.strip() and not form and request.content_type != "application/jwt":
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            raise refusal(400, "Bad Request: invalid JSON") from None
    return Call(
        house=house,
        method=request.method,
        path=path,
        address=address(request),
        headers=request.headers,
        cookies=request.cookies,
        arguments=request.match_info or _NOTHING,
        query=request.query,
        body=body,
        text=text,
        form=form,
        visitor=visitor,
    )


def address(request: web.Request) -> Address:
    path, _mark, query = request.raw_path.partition("?")
    transport = request.transport
    host, port = (transport.get_extra_info("sockname") or ("127.0.0.1", 0))[:2] if transport else ("127.0.0.1", 0)
    own = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return Address(request.scheme, (request.host, own, f"localhost:{port}"), path, query)


def _response(request: web.Request, answer: Answer) -> web.Response:
    body = answer.encode()
    response = web.Response(
        status=answer.status, body=body, content_type=answer.content_type, charset="utf-8", headers=answer.headers
    )
    if answer.content_type != JSON or answer.status == 204:
        response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    for name, value in answer.cookies.items():
        response.set_cookie(name, value, httponly=True, secure=request.secure, path="/")
    if len(body) >= SMALLEST_COMPRESSED and "gzip" in request.headers.get("Accept-Encoding", ""):
        response.enable_compression(ContentCoding.gzip)
    return response


async def _cut(request: web.Request, sent: int) -> web.StreamResponse:
    """Begin an answer as long as none will ever be, and part in the middle of it."""
    response = web.StreamResponse(headers={"Content-Type": JSON, "Content-Length": str(1 << 20)})
    transport = request.transport
    if sent:
        await response.prepare(request)
        await response.write(b"[" * sent)
    if transport is not None:
        transport.close()
    return response


def _has_length(request: web.Request) -> bool:
    return "Content-Length" in request.headers or "chunked" in request.headers.get("Transfer-Encoding", "").lower()


def _peer(request: web.Request) -> str:
    transport = request.transport
    host, port = (transport.get_extra_info("peername") or ("?", 0))[:2] if transport else ("?", 0)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
