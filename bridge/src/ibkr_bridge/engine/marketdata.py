"""Quotes: one upstream line per contract however many listen, the last value kept with its age."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import structlog

from ibkr_bridge.domain.account import Seen
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import BridgeError, BrokerAway, BrokerRefused, BrokerSilent
from ibkr_bridge.domain.quote import Quote
from ibkr_bridge.domain.session import Session
from ibkr_bridge.engine.contracts import Contracts
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.engine.topics import QuoteTick, quote_topic
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.publisher import Publisher
from ibkr_bridge.ports.upstream import QuoteFailed, Upstream

log = structlog.get_logger()
_SWEEP = 1.0
"""How often lines that nobody wants any more are looked for, in seconds."""


@dataclass(slots=True)
class _Line:
    contract: Contract
    quote: Quote
    listeners: int = 0
    wanted_until: float = 0.0
    failed: QuoteFailed | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    settled: bool = False
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
        self._lines: dict[int, _Line] = {}
        self._opening = asyncio.Lock()
        sessions.listen(self._session_changed)

    async def quote(self, query: ContractQuery) -> tuple[Contract, Seen[Quote]]:
        """The quote now; the last known one, marked, while the broker is away.

        Raises BrokerRefused (no permission for this data), BrokerSilent, and what contracts raise.
        """
        contract = await self._contracts.resolve(query)
        line = await self._line(contract)
        line.wanted_until = self._clock.monotonic() + self._settings.quote_linger
        await self._first_price(line)
        return contract, self._seen(line)

    async def acquire(self, query: ContractQuery) -> Contract:
        """Count one listener more. Pair with `release`."""
        contract = await self._contracts.resolve(query)
        line = await self._line(contract)
        line.listeners += 1
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

    async def run(self) -> None:
        """Close lines that nobody wants any more, until cancelled."""
        while True:
            await self._clock.sleep(_SWEEP)
            for conid, line in list(self._lines.items()):
                if not self._wanted(line):
                    await self._close(conid)

    def quote_changed(self, quote: Quote) -> None:
        line = self._lines.get(quote.conid)
        if line is None:
            return
        line.quote, line.failed = quote, None
        line.changed.set()
        self._publisher.publish(quote_topic(quote.conid), QuoteTick(line.contract, quote, self._sessions.stale))

    def quote_failed(self, failed: QuoteFailed) -> None:
        line = self._lines.get(failed.conid)
        if line is None:
            return
        line.failed = failed
        line.changed.set()
        self._publisher.publish(quote_topic(failed.conid), QuoteTick(line.contract, line.quote, failed.text))

    def _session_changed(self, _session: Session) -> None:
        """Everybody who watches a quote is told that it has gone stale, or that it is alive again."""
        for conid, line in self._lines.items():
            self._publisher.publish(quote_topic(conid), QuoteTick(line.contract, line.quote, self._stale(line)))

    async def _line(self, contract: Contract) -> _Line:
        async with self._opening:
            line = self._lines.get(contract.conid)
            if line is None:
                self._sessions.require()
                line = _Line(contract, Quote(contract.conid))
                self._lines[contract.conid] = line
                try:
                    await self._upstream.open_quote(contract)
                except (BridgeError, asyncio.CancelledError):
                    del self._lines[contract.conid]
                    raise
            return line

    async def _close(self, conid: int) -> None:
        async with self._opening:
            line = self._lines.get(conid)
            if line is None or self._wanted(line):  # a line that was just being opened has its caller by now
                return
            del self._lines[conid]
            try:
                await self._upstream.close_quote(conid)
            except BrokerAway as away:
                log.debug("quote line closed while away", conid=conid, detail=away.detail)

    def _wanted(self, line: _Line) -> bool:
        return line.listeners > 0 or line.wanted_until > self._clock.monotonic()

    async def _first_price(self, line: _Line) -> None:
        """Wait for a price, then a moment for the parts that come with it."""
        timeout = self._settings.quote_timeout
        try:
            async with asyncio.timeout(timeout):
                while not line.quote.priced:
                    self._refuse(line)
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

    def _refuse(self, line: _Line) -> None:
        if line.failed is not None:
            raise BrokerRefused(
                line.failed.ibkr_code,
                line.failed.text,
                advice="Check the account's market data subscriptions, or allow delayed data.",
            )

    def _seen(self, line: _Line) -> Seen[Quote]:
        return Seen(line.quote, line.quote.updated_at or self._clock.now(), self._stale(line))

    def _stale(self, line: _Line) -> str | None:
        return self._sessions.stale or (line.failed.text if line.failed else None)
