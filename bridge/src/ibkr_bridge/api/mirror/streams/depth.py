"""The topic `sbd`: the order book as a ladder of prices, from lines that are shared."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from ibkr_bridge.api.mirror.answers import Refusal
from ibkr_bridge.api.mirror.shapes.depth import ladder
from ibkr_bridge.api.mirror.streams.grammar import Request
from ibkr_bridge.api.mirror.streams.outlet import Outlet
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import UnknownAccount
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.engine.research.books import book_topic
from ibkr_bridge.hub.hub import Hub

_CADENCE: Final = 0.5
_MOST: Final = 20
_EXCHANGE: Final = re.compile(r"[A-Za-z0-9._-]{0,16}")
_REFUSED: Final = {"error": "unable to subscribe", "code": 500}


@dataclass(slots=True)
class _Watch:
    contract: Contract
    leave: Callable[[], None]
    told: list[dict[str, Any]] = field(default_factory=list)
    stirred: bool = True


class Depth:
    """Books that one socket holds, by account and contract; each is given back by `close`."""

    def __init__(self, engine: Engine, hub: Hub, outlet: Outlet) -> None:
        self._engine = engine
        self._hub = hub
        self._outlet = outlet
        self._watched: dict[str, _Watch] = {}

    async def subscribe(self, request: Request) -> None:
        """`account+conid`, and an exchange. Asked again, it begins anew. Raises Refusal, and what the engine raises."""
        query = self._query(request.target)
        if request.target not in self._watched and len(self._watched) >= _MOST:
            raise Refusal(500, f"unable to subscribe: at most {_MOST} books on one socket")
        contract = await self._engine.research.books.acquire(query)
        await self._drop(request.target)
        leave = self._hub.tap(book_topic(contract), partial(self._stir, request.target))
        self._watched[request.target] = _Watch(contract, leave)

    async def unsubscribe(self, request: Request) -> None:
        """Every book of the account, as at IBKR; with a conid, that one."""
        for target in tuple(self._watched):
            if target == request.target or target.partition("+")[0] == request.target:
                await self._drop(target)

    async def close(self) -> None:
        for target in tuple(self._watched):
            await self._drop(target)

    async def run(self) -> None:
        """Until cancelled. A reader who is behind gets the last book when it has caught up."""
        while True:
            await asyncio.sleep(_CADENCE)
            if self._outlet.clear:
                for target, watch in tuple(self._watched.items()):
                    if watch.stirred:
                        watch.stirred = False
                        await self._tell(target, watch)

    async def _tell(self, target: str, watch: _Watch) -> None:
        """A book that IBKR does not deliver is refused, once, and may be asked for again."""
        seen = self._engine.research.books.latest(watch.contract)
        if seen is None:
            return
        if seen.value.at is None:
            if self._engine.sessions.stale is None:
                await self._drop(target)
                self._outlet.tell({**_REFUSED, "topic": f"sbd+{target}", "detail": seen.stale})
            return
        quote = self._engine.marketdata.latest(watch.contract.conid)
        rows = ladder(watch.contract, seen.value, None if quote is None else quote[1].value)
        if rows != watch.told:
            watch.told = rows
            self._outlet.tell({"topic": f"sbd+{target}", "data": rows})

    async def _drop(self, target: str) -> None:
        watch = self._watched.pop(target, None)
        if watch is not None:
            watch.leave()
            await self._engine.research.books.release(watch.contract)

    def _stir(self, target: str, _message: object) -> None:
        watch = self._watched.get(target)
        if watch is not None:
            watch.stirred = True

    def _query(self, target: str) -> ContractQuery:
        account, _plus, rest = target.partition("+")
        text, _plus, exchange = rest.partition("+")
        try:
            self._engine.accounts.resolve(account)
        except UnknownAccount as unknown:
            raise Refusal(400, "invalid account", code=unknown.code, advice=unknown.advice) from None
        if not text.isdecimal() or not 0 < len(text) < 11 or not _EXCHANGE.fullmatch(exchange):
            raise Refusal(400, f"unable to subscribe: {rest[:32]!r} is no conid")
        return ContractQuery(conid=int(text), sec_type="", exchange=exchange, currency="")
