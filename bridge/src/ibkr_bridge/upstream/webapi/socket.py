"""The WebSocket: kept open, judged by what it says, and given up when it falls silent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiohttp
import structlog

from ibkr_bridge.domain.errors import BridgeError, BrokerAway
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.upstream.webapi import bodies
from ibkr_bridge.upstream.webapi.http import Http

log = structlog.get_logger()
Message = dict[str, Any]
Say = Callable[[str], Awaitable[None]]
_TIC: Final = 50.0
"""Seconds between two signs of life of ours; IBKR wants one a minute."""
_NOBODY: Final = ("", 0)


class Socket:
    """`opened` is awaited each time the stream is ready for topics, `hear` gets every message, `closed` the end."""

    def __init__(
        self,
        http: Http,
        clock: Clock,
        *,
        hear: Callable[[Message], None],
        opened: Callable[[], Awaitable[None]],
        closed: Callable[[], None],
    ) -> None:
        self._http = http
        self._clock = clock
        self._hear = hear
        self._opened = opened
        self._closed = closed
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._status: dict[str, Any] = {}
        self._named = False
        self._up = asyncio.Event()
        self.our_end: tuple[str, int] = _NOBODY

    @property
    def up(self) -> bool:
        """Whether topics may be asked for."""
        return self._up.is_set()

    async def wait_up(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._up.wait()
        except TimeoutError:
            return False
        return True

    async def say(self, text: str) -> None:
        """A topic, or its end; while the stream is down it is for nobody, and what is wanted is asked for anew."""
        socket = self._socket
        if socket is None or not self.up:
            return
        try:
            async with asyncio.timeout(self._http.settings.connect_timeout):
                await socket.send_str(text)
        except (aiohttp.ClientError, ConnectionError, TimeoutError) as problem:
            log.debug("the stream broke while it was spoken to", problem=str(problem))

    async def run(self, session: Callable[[], Awaitable[str]]) -> None:
        """Connect and reconnect until cancelled; `session` gives the name of the session, fresh from IBKR."""
        settings = self._http.settings
        wait = settings.retry_first
        while True:
            began = self._clock.monotonic()
            try:
                await self._live(await session())
            except BridgeError as problem:
                log.info("no stream", code=problem.code, detail=problem.detail)
            except (aiohttp.ClientError, ConnectionError) as problem:
                log.info("the stream broke", problem=str(problem))
            if self._clock.monotonic() - began > settings.socket_silence:
                wait = settings.retry_first
            await self._clock.sleep(wait * (0.5 + self._clock.jitter() / 2))
            wait = min(wait * 2, settings.retry_most)

    async def _live(self, session: str) -> None:
        credentials = self._http.settings.credentials
        query = {} if credentials is None else {"oauth_token": credentials.access_token}
        socket = await self._http.connect("/ws", {"Cookie": f"api={session}"}, query)
        self._socket, self._status, self._named = socket, {}, False
        self.our_end = _our_end(socket)
        speaking = asyncio.create_task(self._keep_alive(), name="signs of life")
        try:
            while (message := await self._next(socket)) is not None:
                await self._take(socket, message, session)
        finally:
            was_up = self.up
            self._up.clear()
            self._socket = None
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
            await asyncio.shield(_parted(socket))
            if was_up:
                self._closed()

    async def _next(self, socket: aiohttp.ClientWebSocketResponse) -> Message | None:
        """None at the end. Raises BrokerAway after a silence: a gateway without IBKR answers pings all the same."""
        silence = self._http.settings.socket_silence
        try:
            async with asyncio.timeout(silence):
                frame = await socket.receive()
        except TimeoutError:
            raise BrokerAway(f"The stream was silent for {silence:g} s.") from None
        if frame.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            return None
        try:
            message = bodies.decode(frame.data)
        except ValueError:
            return {}
        return message if isinstance(message, dict) else {}

    async def _take(self, socket: aiohttp.ClientWebSocketResponse, message: Message, session: str) -> None:
        if message.get("message") == "waiting for session":
            await self._name(socket, session)
        elif message.get("topic") == "sts":
            await self._look_at(message)
        try:
            self._hear(message)
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
            log.exception("a message of the stream cannot be read", topic=message.get("topic"))

    async def _name(self, socket: aiohttp.ClientWebSocketResponse, session: str) -> None:
        """Once: IBKR asks for ever when it does not know the session, which only a fresh one ends."""
        if self._named:
            raise BrokerAway("The stream does not know the session.")
        self._named = True
        await socket.send_str(f'{{"session":"{session}"}}')

    async def _look_at(self, message: Message) -> None:
        """The status may come in pieces; topics are heeded only after it says authenticated."""
        news = message.get("args")
        self._status |= news if isinstance(news, dict) else {}
        if self._status.get("authenticated") and not self.up:
            self._up.set()
            await self._opened()

    async def _keep_alive(self) -> None:
        while True:
            await self._clock.sleep(_TIC)
            await self.say("tic")


def _our_end(socket: aiohttp.ClientWebSocketResponse) -> tuple[str, int]:
    name = socket.get_extra_info("sockname")
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) and len(name) >= 2 else _NOBODY


async def _parted(socket: aiohttp.ClientWebSocketResponse) -> None:
    try:
        async with asyncio.timeout(1.0):
            await socket.close()
    except (TimeoutError, aiohttp.ClientError, ConnectionError):
        return
