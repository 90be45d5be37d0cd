"""The channel `quotes` of /ws/stream: of each contract only the newest matters."""

from __future__ import annotations

from ibkr_bridge.api.ws.messages import condition, quote
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.engine.marketdata import MarketData
from ibkr_bridge.engine.topics import quote_topic
from ibkr_bridge.hub.subscriber import Subscriber


class QuoteLines:
    def __init__(self, marketdata: MarketData) -> None:
        self._marketdata = marketdata

    async def acquire(self, query: ContractQuery) -> Contract:
        return await self._marketdata.acquire(query)

    async def release(self, contract: Contract) -> None:
        await self._marketdata.release(contract.conid)

    def topic(self, contract: Contract) -> str:
        return quote_topic(contract.conid)

    def begin(self, mailbox: Subscriber, contract: Contract) -> None:
        """The last known value first, then each change."""
        known = self._marketdata.latest(contract.conid)
        stale = known[1].stale if known else None
        mailbox.listen(quote_topic(contract.conid), latest=True, condition=condition(stale))
        if known:
            mailbox.push(quote(known[0], known[1].value, known[1].as_of, stale))
