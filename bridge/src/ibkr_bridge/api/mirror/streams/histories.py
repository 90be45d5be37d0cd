"""The topic `smh`: bars of a contract, from IBKR's stream where it is there, else from the engine's history."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from ibkr_bridge.api.mirror import past
from ibkr_bridge.api.mirror.answers import Refusal
from ibkr_bridge.api.mirror.past import Wanted
from ibkr_bridge.api.mirror.streams.grammar import Request
from ibkr_bridge.api.mirror.streams.outlet import Outlet
from ibkr_bridge.domain.errors import BridgeError, NotSupported
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.ports.research import Frame, HearFrame, Topic

MOST: Final = 5
"""Runs of bars that one user may have open at IBKR (Web API v1.0, "Pacing Limitations")."""
QUICKEST: Final = 30.0
SLOWEST: Final = 300.0
"""Seconds between two looks at bars that IBKR's stream does not tell: half a bar, but within these."""
_BEAT: Final = 0.2
_ARGUMENTS: Final = ("exchange", "period", "bar", "outsideRth", "source", "format")
_LONGEST: Final = 64
_TARGET: Final = re.compile(r"[0-9]{1,10}(@[A-Za-z0-9._-]{1,16})?")


@dataclass(slots=True)
class _Run:
    topic: Topic
    hear: HearFrame | None = None
    """Who listens to IBKR's stream; None where the bars are read here."""
    wanted: Wanted | None = None
    known: dict[int, Any] = field(default_factory=dict)
    """By time, the bars that have been told."""
    told: bool = False
    due: float = 0.0


class Histories:
    """Each run has a number of its own on this socket, by which it is ended."""

    def __init__(self, engine: Engine, outlet: Outlet) -> None:
        self._engine = engine
        self._outlet = outlet
        self._runs: dict[str, _Run] = {}
        self._count = 20_000

    async def subscribe(self, request: Request) -> None:
        """Raises Refusal, and what asking for bars raises."""
        if len(self._runs) >= MOST:
            raise Refusal(429, "Too many requests", advice="End another run of bars first, with umh+ and its serverId.")
        if not _TARGET.fullmatch(request.target):
            raise Refusal(400, f"unable to subscribe: {request.target[:32]!r} is no conid")
        self._count += 1
        name = str(self._count)
        hear = partial(self._told, name)
        run = self._runs[name] = _Run(Topic("smh", request.target, _arguments(request)), hear)
        try:
            await self._engine.research.topics.acquire(run.topic, hear)
        except NotSupported:
            run.hear = None
            self._begin(name, run, request)
        except BridgeError:
            self._runs.pop(name, None)
            raise

    async def unsubscribe(self, request: Request) -> None:
        if await self._drop(request.target):
            self._outlet.tell({"message": f"Unsubscribed {request.target}"})

    async def close(self) -> None:
        for name in tuple(self._runs):
            await self._drop(name)

    async def run(self) -> None:
        """Until cancelled. What cannot be read again now is told when it can."""
        while True:
            await asyncio.sleep(_BEAT)
            for name, run in tuple(self._runs.items()):
                if run.hear is None and run.due <= _now() and self._outlet.clear:
                    await self._try(name, run)

    def _begin(self, name: str, run: _Run, request: Request) -> None:
        """The first answer may have to wait for IBKR's limits, and other topics must not wait with it."""
        try:
            run.wanted = past.wanted(request.target.partition("@")[0], request.arguments)
        except Refusal:
            self._runs.pop(name, None)
            raise

    async def _try(self, name: str, run: _Run) -> None:
        try:
            await self._news(name, run)
        except BridgeError as problem:
            if not run.told:
                self._runs.pop(name, None)
                self._outlet.refuse(str(run.topic), problem)

    async def _news(self, name: str, run: _Run) -> None:
        """The whole answer at first, then what has changed of it."""
        if run.wanted is None:
            return
        run.due = _now() + min(max(run.wanted.bar.seconds / 2, QUICKEST), SLOWEST)
        told = await past.told(self._engine, run.wanted)
        bars = {bar["t"]: bar for bar in told["data"]}
        news = [bar for time, bar in bars.items() if run.known.get(time) != bar]
        if name in self._runs and (news or not run.told):
            self._outlet.tell({**told, "data": news, "serverId": name, "topic": str(run.topic)})
        run.known, run.told = bars, True

    def _told(self, name: str, frame: Frame) -> None:
        if "error" in frame:
            self._runs.pop(name, None)
            self._outlet.tell(frame)
        elif name in self._runs:
            self._outlet.tell({**frame, "serverId": name})

    async def _drop(self, name: str) -> bool:
        run = self._runs.pop(name, None)
        if run is not None and run.hear is not None:
            await self._engine.research.topics.release(run.topic, run.hear)
        return run is not None


def _arguments(request: Request) -> str:
    """Those that IBKR knows, always in the same order: what means the same is asked once."""
    found: dict[str, Any] = {}
    for name in _ARGUMENTS:
        value = request.arguments.get(name)
        if isinstance(value, bool) or (isinstance(value, str) and len(value) <= _LONGEST):
            found[name] = value
    return json.dumps(found, separators=(",", ":"))


def _now() -> float:
    return asyncio.get_running_loop().time()
