"""One request over HTTP as faults see it: it may have to wait, and its answer may be late, half, or none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from aiohttp import web

from ibkr_sim.faults.moments import Admission, Ask, Request
from ibkr_sim.faults.ports import Kind, Message
from ibkr_sim.webapi.sessions.portal import Access

BEAT: Final = 0.1
"""Real seconds between two looks whether a caller who waits is still there."""
_ASKS: Final = (
    ("DELETE", "/iserver/account/*/order/*", Ask.CANCEL),
    ("POST", "/iserver/account/*/orders", Ask.ORDER),
    ("POST", "/iserver/account/*/order/*", Ask.ORDER),
    ("POST", "/iserver/reply/*", Ask.ORDER),
)
_SCHEMES: Final[Mapping[str, Access]] = {"oauth": Access.OAUTH1, "bearer": Access.OAUTH2}


@dataclass(frozen=True, slots=True)
class End:
    """What has become of an answer: all of it leaves, or a piece, behind which the connection ends or stays open."""

    piece: bytes
    whole: bool = True
    closes: bool = False


class Caller:
    """Stands from a request's head until its answer has left."""

    def __init__(self, request: web.Request) -> None:
        self.name = caller_name(request.headers)
        self._request = request
        self._may_proceed = False
        self._end: End | None = None
        self._stirred = asyncio.Event()

    @property
    def gone(self) -> bool:
        transport = self._request.transport
        return transport is None or transport.is_closing()

    def request(self, path: str) -> Request:
        """The request before it is read; `path` is without its prefix."""
        method = self._request.method
        ask = next((ask for verb, pattern, ask in _ASKS if verb == method and fnmatchcase(path, pattern)), Ask.OTHER)
        signed = self.name == Access.OAUTH1
        return Request(self, -1, ask, None, self._proceed, path, signed=signed, stall=self._stall)

    async def turn(self, waits: Callable[[], bool]) -> bool:
        """Whether the request is to be handled. `waits` says if that may still be when the caller has gone."""
        while not self._may_proceed and self._end is None:
            if self.gone and not waits():
                return False
            await self._stir()
        return self._end is None

    async def end(self) -> End | None:
        """What leaves; None when the caller has gone before."""
        while self._end is None and not self.gone:
            await self._stir()
        return self._end

    def deliver(self, frame: bytes) -> None:
        self._settle(End(frame))

    def cut(self, piece: bytes = b"") -> None:
        self._settle(End(piece, whole=False, closes=True))

    def describe(self, frame: bytes) -> Message:
        return Message(Kind.ANSWER, frame)

    def notice(self, _request_id: int, _code: int, _text: str) -> None:
        """This door has no notices."""

    def quote_requests(self) -> Sequence[int]:
        return ()

    def forget_quotes(self) -> None: ...

    def renew_quotes(self) -> None: ...

    def _stall(self, piece: bytes) -> None:
        self._settle(End(piece, whole=False))

    def _proceed(self) -> None:
        self._may_proceed = True
        self._stirred.set()

    def _settle(self, end: End) -> None:
        """The first word counts: there is one answer."""
        self._end = self._end or end
        self._stirred.set()

    async def _stir(self) -> None:
        self._stirred.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(BEAT):
                await self._stirred.wait()


def caller_name(headers: Mapping[str, str]) -> str:
    """How the request says that it comes; nothing of it is verified here."""
    scheme = headers.get("Authorization", "").partition(" ")[0].lower()
    return _SCHEMES.get(scheme, Access.GATEWAY).value


async def patiently(verdict: Callable[[], Admission], gone: Callable[[], bool]) -> Admission:
    """The verdict on somebody who knocks, once it is no longer to wait."""
    while (admission := verdict()) is Admission.WAIT:
        if gone():
            return Admission.CLOSE
        await asyncio.sleep(BEAT)
    return admission
