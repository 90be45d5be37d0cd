"""The connection's life: connect, be admitted, keep alive, and after a loss begin again, more slowly each time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import structlog
from ib_async.client import Client

from ibkr_bridge.domain.errors import BridgeError, BrokerAway, BrokerBusy, BrokerSilent, WorldMismatch
from ibkr_bridge.domain.session import Session as SessionView
from ibkr_bridge.domain.session import SessionState
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.upstream import Admission
from ibkr_bridge.upstream.pacing import Lane
from ibkr_bridge.upstream.tws.codes import Code, Effect
from ibkr_bridge.upstream.tws.wire import Wire

log = structlog.get_logger()
_STARTING = "session.starting"
_SHORTEST_WAIT = 0.01
"""Seconds; a wait that rounds to nothing would never end."""
_STEADY = 30.0
"""A connection that lasted this long, in seconds, makes the next wait short again."""


class Refusal(Exception):
    """A connection that did not come about, in words for a person and a code for programs."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Attempt:
    """One connection's own ear: what an earlier, dying one still says reaches nobody."""

    def __init__(self, hear: Callable[[], None]) -> None:
        self.heard = hear
        self.ended = asyncio.Event()
        self.refusal: Refusal | None = None
        self.link_lost: str | None = None
        """IBKR's text while the gateway has lost IBKR, also from before the end of the greeting."""
        self.data_lost: str | None = None
        """IBKR's text until all that was subscribed to has been asked for again."""

    def closed(self) -> None:
        self.ended.set()

    def refuse(self, code: str, reason: str) -> None:
        self.refusal = Refusal(code, reason)
        self.ended.set()


class Session:
    def __init__(
        self,
        wire: Wire,
        clock: Clock,
        admit: Admission,
        *,
        make_client: Callable[[Attempt], Client],
        restore: Callable[[tuple[str, ...]], Awaitable[None]],
        changed: Callable[[SessionView], None],
    ) -> None:
        self._wire = wire
        self._clock = clock
        self._admit = admit
        self._make_client = make_client
        self._restore = restore
        self._changed = changed
        self._view = SessionView(SessionState.DISCONNECTED, clock.now(), code=_STARTING, reason="Starting.")
        self._was_ready = False
        self._attempt = Attempt(self._heard)
        self._last_heard = clock.monotonic()
        self._restoring = asyncio.Event()
        self._asking_time: asyncio.Task[float] | None = None

    @property
    def view(self) -> SessionView:
        return self._view

    async def run(self) -> None:
        """Connect and reconnect until cancelled. Raises WorldMismatch if the first far end is the wrong one."""
        try:
            await self._go_on()
        finally:
            if self._asking_time is not None:
                self._asking_time.cancel()
                await asyncio.wait({self._asking_time})

    async def _go_on(self) -> None:
        wait = self._wire.settings.retry_first
        while True:
            began = self._clock.monotonic()
            try:
                await self._live()
            except Refusal as refusal:
                self._down(refusal.code, refusal.reason)
            except WorldMismatch as mismatch:
                if not self._was_ready:
                    raise
                self._down(mismatch.code, mismatch.title)  # the detail names accounts, for the log alone
                log.warning("admission refused", detail=mismatch.detail)
            if self._clock.monotonic() - began > _STEADY:
                wait = self._wire.settings.retry_first
            await self._clock.sleep(wait * (0.5 + self._clock.jitter() / 2))
            wait = min(wait * 2, self._wire.settings.retry_most)

    def system(self, code: Code, text: str) -> None:
        """A message that concerns the connection itself."""
        match code.effect:
            case Effect.CLIENT_ID_USED:
                self._attempt.refuse("session.client_id_used", f"Client id {self._client_id} is in use: {text}")
            case Effect.LINK_LOST:
                self._attempt.link_lost = text
                self._stand()
            case Effect.LINK_RESTORED:
                self._attempt.link_lost = None
                self._stand()
            case Effect.LINK_RESTORED_EMPTY:
                self._attempt.link_lost = None
                self._data_lost(text)
            case _:
                log.debug("system message of IBKR", code=code.number, text=text)

    def _data_lost(self, text: str) -> None:
        """What was subscribed to is gone; while a new connection is being set up, that asks again by itself."""
        self._wire.losses += 1
        if self._view.connected:
            self._attempt.data_lost = text
            self._restoring.set()
            self._stand()

    def renew(self, reason: str) -> None:
        """End this connection, and make another."""
        if self._view.connected:
            self._attempt.refuse("session.renewed", reason)

    async def _live(self) -> None:
        """One connection from beginning to end. Raises Refusal or WorldMismatch."""
        self._restoring.clear()
        self._attempt = Attempt(self._heard)
        self._become(replace(self._view, state=SessionState.CONNECTING, attempt=self._view.attempt + 1))
        client = self._make_client(self._attempt)
        try:
            await self._connect(client)
            self._wire.attach(client)
            accounts = tuple(client.getAccounts())
            await self._admit(accounts, _our_end(client))
            await self._restore_all(accounts)
            self._ready(accounts, client.serverVersion())
            await self._until_closed()
        except BridgeError as problem:
            if isinstance(problem, WorldMismatch):
                raise
            raise Refusal("session.lost", problem.detail) from problem
        except OSError as problem:
            raise Refusal("session.lost", "TWS or IB Gateway closed the connection.") from problem
        finally:
            self._wire.detach("The connection to TWS or IB Gateway broke.")
            client.disconnect()
        raise self._attempt.refusal or Refusal("session.lost", "TWS or IB Gateway closed the connection.")

    async def _connect(self, client: Client) -> None:
        settings = self._wire.settings
        where = f"{settings.host}:{settings.port}"
        connecting = asyncio.create_task(
            client.connectAsync(settings.host, settings.port, settings.client_id, settings.connect_timeout)
        )
        closing = asyncio.create_task(self._attempt.ended.wait())
        try:
            await asyncio.wait({connecting, closing}, return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                raise self._attempt.refusal or Refusal(
                    "session.refused", f"{where} closed the connection during the greeting."
                )
            await connecting
        except TimeoutError:
            reason = f"{where} accepts connections but does not speak: is TWS or IB Gateway logged in and its API on?"
            raise Refusal("session.silent", reason) from None
        except OSError as problem:
            reason = f"Nothing answers at {where}: is TWS or IB Gateway running, and is its API enabled on this port?"
            raise Refusal("session.unreachable", reason) from problem
        finally:
            for task in (connecting, closing):
                task.cancel()
            # To await the tasks themselves would take a cancel of ours for theirs, and go on connecting for ever.
            await asyncio.wait({connecting, closing})
            if not connecting.cancelled():
                connecting.exception()  # looked at, whatever it is: the connection has come to nothing, or is up

    async def _until_closed(self) -> None:
        """Ask for the time when nothing is heard; subscribe anew when IBKR lost what we had."""
        async with asyncio.TaskGroup() as tasks:
            watchers = [tasks.create_task(self._keep_alive()), tasks.create_task(self._restore_when_told())]
            await self._attempt.ended.wait()
            for watcher in watchers:
                watcher.cancel()

    async def _keep_alive(self) -> None:
        while True:
            quiet = self._clock.monotonic() - self._last_heard
            if quiet < self._wire.settings.keepalive:
                await self._clock.sleep(max(self._wire.settings.keepalive - quiet, _SHORTEST_WAIT))
                continue
            try:
                await self.ask_time()
            except BrokerSilent as silence:
                self._attempt.refuse("session.silent", silence.detail)
                return
            except BrokerAway:
                return

    async def ask_time(self) -> float:
        """The seconds that the gateway's answer took. Who asks meanwhile shares it: the question has no number."""
        if self._asking_time is None or self._asking_time.done():
            self._asking_time = asyncio.create_task(self._ask_time(), name="the gateway's time")
            self._asking_time.add_done_callback(_looked_at)
        return await asyncio.shield(self._asking_time)

    async def _ask_time(self) -> float:
        client = await self._wire.turn(Lane.SESSION)
        began = self._clock.monotonic()
        with self._wire.requests.open("time", "its time") as request:
            client.reqCurrentTime()
            await request.all(self._wire.settings.request_timeout)
        return self._clock.monotonic() - began

    async def _restore_when_told(self) -> None:
        while True:
            await self._restoring.wait()
            try:
                await self._restore_all(self._view.accounts)
            except BrokerAway:
                return
            self._restoring.clear()
            self._attempt.data_lost = None
            self._stand()

    async def _restore_all(self, accounts: tuple[str, ...]) -> None:
        """Until it is through: what is not asked for again would stand still, and look alive. Raises BrokerAway."""
        while True:
            losses = self._wire.losses
            with suppress(BrokerBusy):
                await self._restore(accounts)
                if losses == self._wire.losses:
                    return

    def _ready(self, accounts: tuple[str, ...], version: int) -> None:
        self._was_ready = True
        now = self._clock.now()
        view = SessionView(SessionState.READY, now, accounts=accounts, server_version=version, opened_at=now)
        self._become(self._standing(view))

    def _stand(self) -> None:
        if self._view.connected:
            self._become(self._standing(self._view))

    def _standing(self, view: SessionView) -> SessionView:
        """What the gateway has said of its link and of our data, taken together."""
        attempt = self._attempt
        if attempt.link_lost is not None:
            return replace(view, state=SessionState.DEGRADED, code="session.link_lost", reason=attempt.link_lost)
        if attempt.data_lost is not None:
            return replace(view, state=SessionState.DEGRADED, code="session.data_lost", reason=attempt.data_lost)
        return replace(view, state=SessionState.READY, code=None, reason=None)

    def _down(self, code: str, reason: str) -> None:
        self._become(replace(self._view, state=SessionState.DISCONNECTED, code=code, reason=reason))

    def _become(self, view: SessionView) -> None:
        """Loss and return are told once each; the attempts between them are only there to be looked at."""
        before = self._view
        known = before.state is view.state or not (before.connected or view.connected)
        self._view = view if known else replace(view, since=self._clock.now())
        if before.connected and before.state is view.state:
            return  # a return that nothing was lost before is no news
        first_failure = before.code == _STARTING and view.state is SessionState.DISCONNECTED
        if before.connected or view.connected or first_failure:
            log.info("session", state=str(view.state), code=view.code, reason=view.reason)
            self._changed(self._view)

    def _heard(self) -> None:
        self._last_heard = self._clock.monotonic()

    @property
    def _client_id(self) -> int:
        return self._wire.settings.client_id


def _our_end(client: Client) -> tuple[str, int]:
    transport = client.conn.transport
    if transport is None:
        raise BrokerAway("The connection broke during the greeting.")
    host, port, *_ = transport.get_extra_info("sockname")
    return host, port


def _looked_at(done: asyncio.Task[float]) -> None:
    """Its failure is told to whoever still waits; when nobody does, it is nobody's."""
    if not done.cancelled():
        done.exception()
