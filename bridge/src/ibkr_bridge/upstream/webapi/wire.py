"""What the parts of this door share: calls while there is a session, and the word that it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from ibkr_bridge.domain.errors import BridgeError, BrokerAway, BrokerSilent
from ibkr_bridge.ports.upstream import Permit
from ibkr_bridge.upstream.pacing import Lane
from ibkr_bridge.upstream.webapi import errors
from ibkr_bridge.upstream.webapi.errors import Answer, PacedOut, Unauthenticated, Unbridged, Unreachable
from ibkr_bridge.upstream.webapi.http import Call, Http
from ibkr_bridge.upstream.webapi.settings import WebApiSettings

T = TypeVar("T")


class Wire:
    """`lost` is told that the session has ended, `doubted` that the far end was silent."""

    def __init__(self, http: Http, lost: Callable[[BridgeError], None], doubted: Callable[[], None]) -> None:
        self._http = http
        self._lost = lost
        self._doubted = doubted
        self._open = asyncio.Event()
        self._life = 0
        self._why = "There is no session with IBKR yet."
        self.accounts: tuple[str, ...] = ()
        self.scopes: tuple[str, ...] = ("",)
        """The accounts that lists of orders must be asked for one by one; empty text for all at once."""

    @property
    def settings(self) -> WebApiSettings:
        return self._http.settings

    @property
    def life(self) -> int:
        """Which session this is, counted from 1."""
        return self._life

    @property
    def open(self) -> bool:
        return self._open.is_set()

    def attach(self, accounts: tuple[str, ...], *, at_once: bool) -> None:
        self.accounts = accounts
        self.scopes = ("",) if at_once else accounts
        self._life += 1
        self._open.set()

    def detach(self, why: str) -> None:
        self._why = why
        self._open.clear()

    async def read(self, path: str, query: Mapping[str, str] | None = None, lane: Lane = Lane.DATA) -> Any:
        """A GET. A session that ends meanwhile is opened anew, once for all who wait, and the question repeated.

        Raises BrokerAway, BrokerSilent, BrokerRefused.
        """
        call = Call("GET", path, query or {}, lane=lane)
        life = self._required()
        try:
            return await self._called(call, life)
        except (Unauthenticated, Unbridged) as gone:
            await self._again(gone)
            return await self._called(call, self._life)

    async def ask(self, call: Call) -> Answer:
        """What IBKR says, but for the end of the session; a GET is repeated as by `read`, nothing else ever."""
        life = self._required()
        try:
            return await self._watched(self._answered(call), life)
        except (Unauthenticated, Unbridged) as gone:
            if not call.repeatable:
                raise
            await self._again(gone)
            return await self._watched(self._answered(call), self._life)

    async def write(
        self, method: str, path: str, body: object = None, *, order: bool = True, permit: Permit | None = None
    ) -> Any:
        """Sent once. Raises as `read` does; BrokerAway, and what `permit` raises, only when nothing was taken."""
        lane = Lane.ORDERS if order else Lane.DATA
        call = Call(method, path, body=body, lane=lane, slow=not order, permit=permit)
        return await self._called(call, self._required())

    def _required(self) -> int:
        if not self._open.is_set():
            raise BrokerAway(self._why)
        return self._life

    async def _called(self, call: Call, life: int) -> Any:
        return await self._watched(self._http.call(call), life)

    async def _answered(self, call: Call) -> Answer:
        answer = await self._http.answer(call)
        if (gone := errors.ending(answer)) is not None:
            raise gone
        return answer

    async def _watched(self, calling: Awaitable[T], life: int) -> T:
        try:
            return await calling
        except (Unauthenticated, Unbridged, PacedOut) as gone:
            if life == self._life and self.open:
                self._lost(gone)
            raise
        except (Unreachable, BrokerSilent):
            if life == self._life:
                self._doubted()
            raise

    async def _again(self, gone: BridgeError) -> None:
        try:
            async with asyncio.timeout(self.settings.request_timeout):
                await self._open.wait()
        except TimeoutError:
            raise BrokerAway(gone.detail) from gone
