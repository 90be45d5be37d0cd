"""A channel of /ws/stream: what one socket listens to of one kind, each line of it counted once."""

from __future__ import annotations

from typing import Protocol

from ibkr_bridge.api.ws.refusals import not_subscribed, too_many
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.hub.subscriber import Subscriber


class Lines(Protocol):
    """Where the lines of a channel come from."""

    async def acquire(self, query: ContractQuery) -> Contract: ...

    async def release(self, contract: Contract) -> None: ...

    def topic(self, contract: Contract) -> str:
        """The hub's name for it."""

    def begin(self, mailbox: Subscriber, contract: Contract) -> None:
        """Listen, and tell what is known already; nothing may come between the two."""


class Channel:
    """Every line it holds is given back by `close`."""

    def __init__(self, lines: Lines, mailbox: Subscriber, limit: int) -> None:
        self._lines = lines
        self._mailbox = mailbox
        self._limit = limit
        self._held: dict[str, Contract] = {}
        """By topic."""
        self._asked: dict[ContractQuery, str] = {}
        self._opening = 0

    async def subscribe(self, query: ContractQuery) -> Contract:
        """Again is once, and tells anew what is known. Raises SocketRefusal, and as the engine does."""
        if len(self._held) + self._opening >= self._limit and query not in self._asked:
            raise too_many(self._limit)
        self._opening += 1
        try:
            contract = await self._lines.acquire(query)
        finally:
            self._opening -= 1
        topic = self._asked[query] = self._lines.topic(contract)
        if topic in self._held:
            await self._lines.release(contract)
        self._held[topic] = contract
        self._lines.begin(self._mailbox, contract)
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

    async def _drop(self, topic: str) -> None:
        self._mailbox.ignore(topic)
        contract = self._held.pop(topic)
        self._asked = {query: known for query, known in self._asked.items() if known != topic}
        await self._lines.release(contract)
