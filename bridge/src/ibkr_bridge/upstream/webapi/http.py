"""HTTP to IBKR: signed where there are keys, paced, with a deadline on every call; nothing is sent twice."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any, Final

import aiohttp

from ibkr_bridge.domain.errors import BridgeError, BrokerAway, BrokerBusy, BrokerSilent
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.upstream import Permit
from ibkr_bridge.upstream.pacing import Lane
from ibkr_bridge.upstream.webapi import bodies, errors
from ibkr_bridge.upstream.webapi.errors import (
    Answer,
    CertificateChanged,
    NotVerified,
    PacedOut,
    Unavailable,
    Unreachable,
)
from ibkr_bridge.upstream.webapi.limits import Turns
from ibkr_bridge.upstream.webapi.oauth import handshake
from ibkr_bridge.upstream.webapi.oauth.handshake import LiveSessionToken
from ibkr_bridge.upstream.webapi.settings import WebApiSettings

USER_AGENT: Final = "ibkr-bridge"
"""IBKR's front turns requests without one away with a page of HTML."""
Tls = aiohttp.Fingerprint | bool


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    lane: Lane = Lane.DATA
    slow: bool = True
    """Whether it waits while too many others are under way; the few that never do have connections of their own."""
    timeout: float | None = None
    """Seconds; the settings' without it."""
    charged: bool = False
    """Whether IBKR takes money for each."""
    permit: Permit | None = None
    """Asked once its turn has come; where it raises, nothing was sent."""

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def repeatable(self) -> bool:
        return self.method == "GET" and not self.charged


class Http:
    """Connections are made as they are needed, and end with `close`."""

    def __init__(self, settings: WebApiSettings, clock: Clock) -> None:
        self.settings = settings
        self._clock = clock
        self._turns = Turns(settings.limits, clock.monotonic)
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._tls: Tls = True
        self._token: LiveSessionToken | None = None
        self._barred_until = 0.0
        self.skew = 0.0
        """Seconds by which IBKR's clock is ahead of ours, as last seen."""

    def check_with(self, tls: Tls) -> None:
        """How connections prove themselves from now on."""
        self._tls = tls

    def sign_with(self, token: LiveSessionToken | None) -> None:
        self._token = token

    @property
    def barred(self) -> float:
        """Seconds for which IBKR will refuse everything; 0 for none."""
        return max(self._barred_until - self._clock.monotonic(), 0.0)

    async def close(self) -> None:
        session, self._session, self._closed = self._session, None, True
        self._turns.close()
        if session is not None:
            await session.close()

    async def call(self, call: Call, authorization: str | None = None) -> Any:
        """The decoded body.

        Raises BrokerAway when certainly nothing was taken in, BrokerSilent when that is not certain, BrokerRefused
        with IBKR's text, and for the session's ear the kinds of BrokerAway in `errors`.
        """
        return errors.value(await self.answer(call, authorization))

    async def answer(self, call: Call, authorization: str | None = None) -> Answer:
        """What IBKR said, whatever it was but a 429. Raises as `call` does where nothing came."""
        timeout = call.timeout or self.settings.request_timeout
        left = SimpleNamespace(turn=False, flag=False)
        try:
            async with asyncio.timeout(timeout):
                answer = await self._turned(call, authorization, left)
        except TimeoutError:
            if left.flag:
                raise BrokerSilent(call.endpoint, timeout) from None
            if not left.turn:
                raise BrokerBusy(f"IBKR's limits left no room for {call.endpoint} within {timeout:g} s.") from None
            raise Unreachable(f"{self.settings.where} did not take {call.endpoint} within {timeout:g} s.") from None
        except (aiohttp.ClientError, OSError) as problem:
            raise self._broken(call, problem, left=left.flag) from problem
        if answer.status == errors.TOO_MANY:
            self._barred_until = self._clock.monotonic() + (answer.retry_after or self.settings.penalty)
            raise errors.problem(answer)
        return answer

    async def connect(
        self, path: str, headers: Mapping[str, str], query: Mapping[str, str]
    ) -> aiohttp.ClientWebSocketResponse:
        """A WebSocket. Raises BrokerAway."""
        settings = self.settings
        try:
            async with asyncio.timeout(settings.connect_timeout):
                return await self._opened().ws_connect(
                    f"{settings.url}{path}",
                    params=query,
                    headers={"User-Agent": USER_AGENT, **headers},
                    ssl=self._tls,
                    max_msg_size=16 << 20,
                    autoping=True,
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as problem:
            raise BrokerAway(f"The stream could not be opened: {problem or type(problem).__name__}.") from problem

    async def _turned(self, call: Call, authorization: str | None, left: SimpleNamespace) -> Answer:
        self._check_penalty()
        async with self._turns.turn(call.endpoint, call.lane, slow=call.slow):
            self._check_penalty()  # it may have begun while this call waited
            if call.permit is not None:
                call.permit()
            left.turn = True
            try:
                return await self._sent(call, authorization, left)
            except (aiohttp.ServerConnectionError, aiohttp.ClientPayloadError, aiohttp.ClientOSError):
                if not call.repeatable or not left.flag:
                    raise
        async with self._turns.turn(call.endpoint, call.lane, slow=call.slow):
            return await self._sent(call, authorization, left)

    def _check_penalty(self) -> None:
        if self.barred:
            raise PacedOut(f"IBKR's penalty for too many requests lasts another {self.barred:.0f} s.", self.barred)

    async def _sent(self, call: Call, authorization: str | None, left: SimpleNamespace) -> Answer:
        url = f"{self.settings.url}{call.path}"
        body = b"" if call.body is None else bodies.encode(call.body)
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
        if call.method in ("POST", "PUT"):
            headers |= {"Content-Length": str(len(body)), "Content-Type": "application/json"}
        if (signature := authorization or self._signature(call.method, url)) is not None:
            headers["Authorization"] = signature
        async with self._opened().request(
            call.method,
            url,
            params=call.query,
            data=body or None,
            headers=headers,
            ssl=self._tls,
            allow_redirects=False,
            trace_request_ctx=left,
        ) as response:
            self._compare_clocks(response.headers.get("Date"))
            text = await response.text(encoding="utf-8", errors="replace")
            retry_after = _seconds(response.headers.get("Retry-After"))
            return Answer(response.status, text, retry_after, response.content_type)

    def _broken(self, call: Call, problem: Exception, *, left: bool) -> BridgeError:
        where = self.settings.where
        if isinstance(problem, aiohttp.ServerFingerprintMismatch):
            return CertificateChanged(f"{where} shows another certificate than the one it was known by.")
        if isinstance(problem, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
            return NotVerified(f"{where} cannot prove who it is: {problem}")
        if left:
            return Unavailable(f"{where} broke off before it had answered {call.endpoint}.")
        return Unreachable(f"Nothing answers at {where}: {problem}")

    def _signature(self, method: str, url: str) -> str | None:
        credentials = self.settings.credentials
        if credentials is None or self._token is None:
            return None
        now = int(self._clock.now().timestamp())
        return handshake.authorization(credentials, self._token, method, url, now, self._clock.entropy)

    def _opened(self) -> aiohttp.ClientSession:
        """Raises BrokerAway after the end: a call that had waited for its turn must not begin anew."""
        if self._closed:
            raise BrokerAway("The way to IBKR is closed.")
        if self._session is None:
            tracing = aiohttp.TraceConfig()
            tracing.on_request_headers_sent.append(_mark)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=15.0),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.settings.connect_timeout),
                trace_configs=[tracing],
            )
            # It repeats a GET or a DELETE of its own accord, past IBKR's limits, and has no other switch for that.
            setattr(self._session, "_retry_connection", False)  # noqa: B010  private, and mypy would not have it
        return self._session

    def _compare_clocks(self, date: str | None) -> None:
        if date is None:
            return
        try:
            theirs = parsedate_to_datetime(date)
        except ValueError:
            return
        self.skew = theirs.timestamp() - self._clock.now().timestamp()


async def _mark(_session: object, context: SimpleNamespace, _parameters: object) -> None:
    """From here on a byte may have left."""
    if isinstance(context.trace_request_ctx, SimpleNamespace):
        context.trace_request_ctx.flag = True


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdecimal() else None
