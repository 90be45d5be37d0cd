"""Lines at the gateway: what is subscribed to, under which number, asked for anew on every connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ib_async.client import Client

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import BrokerAway
from ibkr_bridge.upstream.pacing import Lane
from ibkr_bridge.upstream.tws.wire import Wire


@dataclass(slots=True)
class Line:
    contract: Contract
    number: int = field(default=0, init=False)
    """The request's; another one on every connection."""


Kind = TypeVar("Kind", bound=Line)


class Lines(Generic[Kind]):
    def __init__(self, wire: Wire, ask: Callable[[Client, Kind], None], end: Callable[[Client, Kind], None]) -> None:
        self._wire = wire
        self._ask = ask
        self._end = end
        self._by_key: dict[Hashable, Kind] = {}
        self._by_number: dict[int, Kind] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._by_key

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._by_key.values())

    def get(self, number: int) -> Kind | None:
        return self._by_number.get(number)

    async def open(self, key: Hashable, line: Kind) -> None:
        """Raises BrokerAway; then, and when cancelled, there is no line."""
        self._by_key[key] = line
        try:
            await self._open(key, line)
        except (BrokerAway, asyncio.CancelledError):
            self._by_key.pop(key, None)
            raise

    async def close(self, key: Hashable) -> None:
        """Raises BrokerAway; the line is gone all the same, as lines go with their connection."""
        line = self._by_key.pop(key, None)
        if line is not None and self._by_number.pop(line.number, None) is not None:
            self._end(await self._wire.turn(Lane.DATA), line)

    async def restore(self) -> None:
        """On a new connection, or after IBKR lost what we had."""
        self._by_number.clear()
        for key, line in list(self._by_key.items()):
            await self._open(key, line)

    async def _open(self, key: Hashable, line: Kind) -> None:
        client = await self._wire.turn(Lane.DATA)
        if self._by_key.get(key) is not line:  # closed while it waited for its turn: nobody would ever end it
            return
        self._by_number.pop(line.number, None)
        line.number = client.getReqId()
        self._by_number[line.number] = line
        self._ask(client, line)
