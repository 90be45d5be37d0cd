"""The channel `depth` of /ws/stream: whole order books, of which only the newest matters."""

from __future__ import annotations

from ibkr_bridge.api.ws.messages import condition, depth
from ibkr_bridge.api.ws.refusals import not_subscribed, too_many
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.engine.research.books import BookTick, book_topic
from ibkr_bridge.hub.subscriber import Subscriber


class DepthSubscriptions:
    """Of one socket. Every line it holds is given back by `close`."""

    def __init__(self, engine: Engine, mailbox: Subscriber, limit: int) -> None:
        self._books = engine.research.books
        self._mailbox = mailbox
        self._limit = limit
        self._held: dict[str, Contract] = {}
        """By the topic of the hub."""
        self._asked: dict[ContractQuery, str] = {}
        self._opening = 0

    async def subscribe(self, query: ContractQuery) -> Contract:
        """Raises SocketRefusal, and as the engine does."""
        if len(self._held) + self._opening >= self._limit and query not in self._asked:
            raise too_many(self._limit)
        self._opening += 1
        try:
            contract = await self._books.acquire(query)
        finally:
            self._opening -= 1
        topic = self._asked[query] = book_topic(contract)
        if topic in self._held:
            await self._books.release(contract)
        else:
            self._held[topic] = contract
            self._begin(topic, contract)
        return contract

    async def unsubscribe(self, query: ContractQuery) -> Contract:
        """By the words of the subscription, or by the conid. Raises SocketRefusal."""
        by_conid = (topic for topic, contract in self._held.items() if contract.conid == query.conid)
        topic = self._asked.get(query) or next(by_conid, None)
        if topic not in self._held:
            raise not_subscribed(str(query))
        contract = self._held[topic]
        await self._drop(topic)
        return contract

    async def close(self) -> None:
        for topic in tuple(self._held):
            await self._drop(topic)

    def _begin(self, topic: str, contract: Contract) -> None:
        """The last known book first, then each change; nothing may come between the two."""
        known = self._books.latest(contract)
        stale = known.stale if known else None
        self._mailbox.listen(topic, latest=True, condition=condition(None))
        if known is not None:
            self._mailbox.offer(topic, depth(BookTick(contract, known.value, stale)))

    async def _drop(self, topic: str) -> None:
        self._mailbox.ignore(topic)
        contract = self._held.pop(topic)
        self._asked = {query: known for query, known in self._asked.items() if known != topic}
        await self._books.release(contract)
