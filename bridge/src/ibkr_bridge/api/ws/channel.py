"""A channel of /ws/stream: what one socket listens to of one kind, each line of it counted once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
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

    def __init__(self, lines: Lines, mailbox: Subscriber, limit: int, turns: asyncio.Semaphore) -> None:
        """`turns`: how many lines the socket may have opened at the same time."""
        self._lines = lines
        self._turns = turns
        self._mailbox = mailbox
        self._limit = limit
        self._held: dict[str, Contract] = {}
        """By topic."""
        self._asked: dict[ContractQuery, str] = {}
        self._opening: dict[asyncio.Event, ContractQuery] = {}
        """Subscriptions under way, by what tells their end."""
        self._ending: dict[asyncio.Event, ContractQuery] = {}
        """The same of what is being left."""

    async def subscribe(self, query: ContractQuery) -> Contract:
        """Again is once, and tells anew what is known. Raises SocketRefusal, and as the engine does."""
        if self._is_full_for(query):
            await _all(tuple(self._ending))
        if self._is_full_for(query):
            raise too_many(self._limit)
        ended = asyncio.Event()
        self._opening[ended] = query
        try:
            return await self._open(query)
        finally:
            del self._opening[ended]
            ended.set()

    async def unsubscribe(self, query: ContractQuery) -> Contract:
        """By the words of the subscription, or by the conid. Raises SocketRefusal."""
        first = self._before(query)
        ended = asyncio.Event()
        self._ending[ended] = query
        try:
            await _all(first)
            return await self._leave(query)
        finally:
            del self._ending[ended]
            ended.set()

    async def close(self) -> None:
        for topic in tuple(self._held):
            await self._drop(topic)

    async def _open(self, query: ContractQuery) -> Contract:
        async with self._turns:
            contract = await self._lines.acquire(query)
        topic = self._asked[query] = self._lines.topic(contract)
        held = topic in self._held
        self._held[topic] = contract
        self._lines.begin(self._mailbox, contract)
        if held:
            await self._lines.release(contract)
        return contract

    def _before(self, query: ContractQuery) -> Sequence[asyncio.Event]:
        """What must end first: what is not held may be under way by other words."""
        known = self._named(query) is not None
        under_way = {**self._opening, **self._ending}
        return [ended for ended, asked in under_way.items() if asked == query or not known]

    async def _leave(self, query: ContractQuery) -> Contract:
        topic = self._named(query)
        if topic is None:
            raise not_subscribed(str(query))
        contract = self._held[topic]
        await self._drop(topic)
        return contract

    def _is_full_for(self, query: ContractQuery) -> bool:
        opening = set(self._opening.values())
        known = query in self._asked or query in opening
        return not known and len(self._held) + len(opening) >= self._limit

    def _named(self, query: ContractQuery) -> str | None:
        """The topic that is held under these words."""
        by_conid = (topic for topic, contract in self._held.items() if contract.conid == query.conid)
        topic = self._asked.get(query) or next(by_conid, None)
        return topic if topic in self._held else None

    async def _drop(self, topic: str) -> None:
        self._mailbox.ignore(topic)
        contract = self._held.pop(topic)
        self._asked = {query: known for query, known in self._asked.items() if known != topic}
        await self._lines.release(contract)


async def _all(events: Sequence[asyncio.Event]) -> None:
    for event in events:
        await event.wait()
