"""Order books: one upstream line per contract however many listen, the last book kept with its age."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from ibkr_bridge.domain.account import Seen
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import BrokerRefused, BrokerSilent
from ibkr_bridge.domain.session import Session
from ibkr_bridge.engine.contracts import Contracts
from ibkr_bridge.engine.lines import Line, Lines, refusal
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.publisher import Publisher
from ibkr_bridge.ports.research import Book, BookFailed, Research

MOST_ROWS: Final = 20
"""Levels of a side that are asked for, whatever a caller wants to see of them."""
_LINGER: Final = 20.0
"""Seconds for which a line stays open after the last look: IBKR gives three of them."""
_SETTLE: Final = 0.3
"""Seconds for which a first book may still be growing, level by level."""
_ADVICE: Final = "Check the account's subscriptions to market depth."


@dataclass(frozen=True, slots=True)
class BookTick:
    """A book as it now stands; `stale` says why it may no longer be true."""

    contract: Contract
    book: Book
    stale: str | None = None


def book_topic(contract: Contract) -> str:
    """One exchange's book of a contract is another than that of all."""
    return f"depth.{contract.conid}.{contract.exchange}"


@dataclass(slots=True, eq=False)
class _Line(Line):
    """Its key is its topic."""

    book: Book
    settled: bool = field(default=False, init=False)
    settling: asyncio.TimerHandle | None = field(default=None, init=False)

    @property
    def is_idle(self) -> bool:
        """Whether it is open for those only who may look again."""
        return self.listeners <= 0 and self.settled and self.failed is None


class Books:
    def __init__(
        self,
        port: Research,
        publisher: Publisher,
        clock: Clock,
        settings: EngineSettings,
        *,
        sessions: Sessions,
        contracts: Contracts,
    ) -> None:
        self._port = port
        self._publisher = publisher
        self._clock = clock
        self._timeout = settings.quote_timeout
        self._sessions = sessions
        self._contracts = contracts
        self._lines: Lines[_Line] = Lines(clock, sessions, ask=self._ask, end=self._end)
        """By topic."""
        self.run = self._lines.run
        sessions.listen(self._session_changed)

    async def book(self, query: ContractQuery) -> tuple[Contract, Seen[Book]]:
        """The book now; the last known one, marked, while the broker is away.

        Raises NotSupported, BrokerRefused (no subscription to this depth), BrokerSilent, and what contracts raise.
        """
        contract = await self._contract(query)
        line = await self._lines.opened(book_topic(contract), lambda: _made(contract))
        line.wanted_until = self._clock.monotonic() + _LINGER
        try:
            await self._first(line)
        except BrokerRefused:
            if not line.lacks_room or self._idle() is None:
                raise
            await self._lines.again(line)
            await self._first(line)
        return line.contract, self._seen(line)

    async def acquire(self, query: ContractQuery) -> Contract:
        """Count one listener more. Pair with `release`."""
        contract = await self._contract(query)
        await self._lines.acquire(book_topic(contract), lambda: _made(contract))
        return contract

    async def release(self, contract: Contract) -> None:
        """Of an account's few lines none is kept for a listener who has gone."""
        line = self._lines.get(book_topic(contract))
        if line is not None:
            line.listeners -= 1
            await self._lines.close(line)

    def latest(self, contract: Contract) -> Seen[Book] | None:
        """None before IBKR has said anything; a book without a time is one that it does not deliver."""
        line = self._lines.get(book_topic(contract))
        return None if line is None or not (line.settled or line.failed) else self._seen(line)

    async def _contract(self, query: ContractQuery) -> Contract:
        """A conid stands for a contract wherever it trades: an exchange that is named beside it decides."""
        found = await self._contracts.resolve(query)
        return replace(found, exchange=query.exchange) if query.conid and query.exchange else found

    async def _ask(self, line: _Line) -> None:
        """One that there was no room for takes the place of one that nobody listens to."""
        idle = self._idle() if line.lacks_room else None
        if idle is not None:
            await self._lines.close(idle, idle=True)
        line.settled = False
        await self._port.open_book(line.contract, MOST_ROWS, partial(self._told, line))

    async def _end(self, line: _Line) -> None:
        if line.settling is not None:
            line.settling.cancel()
            line.settling = None
        await self._port.close_book(line.contract)

    def _idle(self) -> _Line | None:
        """The one that has been looked at least of late."""
        idle = [line for line in self._lines if line.is_idle]
        return min(idle, key=lambda line: line.wanted_until, default=None)

    def _told(self, line: _Line, news: Book | BookFailed) -> None:
        if self._lines.get(line.key) is not line:
            return
        if isinstance(news, BookFailed):
            self._lines.refused(line, news)
        else:
            line.book = news
            self._lines.told(line)
        if line.settled or line.failed is not None:
            self._publish(line)
        elif line.settling is None:
            line.settling = asyncio.get_running_loop().call_later(_SETTLE, self._settle, line)

    def _settle(self, line: _Line) -> None:
        """Half a book is not told: its levels come one by one."""
        line.settled, line.settling = True, None
        line.changed.set()
        self._publish(line)

    def _session_changed(self, _session: Session) -> None:
        for line in self._lines:
            self._publish(line)

    def _publish(self, line: _Line) -> None:
        tick = BookTick(line.contract, line.book, self._stale(line))
        self._publisher.publish(book_topic(line.contract), tick)

    async def _first(self, line: _Line) -> None:
        """Wait for a level, then a moment for those that come with it."""
        try:
            async with asyncio.timeout(self._timeout):
                while not line.settled:
                    self._refuse(line)
                    line.changed.clear()
                    await line.changed.wait()
        except TimeoutError:
            self._sessions.require()
            raise BrokerSilent(f"the depth of {line.contract.symbol}", self._timeout) from None
        self._refuse(line)

    def _refuse(self, line: _Line) -> None:
        if line.failed is not None and not line.waiting:
            raise refusal(line.failed, _ADVICE)

    def _seen(self, line: _Line) -> Seen[Book]:
        return Seen(line.book, line.book.at or self._clock.now(), self._stale(line))

    def _stale(self, line: _Line) -> str | None:
        return self._sessions.stale or (line.failed.text if line.failed else None)


def _made(contract: Contract) -> _Line:
    return _Line(book_topic(contract), contract, Book(contract.conid))
