"""One accepted socket: a reader, and a writer that sends the mailbox in order within a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from ibkr_bridge.hub.closing import CloseCode, SubscriberClosed
from ibkr_bridge.hub.subscriber import Subscriber

Hear = Callable[[str | bytes], Awaitable[None]]
IDLE = 60.0
"""Seconds after which the writer looks up when nothing comes; the protocol's own pings find dead peers."""


class Connection:
    def __init__(self, socket: WebSocket, mailbox: Subscriber, send_timeout: float) -> None:
        self._socket = socket
        self._mailbox = mailbox
        self._send_timeout = send_timeout

    async def run(self, hear: Hear) -> None:
        """Until the caller goes, is too slow, or the service stops; then the socket is closed."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._write(), name="websocket writer")
                await self._read(hear)
        except* WebSocketDisconnect:
            pass
        except* SubscriberClosed as ended:
            first = ended.exceptions[0]
            assert isinstance(first, SubscriberClosed)
            await self._close(first.code, first.reason)
        except* TimeoutError:
            await self._close(CloseCode.SLOW, f"a message was not accepted within {self._send_timeout:g} s")

    async def _read(self, hear: Hear) -> None:
        while True:
            message: dict[str, Any] = dict(await self._socket.receive())
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1005))
            text = message.get("text")
            await hear(text if text is not None else message.get("bytes") or b"")
            await asyncio.sleep(0)  # a burst of requests must not fill the mailbox before the writer has had a turn

    async def _write(self) -> None:
        while True:
            for frame in await self._mailbox.next(IDLE):
                async with asyncio.timeout(self._send_timeout):
                    await self._socket.send_text(frame.decode())

    async def _close(self, code: CloseCode, reason: str) -> None:
        with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):  # it may have gone in the meantime
            async with asyncio.timeout(self._send_timeout):
                await self._socket.close(code, reason[:120])
