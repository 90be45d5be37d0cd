"""The channel `depth` of /ws/stream: whole order books, of which only the newest matters."""

from __future__ import annotations

from ibkr_bridge.api.ws.messages import condition, depth
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.engine.research.books import Books, BookTick, book_topic
from ibkr_bridge.hub.subscriber import Subscriber


class DepthLines:
    def __init__(self, books: Books) -> None:
        self._books = books

    async def acquire(self, query: ContractQuery) -> Contract:
        return await self._books.acquire(query)

    async def release(self, contract: Contract) -> None:
        await self._books.release(contract)

    def topic(self, contract: Contract) -> str:
        return book_topic(contract)

    def begin(self, mailbox: Subscriber, contract: Contract) -> None:
        """The last known book first, then each change."""
        topic, known = book_topic(contract), self._books.latest(contract)
        mailbox.listen(topic, latest=True, condition=condition(None))
        if known is not None:
            mailbox.offer(topic, depth(BookTick(contract, known.value, known.stale)))
