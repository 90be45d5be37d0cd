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

from ibkr_sim.faults.moments import Admission, HttpAnswer, Overruled, Request, Vanished
from ibkr_sim.faults.visit import Visit
from ibkr_sim.webapi.answers import JSON, Answer, Refused, refusal
from ibkr_sim.webapi.call import Call, Route, Tier, answered
from ibkr_sim.webapi.caller import BEAT, Caller, End, patiently
from ibkr_sim.webapi.house import House
from ibkr_sim.webapi.identification import Address, identify, not_authenticated, signing_urls
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
        faults, caller = self._house.faults, Caller(request)
        if await patiently(faults.arriving, lambda: caller.gone) is Admission.CLOSE:
            return await _part_from(request, End(b"", whole=False, closes=True), 0)
        text = await _text(request)
        visit = faults.enter(caller, counts=False)
        try:
            asked = caller.request(path)
            visit.ask(asked)
            answer = None
            if await caller.turn(lambda: bool(faults.injections)):
                answer = await self._told(request, route, asked, text, visit)
            body = b"" if answer is None else answer.encode()
            if answer is not None:
                visit.send(body)
            end = await caller.end()
        finally:
            visit.left()
        if end is not None and end.whole and answer is not None:
            return _response(request, answer, end.piece)
        return await _part_from(request, end, len(body))

    async def _told(
        self, request: web.Request, route: Route | None, asked: Request, text: str | Answer, visit: Visit
    ) -> Answer | None:
        """None for a request that has vanished."""
        instead = visit.instead(asked)
        answer = _answer_of(instead) if instead else self._answer(request, route, asked.path, text, visit)
        if answer is None:
            return None
        plain = HttpAnswer(answer.content, answer.status, answer.headers)
        other = visit.answering(asked, plain)
        return answer if other is plain else _answer_of(other)

    def _answer(
        self, request: web.Request, route: Route | None, path: str, text: str | Answer, visit: Visit
    ) -> Answer | None:
        try:
            return self._handle(request, route, path, text, visit)
        except (Refused, Overruled) as refused:
            return refused.answer if isinstance(refused, Refused) else _answer_of(refused.answer)
        except Vanished:
            return None
        except Exception:  # a request that nobody foresaw must not end the others
            logger.exception("%s %s was not answered", request.method, path)
            return Answer({"error": "Internal Server Error", "statusCode": 500}, 500)

    def _handle(self, request: web.Request, route: Route | None, path: str, text: str | Answer, visit: Visit) -> Answer:
        """Of a request whose body has come; an Answer in the body's place says what was wrong with it."""
        house = self._house
        if not is_safe(request.headers, house.settings.public_url):
            raise refusal(403, "Requests from web pages, and to other hosts, are refused")
        if request.method == "POST" and not _has_length(request):
            raise Refused(Answer("Length Required", 411, "text/plain"))
        if isinstance(text, Answer):
            raise Refused(text)
        house.sessions.expire()
        if route is None:
            return NOT_FOUND
        visitor = None if route.tier is Tier.OPEN else self._visitor(request)
        self._pace(request, visitor, None if _is_gateways_own(request) else route.limit)
        if visitor is not None:
            house.sessions.touch(visitor)
        call = _call(house, request, path, text, visitor, visit)
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


def _call(
    house: House, request: web.Request, path: str, text: str, visitor: PortalSession | None, visit: Visit
) -> Call:
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
        visit=visit,
    )


def address(request: web.Request) -> Address:
    path, _mark, query = request.raw_path.partition("?")
    transport = request.transport
    host, port = (transport.get_extra_info("sockname") or ("127.0.0.1", 0))[:2] if transport else ("127.0.0.1", 0)
    own = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return Address(request.scheme, (request.host, own, f"localhost:{port}"), path, query)


async def _text(request: web.Request) -> str | Answer:
    """The body, whole before anything waits: its sender may be gone by then. Or what is told in its place."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await request.text()
    except TimeoutError:
        return Answer({"error": "Request Timeout", "statusCode": 408}, 408)
    except web.HTTPRequestEntityTooLarge:
        return Answer({"error": "Request Entity Too Large", "statusCode": 413}, 413)
    except (UnicodeDecodeError, LookupError, ConnectionError, web.RequestPayloadError):
        return Answer({"error": "Bad Request: unreadable body", "statusCode": 400}, 400)


def _answer_of(told: HttpAnswer) -> Answer:
    return Answer(told.content, told.status, "text/plain" if isinstance(told.content, str) else JSON, told.headers)


def _response(request: web.Request, answer: Answer, body: bytes) -> web.Response:
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


async def _part_from(request: web.Request, end: End | None, length: int) -> web.StreamResponse:
    """Send a piece of an answer of so many bytes, if there is one; then end the connection, or wait for the caller."""
    response = web.StreamResponse(headers={"Content-Type": JSON, "Content-Length": str(length)})
    transport = request.transport
    if end is not None and end.piece:
        await response.prepare(request)
        await response.write(end.piece)
        while not (end.closes or transport is None or transport.is_closing()):  # noqa: ASYNC110  nothing tells of its end
            await asyncio.sleep(BEAT)
    if transport is not None:
        transport.close()
    return response


def _is_gateways_own(request: web.Request) -> bool:
    """IBKR's gateway validates a login by itself; its caller's first validation must not be one too many."""
    return request.query.get("gw") == "1"


def _has_length(request: web.Request) -> bool:
    return "Content-Length" in request.headers or "chunked" in request.headers.get("Transfer-Encoding", "").lower()
