"""The session's life: log in, open the bridge, be admitted, keep alive, and after a loss begin again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import structlog

from ibkr_bridge.domain.errors import BridgeError, BrokerAway, WorldMismatch
from ibkr_bridge.domain.session import Session as SessionView
from ibkr_bridge.domain.session import SessionState
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.upstream import Admission
from ibkr_bridge.upstream.webapi import refusals, translate
from ibkr_bridge.upstream.webapi.errors import PacedOut, Unauthenticated, Unavailable, Unbridged
from ibkr_bridge.upstream.webapi.http import Http
from ibkr_bridge.upstream.webapi.login import Login, established
from ibkr_bridge.upstream.webapi.refusals import Refusal
from ibkr_bridge.upstream.webapi.socket import Message, Socket
from ibkr_bridge.upstream.webapi.wire import Wire

log = structlog.get_logger()
_STARTING: Final = "session.starting"
_STEADY: Final = 30.0
"""A session that lasted this long, in seconds, makes the next wait short again."""
_ENOUGH: Final = 3
"""Failed tickles in a row: single ones fail in sound sessions too. One without any answer weighs double."""
_AT_ONCE: Final = frozenset({"session.reset", "session.lost", "session.renewed"})
"""After these the first attempt does not wait: the far end is there."""


class Session:
    def __init__(
        self,
        http: Http,
        clock: Clock,
        admit: Admission,
        *,
        hear: Callable[[Message], None],
        restore: Callable[[tuple[str, ...]], Awaitable[None]],
        resubscribe: Callable[[], Awaitable[None]],
        stream_closed: Callable[[], None],
        changed: Callable[[SessionView], None],
    ) -> None:
        self._http = http
        self._clock = clock
        self._admit = admit
        self._restore = restore
        self._resubscribe = resubscribe
        self._changed = changed
        self._heard = hear
        self._stream_closed = stream_closed
        self._login = Login(http, clock)
        self.wire = Wire(http, self._lost, self._doubt)
        self.socket = Socket(http, clock, hear=self._hear, opened=self._stream_opened, closed=self._stream_ended)
        self._view = SessionView(SessionState.DISCONNECTED, clock.now(), code=_STARTING, reason="Starting.")
        self._was_ready = False
        self._refusal: Refusal | None = None
        self._ended = asyncio.Event()
        self._doubted = asyncio.Event()
        self._failures = 0

    @property
    def view(self) -> SessionView:
        return self._view

    async def run(self) -> None:
        """Open and reopen until cancelled. Raises WorldMismatch if the first far end is the wrong one."""
        settings = self._http.settings
        wait = settings.retry_first
        while True:
            began = self._clock.monotonic()
            refusal = await self._attempt()
            self._down(refusal.code, refusal.reason)
            lasted = self._clock.monotonic() - began
            if lasted > _STEADY:
                wait = settings.retry_first
            pause = 0.0 if lasted > _STEADY and refusal.code in _AT_ONCE else wait * (0.5 + self._clock.jitter() / 2)
            await self._clock.sleep(max(pause, self._http.barred))
            wait = min(wait * 2, settings.retry_refused if refusal.patient else settings.retry_most)

    async def close(self) -> None:
        if self._http.settings.log_out and self._was_ready:
            await self._login.log_out()

    def renew(self, reason: str) -> None:
        """End this session, and open another."""
        if self._view.connected:
            self._refuse(Refusal("session.renewed", reason))

    async def ask_time(self) -> float:
        """The seconds that IBKR's answer took."""
        if not self.wire.open:
            raise BrokerAway(self._view.reason or "There is no session with IBKR.")
        began = self._clock.monotonic()
        await self._login.status()
        return self._clock.monotonic() - began

    async def _attempt(self) -> Refusal:
        """One session from beginning to end, and why it ended. Raises WorldMismatch."""
        try:
            return await self._live()
        except Refusal as refusal:
            return refusal
        except WorldMismatch as mismatch:
            if not self._was_ready:
                raise
            log.warning("admission refused", detail=mismatch.detail)
            return Refusal(mismatch.code, mismatch.title)  # the detail names accounts, for the log alone
        except BridgeError as problem:
            return refusals.refusal(problem, self._http.settings, self._http.skew)

    async def _live(self) -> Refusal:
        """Raises Refusal, WorldMismatch and what calls raise."""
        self._ended.clear()
        self._doubted.clear()
        self._refusal, self._failures = None, 0
        self._become(replace(self._view, state=SessionState.CONNECTING, attempt=self._view.attempt + 1))
        await self._login.authenticate()
        await self._login.bridge()
        accounts = await self._login.accounts()
        streaming = asyncio.create_task(self.socket.run(self._login.name), name="stream")
        try:
            await self.socket.wait_up(self._http.settings.stream_patience)
            await self._admit(accounts, self._our_end())
            self.wire.attach(accounts, at_once=self._login.lists_everything)
            await self._restore(accounts)
            if self._refusal is None:
                self._ready(accounts)
            return await self._until_lost()
        finally:
            self.wire.detach("The session with IBKR has ended.")
            streaming.cancel()
            await asyncio.gather(streaming, return_exceptions=True)

    def _our_end(self) -> tuple[str, int]:
        """Over the internet it says nothing."""
        return ("", 0) if self._http.settings.credentials is not None else self.socket.our_end

    async def _until_lost(self) -> Refusal:
        """Tickle at intervals, and soon when something was silent."""
        settings = self._http.settings
        while self._refusal is None:
            expires_in = self._login.expires_in
            if expires_in is not None and expires_in <= settings.renew_before:
                return Refusal("session.renewed", "The live session token is being renewed before it ends.")
            await self._rest(settings.step if self._failures else settings.tickle_interval)
            if self._refusal is None:
                await self._look()
        return self._refusal

    async def _rest(self, seconds: float) -> None:
        waiting = [asyncio.create_task(self._ended.wait()), asyncio.create_task(self._doubted.wait())]
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _look(self) -> None:
        self._doubted.clear()
        try:
            told = translate.mapping(translate.mapping((await self._login.tickle()).get("iserver")).get("authStatus"))
            self._weigh(told or await self._login.status())
        except (Unauthenticated, Unbridged, PacedOut) as problem:
            self._lost(problem)
        except BridgeError as problem:
            self._failures += 1 if isinstance(problem, Unavailable) else 2
            if self._failures >= _ENOUGH:
                self._lost(problem)
        else:
            self._failures = 0

    def _weigh(self, told: dict[str, Any]) -> None:
        if told.get("competing"):
            self._refuse(refusals.competing())
        elif not established(told):
            self._lost(Unbridged("IBKR's brokerage session is gone."))

    def _hear(self, message: Message) -> None:
        """What the stream says of the session itself, and everything else to the parts."""
        if message.get("topic") == "sts" and self.wire.open:
            told = translate.mapping(message.get("args"))
            if told.get("competing"):
                self._refuse(refusals.competing())
            elif told.get("authenticated") is False:
                self._lost(Unauthenticated("IBKR has ended the session."))
        self._heard(message)

    async def _stream_opened(self) -> None:
        if self.wire.open:
            await self._resubscribe()

    def _stream_ended(self) -> None:
        """Often the first sign that more is wrong."""
        self._stream_closed()
        self._doubt()

    def _lost(self, problem: BridgeError) -> None:
        self._refuse(refusals.lost(problem, self._clock.now()))

    def _doubt(self) -> None:
        self._doubted.set()

    def _refuse(self, refusal: Refusal) -> None:
        if self._refusal is None:
            self._refusal = refusal
            self.wire.detach(refusal.reason)
            self._ended.set()
            if self._view.connected:  # whoever looks now must not find it ready
                self._down(refusal.code, refusal.reason)

    def _ready(self, accounts: tuple[str, ...]) -> None:
        self._was_ready = True
        now = self._clock.now()
        self._become(SessionView(SessionState.READY, now, accounts=accounts, opened_at=now))

    def _down(self, code: str, reason: str) -> None:
        self._become(replace(self._view, state=SessionState.DISCONNECTED, code=code, reason=reason))

    def _become(self, view: SessionView) -> None:
        """Loss and return are told once each; the attempts between them are only there to be looked at."""
        before = self._view
        known = before.state is view.state or not (before.connected or view.connected)
        self._view = view if known else replace(view, since=self._clock.now())
        if before.connected and before.state is view.state:
            return
        first_failure = before.code == _STARTING and view.state is SessionState.DISCONNECTED
        if before.connected or view.connected or first_failure:
            log.info("session", state=str(view.state), code=view.code, reason=view.reason)
            self._changed(self._view)
