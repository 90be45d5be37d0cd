"""The channel `bars` of /ws/stream: bars of five seconds as they end."""

from __future__ import annotations

from ibkr_bridge.api.ws.messages import condition, status
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.engine.history.live import LiveBars
from ibkr_bridge.engine.topics import bar_topic
from ibkr_bridge.hub.subscriber import Subscriber


class BarLines:
    def __init__(self, bars: LiveBars) -> None:
        self._bars = bars

    async def acquire(self, query: ContractQuery) -> Contract:
        return await self._bars.acquire(query)

    async def release(self, contract: Contract) -> None:
        await self._bars.release(contract.conid)

    def topic(self, contract: Contract) -> str:
        return bar_topic(contract.conid)

    def begin(self, mailbox: Subscriber, contract: Contract) -> None:
        """Each bar counts; a line that is in doubt from the start is told as such."""
        stale = self._bars.stale(contract.conid)
        mailbox.listen(bar_topic(contract.conid), condition=condition(stale))
        if stale is not None:
            mailbox.push(status(contract, stale, None, "bars"))
