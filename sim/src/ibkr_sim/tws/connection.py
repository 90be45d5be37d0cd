"""One client's socket: the handshake, then frames until either side leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from ibkr_sim.tws.answers.session import SYSTEM, error, greeting
from ibkr_sim.tws.fields import FieldReader, Unreadable
from ibkr_sim.tws.framing import PREFIX, FrameTooLong, Hello, agree, parse_hello, read_frame
from ibkr_sim.tws.handlers.table import START_API
from ibkr_sim.tws.pacing import MessageRate
from ibkr_sim.tws.refusals import unreadable
from ibkr_sim.tws.requests.session import StartApi, start_api
from ibkr_sim.tws.settings import TwsSettings
from ibkr_sim.tws.versions import LOWEST

PACED: Final = "+PACEAPI"
"""The connect option by which a client asks to be slowed down."""
GONE: Final = (asyncio.IncompleteReadError, ConnectionError, TimeoutError, OSError)
"""What a read raises when the client left, or took too long over a frame."""


class Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, settings: TwsSettings) -> None:
        self._reader = reader
        self._writer = writer
        self._settings = settings
        self.version = LOWEST
        self._paced = False
        """Whether the client has asked to be slowed down instead of refused."""

    @property
    def peer(self) -> str:
        """The client's end, `127.0.0.1:54321`."""
        host, port = (self._writer.get_extra_info("peername") or ("?", 0))[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def port(self) -> int:
        """Of this end; 0 once it is closed."""
        number: int = (self._writer.get_extra_info("sockname") or ("", 0))[1]
        return number

    @property
    def gone(self) -> bool:
        """Whether either side has left; what the client sent before may be unread."""
        return self._writer.transport.is_closing() or self._reader.at_eof()

    def send(self, message: bytes) -> None:
        """Hand over one frame and return; a client that does not read is cut off, so that it delays nobody."""
        transport = self._writer.transport
        if transport.is_closing():
            return
        self._writer.write(message)
        if transport.get_write_buffer_size() > self._settings.most_unsent_bytes:
            self.abort()

    async def greet(self, now: str) -> bool:
        """Agree on a version. False when this is no client, or none that this door can speak with."""
        async with asyncio.timeout(self._settings.patience):
            if await self._reader.readexactly(len(PREFIX)) != PREFIX:
                return False
            hello = parse_hello(await read_frame(self._reader, self._settings.patience))
        version = self._agreed(hello)
        if version is None:
            return False
        self.version = version
        self._paced = hello is not None and PACED in hello.options
        # One write: clients drop whatever else arrives with the reply, and read half a reply as none.
        self.send(greeting(version, now))
        return True

    def _agreed(self, hello: Hello | None) -> int | None:
        return None if hello is None else agree(hello, LOWEST, self._settings.version_cap)

    async def introduction(self) -> StartApi:
        """Wait for startApi; what a client sends before it has no answer. Raises Unreadable."""
        async with asyncio.timeout(self._settings.patience):
            while True:
                fields = FieldReader(await read_frame(self._reader, self._settings.patience), self.version)
                if fields.integer() == START_API:
                    return start_api(fields)

    async def serve(self, answer: Callable[[bytes], None], too_fast: Callable[[int], None]) -> None:
        """Hand every frame to `answer` until the client leaves or sends what cannot be read.

        `too_fast` hears how often there were too many.
        """
        rate, clock = MessageRate(self._settings.most_messages), asyncio.get_running_loop().time
        while not self._writer.transport.is_closing():
            payload = await read_frame(self._reader, self._settings.patience)
            if delay := rate.delay(clock()):
                if self._paced:
                    await asyncio.sleep(delay)
                else:
                    rate.broken += 1
                    too_fast(rate.broken)
            rate.note(clock())
            answer(payload)
            # A client that sends without pause must leave the others their turn.
            await asyncio.sleep(0)

    def complain(self, refusal: Unreadable | FrameTooLong, now: datetime) -> None:
        self.send(error(self.version, SYSTEM, *unreadable(str(refusal)), now))

    def part(self) -> None:
        """End without a word; what was sent before leaves first."""
        self._writer.close()

    def abort(self) -> None:
        """End at once; what was not read is lost."""
        self._writer.transport.abort()

    async def close(self) -> None:
        """Let what was sent leave, for a moment, then end."""
        self._writer.close()
        try:
            async with asyncio.timeout(1):
                await self._writer.wait_closed()
        except GONE:
            self.abort()
