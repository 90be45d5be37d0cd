"""The wire between service and gateway, in the hands of a seed."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from contextlib import suppress


class Wire:
    """Bytes pass unless the wire is mute (what the gateway says is lost), deaf (what we say is lost) or shut."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.mute = False
        self.deaf = False
        self.shut = False
        self.port = 0
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
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self._open[task] = (writer, far_writer)
        try:
            await asyncio.gather(
                _pump(reader, far_writer, lambda: self.deaf), _pump(far_reader, writer, lambda: self.mute)
            )
        finally:
            del self._open[task]
            writer.close()
            far_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: Callable[[], bool]) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            if not lost():
                writer.write(data)
    writer.close()
