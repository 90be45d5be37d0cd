"""Lines at the gateway: what is subscribed to, under which number, asked for anew on every connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import ib_async
from ib_async.client import Client

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import BrokerAway
from ibkr_bridge.upstream.pacing import Lane
from ibkr_bridge.upstream.tws import translate
from ibkr_bridge.upstream.tws.wire import Wire


@dataclass(slots=True)
class Line:
    contract: Contract
    key: Hashable = field(default=None, init=False)
    number: int = field(default=0, init=False)
    """The request's; another one on every connection."""
    elsewhere: ib_async.Contract | None = field(default=None, init=False)
    """Whose data IBKR gives in place of the contract's own."""

    @property
    def asked(self) -> ib_async.Contract:
        return self.elsewhere or translate.contract_sent(self.contract)


Kind = TypeVar("Kind", bound=Line)


class Lines(Generic[Kind]):
    def __init__(self, wire: Wire, ask: Callable[[Client, Kind], None], end: Callable[[Client, Kind], None]) -> None:
        self._wire = wire
        self._ask = ask
        self._end = end
        self._by_key: dict[Hashable, Kind] = {}
        self._by_number: dict[int, Kind] = {}
        self._rerouted: asyncio.Queue[Kind] = asyncio.Queue()
        self._losses = wire.losses

    def __contains__(self, key: Hashable) -> bool:
        return key in self._by_key

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._by_key.values())

    def get(self, number: int) -> Kind | None:
        return self._by_number.get(number)

    async def open(self, key: Hashable, line: Kind) -> None:
        """Raises BrokerAway; then, and when cancelled, there is no line."""
        line.key = key
        self._by_key[key] = line
        try:
            await self._open(line, patient=False)
        except (BrokerAway, asyncio.CancelledError):
            self._by_key.pop(key, None)
            raise

    async def close(self, key: Hashable) -> None:
        """Raises BrokerAway; the line is gone all the same, as lines go with their connection."""
        line = self._by_key.pop(key, None)
        if line is None or self._by_number.get(line.number) is not line:
            return
        del self._by_number[line.number]
        losses = self._wire.losses
        client = await self._wire.turn(Lane.DATA, patient=True)
        if losses == self._wire.losses:  # else its number may by now be another's
            self._end(client, line)

    def reroute(self, number: int, conid: int, exchange: str) -> None:
        """IBKR names another contract to ask for (TWS API, "rerouteMktDataReq"): a CFD's stock."""
        line = self._by_number.pop(number, None)
        if line is not None:
            line.elsewhere = ib_async.Contract(conId=conid, exchange=exchange)
            self._rerouted.put_nowait(line)

    async def run(self) -> None:
        """Ask for what was rerouted, until cancelled."""
        while True:
            line = await self._rerouted.get()
            with suppress(BrokerAway):  # without a connection the next one asks for all lines
                await self._open(line, patient=True)

    async def restore(self) -> None:
        """On a new connection, or after IBKR lost what we had: each line, however long the others' messages take."""
        if self._losses != self._wire.losses:
            self._losses = self._wire.losses
            self._by_number.clear()
        for line in list(self):
            await self._open(line, patient=True)

    async def _open(self, line: Kind, *, patient: bool) -> None:
        """Once, whoever else opens it meanwhile; not at all if it was closed: nobody would ever end it."""
        client = await self._wire.turn(Lane.DATA, patient=patient)
        if self._by_key.get(line.key) is not line or self._by_number.get(line.number) is line:
            return
        line.number = client.getReqId()
        self._by_number[line.number] = line
        self._ask(client, line)
