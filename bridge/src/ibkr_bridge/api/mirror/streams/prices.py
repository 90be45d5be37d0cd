"""The topic `smd`: every field at first, then what has changed; from live lines, for as long as the socket stands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from ibkr_bridge.api.mirror.answers import Refusal
from ibkr_bridge.api.mirror.shapes import fields
from ibkr_bridge.api.mirror.streams.grammar import Request
from ibkr_bridge.api.mirror.streams.outlet import Outlet
from ibkr_bridge.domain.contract import ContractQuery
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.engine.topics import quote_topic
from ibkr_bridge.hub.hub import Hub

_CADENCE: Final = 0.5
"""Seconds between two frames of a contract (Web API v1.0, "Market Data")."""
_USUAL: Final = ("31", "84", "86")
_MOST_FIELDS: Final = 50
_ALWAYS: Final = frozenset({"conid", "server_id", "_updated", "6119"})


@dataclass(slots=True)
class _Watch:
    conid: int
    names: Sequence[str]
    leave: Callable[[], None]
    told: dict[str, Any] = field(default_factory=dict)
    stirred: bool = True


class Prices:
    """Lines that one socket holds; each is given back by `close`."""

    def __init__(self, engine: Engine, hub: Hub, outlet: Outlet, most: int) -> None:
        self._engine = engine
        self._hub = hub
        self._outlet = outlet
        self._most = most
        self._watched: dict[str, _Watch] = {}

    async def subscribe(self, request: Request) -> None:
        """Asked again, it begins anew with every field. Raises Refusal, and what the engine raises."""
        conid, names = _conid(request.target), _names(request)
        known = self._watched.get(request.target)
        if known is None:
            if len(self._watched) >= self._most:
                raise Refusal(500, f"unable to subscribe: at most {self._most} contracts on one socket")
            await self._engine.marketdata.acquire(ContractQuery(conid=conid, sec_type="", exchange="", currency=""))
            leave = self._hub.tap(quote_topic(conid), partial(self._stir, request.target))
        else:
            leave = known.leave
        self._watched[request.target] = _Watch(conid, names, leave)

    async def unsubscribe(self, request: Request) -> None:
        await self._drop(request.target)

    async def close(self) -> None:
        for target in tuple(self._watched):
            await self._drop(target)

    async def run(self) -> None:
        """Until cancelled. A reader who is behind gets the last value when it has caught up."""
        while True:
            await asyncio.sleep(_CADENCE)
            if self._outlet.clear:
                for target, watch in self._watched.items():
                    if watch.stirred:
                        self._tell(target, watch)

    def _tell(self, target: str, watch: _Watch) -> None:
        watch.stirred = False
        known = self._engine.marketdata.latest(watch.conid)
        row = fields.identity(watch.conid) if known is None else fields.row(*known, watch.names)
        news = {name for name, value in row.items() if watch.told.get(name) != value}
        if news - _ALWAYS:
            frame = {name: value for name, value in row.items() if name in _ALWAYS or name in news}
            self._outlet.tell({**frame, "topic": f"smd+{target}"})
            watch.told = row

    async def _drop(self, target: str) -> None:
        watch = self._watched.pop(target, None)
        if watch is not None:
            watch.leave()
            await self._engine.marketdata.release(watch.conid)

    def _stir(self, target: str, _message: object) -> None:
        watch = self._watched.get(target)
        if watch is not None:
            watch.stirred = True


def _conid(target: str) -> int:
    text = target.partition("@")[0]
    if not text.isdecimal() or not 0 < len(text) < 11:
        raise Refusal(400, f"unable to subscribe: {target[:32]!r} is no conid")
    return int(text)


def _names(request: Request) -> list[str]:
    names = list(dict.fromkeys(request.texts("fields") or _USUAL))
    if len(names) > _MOST_FIELDS:
        raise Refusal(400, f"unable to subscribe: at most {_MOST_FIELDS} fields")
    return names
