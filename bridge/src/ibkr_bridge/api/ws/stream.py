"""/ws/stream: quotes, bars as they end, and depth of the contracts that a socket subscribes to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ibkr_bridge.api.contracts import Words
from ibkr_bridge.api.json import encode
from ibkr_bridge.api.ws.bars import BarSubscriptions
from ibkr_bridge.api.ws.depth import DepthSubscriptions
from ibkr_bridge.api.ws.messages import condition, quote
from ibkr_bridge.api.ws.refusals import SocketRefusal, not_subscribed, too_many
from ibkr_bridge.api.ws.requests import Ping, StreamRequest, checked, opened
from ibkr_bridge.config.settings import ApiSettings
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.engine.topics import quote_topic
from ibkr_bridge.hub.subscriber import Subscriber

Act = Callable[[ContractQuery], Awaitable[Contract]]


class Stream:
    """What one socket listens to. Every line it holds is given back by `close`."""

    def __init__(self, engine: Engine, mailbox: Subscriber, settings: ApiSettings) -> None:
        self._engine = engine
        self._mailbox = mailbox
        self._limit = settings.ws_subscriptions
        self._longest = settings.max_body_bytes
        self._held: dict[int, Contract] = {}
        self._asked: dict[ContractQuery, int] = {}
        self._opening = 0
        self._bars = BarSubscriptions(engine, mailbox, self._limit)
        self._depth = DepthSubscriptions(engine, mailbox, self._limit)

    async def hear(self, text: str | bytes) -> None:
        """Obey a message, or say on the socket why not."""
        found: dict[str, Any] = {}
        try:
            found = opened(text, self._longest)
            if "action" not in found and "type" in found:
                self._pong(checked(Ping, found))
            else:
                await self._obey(checked(StreamRequest, found))
        except BridgeError as error:
            self._complain(error, found.get("symbol"), found.get("id"))

    async def close(self) -> None:
        for conid in tuple(self._held):
            await self._drop(conid)
        await self._bars.close()
        await self._depth.close()

    async def _obey(self, request: StreamRequest) -> None:
        act = self._act(request)
        async with asyncio.TaskGroup() as tasks:
            doing = [tasks.create_task(self._try(act, words, request)) for words in request.contracts()]
        if request.id is not None:
            done = [contract for task in doing if (contract := task.result()) is not None]
            self._say(
                type="ack",
                id=request.id,
                action=request.action,
                contracts=[{"symbol": contract.symbol, "conid": contract.conid} for contract in done],
            )

    def _act(self, request: StreamRequest) -> Act:
        subscribing = request.action == "subscribe"
        match request.channel:
            case "bars":
                return self._bars.subscribe if subscribing else self._bars.unsubscribe
            case "depth":
                return self._depth.subscribe if subscribing else self._depth.unsubscribe
            case "quotes":
                return self._subscribe if subscribing else self._unsubscribe

    async def _try(self, act: Act, words: Words, request: StreamRequest) -> Contract | None:
        try:
            return await act(words.query())
        except (BridgeError, SocketRefusal) as error:
            self._complain(error, words.symbol or words.local_symbol, request.id)
            return None

    async def _subscribe(self, query: ContractQuery) -> Contract:
        if len(self._held) + self._opening >= self._limit and query not in self._asked:
            raise too_many(self._limit)
        self._opening += 1
        try:
            contract = await self._engine.marketdata.acquire(query)
        finally:
            self._opening -= 1
        self._asked[query] = contract.conid
        if contract.conid in self._held:
            await self._engine.marketdata.release(contract.conid)
        self._held[contract.conid] = contract
        self._begin(contract)
        return contract

    def _begin(self, contract: Contract) -> None:
        """The last known value first, then each change; nothing may come between the two."""
        known = self._engine.marketdata.latest(contract.conid)
        stale = known[1].stale if known else None
        self._mailbox.listen(quote_topic(contract.conid), latest=True, condition=condition(stale))
        if known:
            self._mailbox.push(quote(known[0], known[1].value, known[1].as_of, stale))

    async def _unsubscribe(self, query: ContractQuery) -> Contract:
        conid = query.conid or self._asked.get(query)
        contract = self._held.get(conid) if conid else None
        if contract is None:
            raise not_subscribed(str(query))
        await self._drop(contract.conid)
        return contract

    async def _drop(self, conid: int) -> None:
        self._mailbox.ignore(quote_topic(conid))
        del self._held[conid]
        self._asked = {query: known for query, known in self._asked.items() if known != conid}
        await self._engine.marketdata.release(conid)

    def _pong(self, ping: Ping) -> None:
        self._say(type="pong", id=ping.id, timestamp=self._engine.health.view().at)

    def _complain(self, error: BridgeError | SocketRefusal, symbol: object, request_id: object) -> None:
        self._say(
            type="error",
            code=error.code,
            detail=error.detail,
            advice=error.advice,
            retryable=error.retryable,
            symbol=symbol if isinstance(symbol, str) else None,
            id=request_id if isinstance(request_id, str | int) else None,
        )

    def _say(self, **members: object) -> None:
        """An `id` that was not given is not answered."""
        self._mailbox.push(
            encode({name: value for name, value in members.items() if name != "id" or value is not None})
        )
