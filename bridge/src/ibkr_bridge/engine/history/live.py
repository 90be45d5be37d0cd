"""Bars as they come: one upstream line a contract however many listen, ended when the last one leaves."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog

from ibkr_bridge.domain.bars import SIZES, Bar, BarSize, What
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import BridgeError, BrokerBusy
from ibkr_bridge.domain.quote import Quote
from ibkr_bridge.domain.session import Session
from ibkr_bridge.engine.contracts import Contracts
from ibkr_bridge.engine.history.building import LENGTH, Building, ended, taken
from ibkr_bridge.engine.history.history import History, Part
from ibkr_bridge.engine.history.pacing import Question
from ibkr_bridge.engine.history.recent import Recent, followed, reach
from ibkr_bridge.engine.history.wish import Wish
from ibkr_bridge.engine.marketdata import MarketData
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.engine.topics import BarTick, bar_topic
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.history import BarArrived, BarsFailed, HistorySource
from ibkr_bridge.ports.publisher import Publisher

log = structlog.get_logger()
_KEPT: Final = 720
"""An hour of bars of five seconds."""
_BEAT: Final = 1.0
_PATIENCE: Final = 20.0
"""Seconds that a listener waits for his turn."""


@dataclass(slots=True)
class _Line:
    contract: Contract
    what: What
    listeners: int = 0
    building: Building | None = None
    """Where the door tells no bars."""
    failed: str | None = None
    bars: deque[Bar] = field(default_factory=lambda: deque(maxlen=_KEPT))
    """Since the line was last lost: without a hole."""
    last: datetime | None = None
    """When the newest bar began."""


class LiveBars:
    """Made of trades; of midpoints for currencies. Regular hours and all others."""

    def __init__(
        self,
        source: HistorySource,
        publisher: Publisher,
        clock: Clock,
        *,
        sessions: Sessions,
        contracts: Contracts,
        marketdata: MarketData,
        history: History,
    ) -> None:
        self._source = source
        self._publisher = publisher
        self._clock = clock
        self._sessions = sessions
        self._contracts = contracts
        self._marketdata = marketdata
        self._history = history
        self._lines: dict[int, _Line] = {}
        self._opening = asyncio.Lock()
        sessions.listen(self._session_changed)

    async def acquire(self, query: ContractQuery) -> Contract:
        """Count one listener more. Pair with `release`. Raises as contracts and quotes do."""
        contract = await self._contracts.resolve(query)
        async with self._opening:
            line = self._lines.get(contract.conid)
            if line is None:
                self._sessions.require()
                what = What.MIDPOINT if contract.sec_type == "CASH" else What.TRADES
                line = _Line(contract, what)
                self._lines[contract.conid] = line
                try:
                    await self._open(line, query)
                except (BridgeError, asyncio.CancelledError):
                    del self._lines[contract.conid]
                    raise
            line.listeners += 1
        return contract

    async def release(self, conid: int) -> None:
        async with self._opening:
            line = self._lines.get(conid)
            if line is None:
                return
            line.listeners -= 1
            if not line.listeners:
                del self._lines[conid]
                await self._close(line)

    def kept(self, conid: int) -> tuple[Bar, ...]:
        """The last bars of a line that is open, oldest first."""
        line = self._lines.get(conid)
        return tuple(line.bars) if line else ()

    async def last(
        self, query: ContractQuery, bar: BarSize | None, count: int, what: What | None, *, rth: bool
    ) -> Recent:
        """So many bars at most; without a size, the smallest this door has that can follow live. Raises as history.

        Nothing is asked where a line that is open has brought as many: IBKR allows one such question in ten seconds.
        """
        longest = self._history.limits.longest
        size = bar or next(size for size in SIZES.values() if size.length >= LENGTH and size.name in longest)
        download = await self._history.open(Wish(query, size, what, rth, duration=reach(size, count)))
        contract, told = download.contract, download.what
        line = self._following(contract, told, size, rth=rth)
        if line is not None and len(line.bars) >= count:
            kept = tuple(line.bars)[-count:]
            return Recent(contract, told, rth, size, kept, complete=True, as_of=self._clock.now())
        bars: tuple[Bar, ...] = ()
        async for step in download.steps():
            if isinstance(step, Part):
                bars += step.bars
        bars = followed(bars, line.bars if line else ())[-count:]
        return Recent(contract, told, rth, size, bars, download.complete, download.as_of)

    def _following(self, contract: Contract, what: What, size: BarSize, *, rth: bool) -> _Line | None:
        """A line whose bars are of this kind."""
        line = self._lines.get(contract.conid)
        return line if line is not None and line.what is what and size.length == LENGTH and not rth else None

    def stale(self, conid: int) -> str | None:
        line = self._lines.get(conid)
        return self._sessions.stale or (line.failed if line else None)

    async def run(self) -> None:
        """Tell bars whose time is over though no quote has ended them; until cancelled."""
        while True:
            await self._clock.sleep(_BEAT)
            for line in self._lines.values():
                if line.building is not None:
                    line.building, bar = ended(line.building, self._clock.now())
                    self._tell(line, bar)

    def quote_changed(self, quote: Quote) -> None:
        line = self._lines.get(quote.conid)
        if line is not None and line.building is not None:
            line.building, bar = taken(line.building, quote)
            self._tell(line, bar)

    async def _open(self, line: _Line, query: ContractQuery) -> None:
        """A line of bars counts as a question for small ones (TWS API, "5 Second Real Time Bars")."""
        if not self._source.limits.live:
            line.building = Building(line.what)
            await self._marketdata.acquire(query)
            return
        subject = ("live bars", line.contract.conid)
        try:
            async with asyncio.timeout(_PATIENCE):
                async with self._history.pieces.turn(Question(subject, subject, 1, small=True)):
                    await self._source.open_bars(line.contract, line.what, self._hear)
        except TimeoutError:
            raise BrokerBusy(
                f"IBKR's limits for history leave no room for a line of bars within {_PATIENCE:g} s.",
                advice="Nothing was asked. Try again in a few minutes, or build bars from quotes.",
            ) from None

    async def _close(self, line: _Line) -> None:
        try:
            if line.building is not None:
                await self._marketdata.release(line.contract.conid)
            else:
                await self._source.close_bars(line.contract.conid)
        except BridgeError as away:
            log.debug("a line of bars closed while away", conid=line.contract.conid, detail=away.detail)

    def _hear(self, event: BarArrived | BarsFailed) -> None:
        line = self._lines.get(event.conid)
        if line is None:
            return
        if isinstance(event, BarsFailed):
            line.failed = event.text
            line.bars.clear()
            self._publish(line, None)
        else:
            line.failed = None
            self._tell(line, event.bar)

    def _tell(self, line: _Line, bar: Bar | None) -> None:
        if bar is not None:
            line.bars.append(bar)
            line.last = bar.time
            self._publish(line, bar)

    def _session_changed(self, session: Session) -> None:
        for line in self._lines.values():
            if not session.ready:
                line.bars.clear()
            self._publish(line, None)

    def _publish(self, line: _Line, bar: Bar | None) -> None:
        stale = self._sessions.stale or line.failed
        source = "quotes" if line.building is not None else "ibkr"
        tick = BarTick(line.contract, bar, line.what, source, stale, line.last)
        self._publisher.publish(bar_topic(line.contract.conid), tick)
