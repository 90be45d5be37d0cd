"""The channel `bars` of /ws/stream: bars of five seconds as they end."""

from __future__ import annotations

from ibkr_bridge.api.ws.messages import condition, status
from ibkr_bridge.api.ws.refusals import not_subscribed, too_many
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.engine.topics import bar_topic
from ibkr_bridge.hub.subscriber import Subscriber


class BarSubscriptions:
    """Of one socket. Every line it holds is given back by `close`."""

    def __init__(self, engine: Engine, mailbox: Subscriber, limit: int) -> None:
        self._engine = engine
        self._mailbox = mailbox
        self._limit = limit
        self._held: dict[int, Contract] = {}
        self._asked: dict[ContractQuery, int] = {}
        self._opening = 0

    async def subscribe(self, query: ContractQuery) -> Contract:
        """Raises SocketRefusal, and as the engine does."""
        if len(self._held) + self._opening >= self._limit and query not in self._asked:
            raise too_many(self._limit)
        self._opening += 1
        try:
            contract = await self._engine.bars.acquire(query)
        finally:
            self._opening -= 1
        self._asked[query] = contract.conid
        if contract.conid in self._held:
            await self._engine.bars.release(contract.conid)
        else:
            self._held[contract.conid] = contract
            self._begin(contract)
        return contract

    async def unsubscribe(self, query: ContractQuery) -> Contract:
        """Raises SocketRefusal."""
        conid = query.conid or self._asked.get(query)
        contract = self._held.get(conid) if conid else None
        if contract is None:
            raise not_subscribed(str(query))
        await self._drop(contract.conid)
        return contract

    async def close(self) -> None:
        for conid in tuple(self._held):
            await self._drop(conid)

    def _begin(self, contract: Contract) -> None:
        """Each bar counts; a line that is in doubt from the start is told as such."""
        stale = self._engine.bars.stale(contract.conid)
        self._mailbox.listen(bar_topic(contract.conid), condition=condition(stale))
        if stale is not None:
            self._mailbox.push(status(contract, stale, None, "bars"))

    async def _drop(self, conid: int) -> None:
        self._mailbox.ignore(bar_topic(conid))
        del self._held[conid]
        self._asked = {query: known for query, known in self._asked.items() if known != conid}
        await self._engine.bars.release(conid)
