"""The wire between service and gateway, in the hands of a seed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from faults.framing import Framing, Make, Tws

Tap = Callable[[bytes], None]
"""Called with each whole piece before it goes on."""


class Wire:
    """Bytes pass unless the wire is mute (what the gateway says is lost), deaf (what we say is lost) or shut."""

    def __init__(
        self, target: int, framing: Make = Tws, *, sending: Tap | None = None, hearing: Tap | None = None
    ) -> None:
        """`sending` taps what the service says, `hearing` what the gateway says."""
        self.target = target
        self._framing = framing
        self.mute = False
        self.deaf = False
        self.shut = False
        self.port = 0
        self._sending = sending or _nothing
        self._hearing = hearing or _nothing
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], _Pair] = {}

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Both ends, at once, with whatever was still under way."""
        for pair in self._open.values():
            pair.near.transport.abort()
            pair.far.transport.abort()

    def heal(self) -> None:
        self.mute = self.deaf = self.shut = False

    def say(self, message: bytes) -> None:
        """As if the gateway had, wherever it may."""
        for pair in self._open.values():
            if pair.saying.open:
                pair.near.write(message)

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
        pair = self._open[task] = _Pair(writer, far_writer, self._framing())
        try:
            await asyncio.gather(
                _pump(reader, far_writer, self._framing(), lambda: self.deaf, self._sending),
                _pump(far_reader, writer, pair.saying, lambda: self.mute, self._hearing),
            )
        finally:
            del self._open[task]
            writer.close()
            far_writer.close()


@dataclass(frozen=True, slots=True)
class _Pair:
    """A connection's two ends, and how the gateway frames what it says."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    saying: Framing


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, framing: Framing, lost: Callable[[], bool], tap: Tap
) -> None:
    """Whole pieces as they come, so that `say` never speaks into the middle of one; a torn one at the end as it is."""
    rest = bytearray()
    with suppress(OSError):
        while data := await reader.read(65536):
            rest += data
            for piece in framing.take(rest):
                tap(piece)
                if not lost():
                    writer.write(piece)
        if rest and not lost():
            writer.write(bytes(rest))
    writer.close()


def _nothing(_piece: bytes) -> None:
    """Nobody listens in."""
