"""Quotes: one upstream line per contract however many listen, the last value kept with its age."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from ibkr_bridge.domain.account import Seen
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import BrokerSilent
from ibkr_bridge.domain.quote import Quote
from ibkr_bridge.domain.session import Session
from ibkr_bridge.engine.contracts import Contracts
from ibkr_bridge.engine.lines import Line, Lines, refusal
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.engine.topics import QuoteTick, quote_topic
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.publisher import Publisher
from ibkr_bridge.ports.upstream import QuoteFailed, Upstream

_ADVICE: Final = "Check the account's market data subscriptions, or allow delayed data."


@dataclass(slots=True, eq=False)
class _Line(Line):
    quote: Quote
    settled: bool = field(default=False, init=False)
    """The parts that come with a first price have come, or have had their time to."""

    @property
    def whole(self) -> bool:
        quote = self.quote
        return None not in (quote.bid, quote.ask, quote.last, quote.close, quote.volume)


class MarketData:
    def __init__(
        self,
        upstream: Upstream,
        publisher: Publisher,
        clock: Clock,
        settings: EngineSettings,
        *,
        sessions: Sessions,
        contracts: Contracts,
    ) -> None:
        self._upstream = upstream
        self._publisher = publisher
        self._clock = clock
        self._settings = settings
        self._sessions = sessions
        self._contracts = contracts
        self._lines: Lines[_Line] = Lines(clock, sessions, ask=self._ask, end=self._end)
        """By conid."""
        self.run = self._lines.run
        sessions.listen(self._session_changed)

    async def quote(self, query: ContractQuery) -> tuple[Contract, Seen[Quote]]:
        """The quote now; the last known one, marked, while the broker is away.

        Raises BrokerRefused (no permission for this data), BrokerSilent, and what contracts raise.
        """
        contract = await self._contract(query)
        line = await self._lines.opened(contract.conid, lambda: _made(contract))
        line.wanted_until = self._clock.monotonic() + self._settings.quote_linger
        await self._first_price(line)
        return contract, self._seen(line)

    async def acquire(self, query: ContractQuery) -> Contract:
        """Count one listener more. Pair with `release`."""
        contract = await self._contract(query)
        await self._lines.acquire(contract.conid, lambda: _made(contract))
        return contract

    async def release(self, conid: int) -> None:
        line = self._lines.get(conid)
        if line is not None:
            line.listeners -= 1

    def latest(self, conid: int) -> tuple[Contract, Seen[Quote]] | None:
        line = self._lines.get(conid)
        if line is None or not (line.quote.priced or line.failed):
            return None
        return line.contract, self._seen(line)

    def quote_changed(self, quote: Quote) -> None:
        line = self._lines.get(quote.conid)
        if line is None:
            return
        line.quote = quote
        self._lines.told(line)
        self._publisher.publish(quote_topic(quote.conid), QuoteTick(line.contract, quote, self._sessions.stale))

    def quote_failed(self, failed: QuoteFailed) -> None:
        line = self._lines.get(failed.conid)
        if line is None:
            return
        self._lines.refused(line, failed)
        self._publisher.publish(quote_topic(failed.conid), QuoteTick(line.contract, line.quote, failed.text))

    def _session_changed(self, _session: Session) -> None:
        """Everybody who watches a quote is told that it has gone stale, or that it is alive again."""
        for line in self._lines:
            tick = QuoteTick(line.contract, line.quote, self._stale(line))
            self._publisher.publish(quote_topic(line.contract.conid), tick)

    async def _contract(self, query: ContractQuery) -> Contract:
        """Of a line that is known nothing is asked: a guard must not wait for that behind others' data."""
        line = self._lines.get(query.conid) if query.conid and not query.symbol else None
        return line.contract if line is not None else await self._contracts.resolve(query)

    async def _ask(self, line: _Line) -> None:
        line.settled = False
        await self._upstream.open_quote(line.contract)

    async def _end(self, line: _Line) -> None:
        await self._upstream.close_quote(line.contract.conid)

    async def _first_price(self, line: _Line) -> None:
        """Wait for a price, then a moment for the parts that come with it."""
        timeout = self._settings.quote_timeout
        try:
            async with asyncio.timeout(timeout):
                while not line.quote.priced:
                    if line.failed is not None and not line.waiting:
                        raise refusal(line.failed, _ADVICE)
                    line.changed.clear()
                    await line.changed.wait()
        except TimeoutError:
            self._sessions.require()
            raise BrokerSilent(f"the quote of {line.contract.symbol}", timeout) from None
        if not line.settled:
            await self._settle(line)

    async def _settle(self, line: _Line) -> None:
        try:
            async with asyncio.timeout(self._settings.quote_settle):
                while not line.whole:
                    line.changed.clear()
                    await line.changed.wait()
        except TimeoutError:
            pass
        line.settled = True

    def _seen(self, line: _Line) -> Seen[Quote]:
        return Seen(line.quote, line.quote.updated_at or self._clock.now(), self._stale(line))

    def _stale(self, line: _Line) -> str | None:
        return self._sessions.stale or (line.failed.text if line.failed else None)


def _made(contract: Contract) -> _Line:
    return _Line(contract.conid, contract, Quote(contract.conid))
