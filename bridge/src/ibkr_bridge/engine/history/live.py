"""Bars as they come: one upstream line a contract however many listen, ended when the last one leaves."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ibkr_bridge.domain.bars import SIZES, Bar, BarSize, What
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import BrokerBusy
from ibkr_bridge.domain.quote import Quote
from ibkr_bridge.domain.session import Session
from ibkr_bridge.engine.contracts import Contracts
from ibkr_bridge.engine.history.building import LENGTH, Building, ended, taken
from ibkr_bridge.engine.history.history import History, Part
from ibkr_bridge.engine.history.pacing import Question
from ibkr_bridge.engine.history.recent import Recent, followed, reach
from ibkr_bridge.engine.history.wish import Wish
from ibkr_bridge.engine.lines import Line, Lines
from ibkr_bridge.engine.marketdata import MarketData
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.engine.topics import BarTick, bar_topic
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.history import BarArrived, BarsFailed, HistorySource
from ibkr_bridge.ports.publisher import Publisher

_KEPT: Final = 720
"""An hour of bars of five seconds."""
_BEAT: Final = 1.0
_PATIENCE: Final = 20.0
"""Seconds that a listener waits for his turn."""
_FIRST_PAUSE: Final = 15.0
_LONGEST_PAUSE: Final = 120.0
"""Between two attempts at a line that was refused, in seconds: each is one of the 60 questions in ten minutes."""


@dataclass(slots=True, eq=False)
class _Line(Line):
    query: ContractQuery
    what: What
    building: Building | None
    """Where the door tells no bars."""
    bars: deque[Bar] = field(default_factory=lambda: deque(maxlen=_KEPT), init=False)
    """Since the line was last lost: without a hole."""
    last: datetime | None = field(default=None, init=False)
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
        self._lines: Lines[_Line] = Lines(
            clock,
            sessions,
            ask=self._ask,
            end=self._end,
            first_pause=_FIRST_PAUSE,
            longest_pause=_LONGEST_PAUSE,
        )
        """By conid."""
        sessions.listen(self._session_changed)

    async def acquire(self, query: ContractQuery) -> Contract:
        """Count one listener more. Pair with `release`. Raises as contracts and quotes do."""
        contract = await self._contracts.resolve(query)
        await self._lines.acquire(contract.conid, lambda: self._made(contract, query))
        return contract

    async def release(self, conid: int) -> None:
        line = self._lines.get(conid)
        if line is not None:
            line.listeners -= 1
            await self._lines.close(line)

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
        return self._sessions.stale or (line.failed.text if line and line.failed else None)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._lines.run(), name="lines of bars")
            tasks.create_task(self._beat(), name="bars made of quotes")

    async def _beat(self) -> None:
        """Tell bars whose time is over though no quote has ended them; until cancelled."""
        while True:
            await self._clock.sleep(_BEAT)
            for line in self._lines:
                if line.building is not None:
                    line.building, bar = ended(line.building, self._clock.now())
                    self._tell(line, bar)

    def quote_changed(self, quote: Quote) -> None:
        line = self._lines.get(quote.conid)
        if line is not None and line.building is not None:
            line.building, bar = taken(line.building, quote)
            self._tell(line, bar)

    def _made(self, contract: Contract, query: ContractQuery) -> _Line:
        what = What.MIDPOINT if contract.sec_type == "CASH" else What.TRADES
        return _Line(contract.conid, contract, query, what, None if self._source.limits.live else Building(what))

    async def _ask(self, line: _Line) -> None:
        """A line of bars counts as a question for small ones (TWS API, "5 Second Real Time Bars")."""
        if line.building is not None:
            await self._marketdata.acquire(line.query)
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

    async def _end(self, line: _Line) -> None:
        if line.building is not None:
            await self._marketdata.release(line.contract.conid)
        else:
            await self._source.close_bars(line.contract.conid)

    def _hear(self, event: BarArrived | BarsFailed) -> None:
        line = self._lines.get(event.conid)
        if line is None:
            return
        if isinstance(event, BarsFailed):
            self._lines.refused(line, event)
            line.bars.clear()
            self._publish(line, None)
        else:
            self._lines.told(line)
            self._tell(line, event.bar)

    def _tell(self, line: _Line, bar: Bar | None) -> None:
        if bar is not None:
            line.bars.append(bar)
            line.last = bar.time
            self._publish(line, bar)

    def _session_changed(self, session: Session) -> None:
        for line in self._lines:
            if not session.ready:
                line.bars.clear()
            self._publish(line, None)

    def _publish(self, line: _Line, bar: Bar | None) -> None:
        stale = self._sessions.stale or (line.failed.text if line.failed else None)
        source = "quotes" if line.building is not None else "ibkr"
        tick = BarTick(line.contract, bar, line.what, source, stale, line.last)
        self._publisher.publish(bar_topic(line.contract.conid), tick)
