"""The topic `spl`: profit and loss of every account, when a figure has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from ibkr_bridge.api.mirror.shapes import portfolio as shapes
from ibkr_bridge.api.mirror.streams.grammar import Request
from ibkr_bridge.api.mirror.streams.outlet import Outlet
from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.engine.topics import PNL
from ibkr_bridge.hub.hub import Hub

_CADENCE: Final = 1.0
"""Seconds between two frames."""


class Profits:
    def __init__(self, engine: Engine, hub: Hub, outlet: Outlet) -> None:
        self._engine = engine
        self._hub = hub
        self._outlet = outlet
        self._told: dict[str, Any] = {}
        self._stirred = False
        self._leave: Callable[[], None] | None = None

    async def subscribe(self, _request: Request) -> None:
        """Raises what asking for the figures raises."""
        await self.close()
        self._leave = self._hub.tap(PNL, self._hear)
        try:
            await self._tell()
        except BridgeError:
            await self.close()
            raise

    async def unsubscribe(self, _request: Request) -> None:
        await self.close()

    async def close(self) -> None:
        if self._leave is not None:
            self._leave()
        self._leave, self._told, self._stirred = None, {}, False

    async def run(self) -> None:
        """Until cancelled. What cannot be asked now is told when it can."""
        while True:
            await asyncio.sleep(_CADENCE)
            if self._stirred and self._outlet.clear:
                self._stirred = False
                try:
                    await self._tell()
                except BridgeError:
                    self._stirred = True

    def _hear(self, _message: object) -> None:
        self._stirred = True

    async def _tell(self) -> None:
        told = {}
        for account in self._engine.sessions.current.accounts:
            figures = (await self._engine.accounts.summary(account)).value
            profit = (await self._engine.accounts.pnl(account)).value
            told[f"{account}.Core"] = shapes.profit_and_loss(figures, profit)
        if told != self._told and self._leave is not None:
            self._told = told
            self._outlet.tell({"topic": "spl", "args": told})
