"""The topics `ssd` and `sld`: summary and ledger of an account, IBKR's own where its stream is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from ibkr_bridge.api.mirror.answers import Refusal
from ibkr_bridge.api.mirror.shapes import statements as shapes
from ibkr_bridge.api.mirror.streams.grammar import Request
from ibkr_bridge.api.mirror.streams.outlet import Outlet
from ibkr_bridge.domain.errors import BridgeError, NotSupported, UnknownAccount
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.ports.research import Frame, HearFrame, Topic

CADENCE: Final = 10.0
"""Seconds between two frames (Web API v1.0, "Account Ledger")."""
_MOST: Final = 50
Read = Callable[[Engine, str], Awaitable[list[dict[str, Any]]]]


async def summary_rows(engine: Engine, account: str) -> list[dict[str, Any]]:
    return shapes.summary_rows(await engine.accounts.summary(account))


async def ledger_rows(engine: Engine, account: str) -> list[dict[str, Any]]:
    return shapes.ledger_rows(await engine.accounts.summary(account), (await engine.accounts.pnl(account)).value)


@dataclass(slots=True)
class _Watch:
    account: str
    keys: Sequence[str]
    fields: Sequence[str]
    hear: HearFrame | None = None
    """Who listens to IBKR's stream; None where the figures are read here."""


class Statements:
    """One kind of them, of as many accounts as the socket has asked for."""

    def __init__(self, engine: Engine, outlet: Outlet, name: str, word: str, read: Read) -> None:
        self._engine = engine
        self._outlet = outlet
        self._name = name
        self._word = word
        self._read = read
        self._watched: dict[str, _Watch] = {}

    async def subscribe(self, request: Request) -> None:
        """Asked again, it begins anew. Raises Refusal, and what reading the figures raises."""
        account = request.target
        await self._drop(account)
        if len(self._watched) >= _MOST:
            raise Refusal(500, f"unable to subscribe: at most {_MOST} accounts on one socket")
        try:
            self._engine.accounts.resolve(account)
        except UnknownAccount as unknown:
            raise Refusal(400, "invalid account", code=unknown.code, advice=unknown.advice) from None
        watch = _Watch(account, request.texts("keys"), request.texts("fields"))
        hear = partial(self._told, watch)
        watch.hear, self._watched[account] = hear, watch
        try:
            await self._engine.research.topics.acquire(Topic(self._name, account), hear)
        except NotSupported:
            watch.hear = None
            await self._begin(watch)
        except BridgeError:
            self._watched.pop(account, None)
            raise

    async def unsubscribe(self, request: Request) -> None:
        await self._drop(request.target)
        self._outlet.tell({"result": f"unsubscribed from {self._word}"})

    async def close(self) -> None:
        for account in tuple(self._watched):
            await self._drop(account)

    async def run(self) -> None:
        """Until cancelled. What cannot be read now is told when it can."""
        while True:
            await asyncio.sleep(CADENCE)
            if self._outlet.clear:
                for watch in tuple(self._watched.values()):
                    if watch.hear is None:
                        await self._try(watch)

    async def _begin(self, watch: _Watch) -> None:
        try:
            await self._tell(watch)
        except BridgeError:
            self._watched.pop(watch.account, None)
            raise

    async def _try(self, watch: _Watch) -> None:
        try:
            await self._tell(watch)
        except BridgeError:
            return

    async def _tell(self, watch: _Watch) -> None:
        rows = await self._read(self._engine, watch.account)
        if self._watched.get(watch.account) is watch:
            self._show(watch, rows)

    def _told(self, watch: _Watch, frame: Frame) -> None:
        """Every row comes from IBKR, whatever the one who asked first wanted to see of them."""
        if "error" in frame:
            if self._watched.get(watch.account) is watch:
                del self._watched[watch.account]
            self._outlet.tell(frame)
            return
        rows = frame.get("result")
        if isinstance(rows, list):
            self._show(watch, [row for row in rows if isinstance(row, dict)])

    def _show(self, watch: _Watch, rows: Sequence[Mapping[str, Any]]) -> None:
        shown = shapes.chosen(rows, watch.keys, watch.fields)
        self._outlet.tell({"result": shown, "topic": f"{self._name}+{watch.account}"})

    async def _drop(self, account: str) -> None:
        watch = self._watched.pop(account, None)
        if watch is not None and watch.hear is not None:
            await self._engine.research.topics.release(Topic(self._name, account), watch.hear)
