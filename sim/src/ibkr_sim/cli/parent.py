"""Standard input as a line to the parent process: its first line, and its end."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Final

_LONGEST_LINE: Final = 4096
_STANDARD_INPUT: Final = 0


class ParentPipe:
    """Reads in a thread of its own: not every system lets an event loop wait for standard input."""

    def __init__(self, on_end: Callable[[], None] | None = None) -> None:
        """`on_end` is called on the event loop when the parent closes the pipe or dies."""
        self._loop = asyncio.get_running_loop()
        self._on_end = on_end
        self._line: asyncio.Future[str] = self._loop.create_future()
        # A daemon, for nothing can interrupt its read; it holds no lock that the interpreter's end waits for.
        threading.Thread(target=self._read, name="parent-pipe", daemon=True).start()

    async def first_line(self, patience: float) -> str:
        """Empty when the parent sent none. Raises TimeoutError after `patience` seconds."""
        async with asyncio.timeout(patience):
            return await asyncio.shield(self._line)

    def _read(self) -> None:
        line = chunk = self._chunk()
        while chunk and b"\n" not in line and len(line) < _LONGEST_LINE:
            chunk = self._chunk()
            line += chunk
        self._tell(self._take_line, line)
        while chunk:
            chunk = self._chunk()
        if self._on_end is not None:
            self._tell(self._on_end)

    def _chunk(self) -> bytes:
        # Not sys.stdin: its buffer's lock would be held by this thread for ever.
        try:
            return os.read(_STANDARD_INPUT, _LONGEST_LINE)
        except OSError:
            return b""

    def _take_line(self, line: bytes) -> None:
        if not self._line.done():
            self._line.set_result(line.partition(b"\n")[0].decode(errors="replace").strip())

    def _tell(self, call: Callable[..., None], *arguments: bytes) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            # The loop has closed: nobody is left to be told.
            return
