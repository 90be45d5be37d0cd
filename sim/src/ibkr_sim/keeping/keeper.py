"""Writes the state to its file whenever something has changed, and once more at the end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ibkr_sim.exchange.model import Event, QuoteChanged
from ibkr_sim.keeping.file import State, store, written

PACE: Final = 0.5
"""Real seconds between two looks."""
_SHARE: Final = 20
"""A state that takes long to write is written so much less often."""
_log: Final = logging.getLogger(__name__)


class Keeper:
    """`state` gives what is to be kept. Nobody waits for a disk: what happened since the last writing may be lost."""

    def __init__(self, path: Path, state: Callable[[], State]) -> None:
        self._path, self._state = path, state
        self._changed = False
        self._writing: asyncio.Task[None] | None = None

    def hear(self, event: Event) -> None:
        if not isinstance(event, QuoteChanged):
            self._changed = True

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            took = await self._keep() if self._changed else 0.0
            await asyncio.sleep(max(PACE, took * _SHARE))

    async def close(self) -> None:
        """Write for the last time. Raises OSError."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
        store(self._path, written(self._state()))

    async def _keep(self) -> float:
        """The seconds that it took."""
        began, self._changed = time.monotonic(), False
        text = written(self._state())
        self._writing = asyncio.create_task(asyncio.to_thread(store, self._path, text), name="writing")
        try:
            # Who cancels the keeper waits in `close` for what is being written.
            await asyncio.shield(self._writing)
        except OSError as error:
            self._changed = True
            _log.error("the state was not written to %s: %s", self._path, error)
        return time.monotonic() - began
