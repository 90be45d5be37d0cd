"""The wire between service and gateway, in the hands of a seed."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress

Tap = Callable[[bytes], None]
"""Called with each whole frame before it goes on; length and greeting are left off."""
_GREETING = b"API\0"


class Wire:
    """Bytes pass unless the wire is mute (what the gateway says is lost), deaf (what we say is lost) or shut."""

    def __init__(self, target: int, *, sending: Tap | None = None, hearing: Tap | None = None) -> None:
        """`sending` taps what the service says, `hearing` what the gateway says."""
        self.target = target
        self.mute = False
        self.deaf = False
        self.shut = False
        self.port = 0
        self._sending = sending or _nothing
        self._hearing = hearing or _nothing
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = {}

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Both ends, at once, with whatever was still under way."""
        for near, far in self._open.values():
            near.transport.abort()
            far.transport.abort()

    def heal(self) -> None:
        self.mute = self.deaf = self.shut = False

    def say(self, code: int, text: str, number: int = -1) -> None:
        """A message about an order, or about the system, as if the gateway had sent it."""
        payload = f"4\x002\x00{number}\x00{code}\x00{text}\x00\x00".encode()
        for near, _far in self._open.values():
            near.write(struct.pack(">I", len(payload)) + payload)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self.shut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:  # nobody is at home: who knocks here is to learn it as if there were no wire
            writer.transport.abort()
            return
        self._open[task] = (writer, far_writer)
        try:
            await asyncio.gather(
                _pump(reader, far_writer, lambda: self.deaf, self._sending),
                _pump(far_reader, writer, lambda: self.mute, self._hearing),
            )
        finally:
            del self._open[task]
            writer.close()
            far_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: Callable[[], bool], tap: Tap) -> None:
    """Whole frames as they come, so that `say` never speaks into the middle of one; a torn one at the end as it is."""
    rest = bytearray()
    with suppress(OSError):
        while data := await reader.read(65536):
            rest += data
            for frame in _frames(rest):
                tap(frame[4:])
                if not lost():
                    writer.write(frame)
        if rest and not lost():
            writer.write(bytes(rest))
    writer.close()


def _frames(rest: bytearray) -> Iterator[bytes]:
    """Take whole frames out of what has come."""
    if rest.startswith(_GREETING):
        yield _take(rest, len(_GREETING))
    while len(rest) >= 4 and len(rest) >= 4 + (size := int.from_bytes(rest[:4], "big")):
        yield _take(rest, 4 + size)


def _take(rest: bytearray, count: int) -> bytes:
    frame = bytes(rest[:count])
    del rest[:count]
    return frame


def _nothing(_frame: bytes) -> None:
    """Nobody listens in."""
