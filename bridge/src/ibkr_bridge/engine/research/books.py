"""Order books: one upstream line per contract however many listen, the last book kept with its age."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import structlog

from ibkr_bridge.domain.account import Seen
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import BridgeError, BrokerRefused, BrokerSilent
from ibkr_bridge.domain.session import Session
from ibkr_bridge.engine.contracts import Contracts
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.publisher import Publisher
from ibkr_bridge.ports.research import Book, BookFailed, Research

log = structlog.get_logger()
MOST_ROWS: Final = 20
"""Levels of a side that are asked for, whatever a caller wants to see of them."""
_LINGER: Final = 20.0
"""Seconds for which a line stays open after the last look: IBKR gives three of them."""
_SWEEP: Final = 1.0
_RETRY: Final = 30.0
"""Seconds after which a line that was refused is asked for again while somebody listens."""
_SETTLE: Final = 0.3
"""Seconds for which a first book may still be growing, level by level."""


_TOO_MANY: Final = 309
_TOO_MANY_ADVICE: Final = (
    "IBKR shows three books at a time, more to larger accounts: end a subscription to another one."
)
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


@dataclass(slots=True)
class _Line:
    contract: Contract
    book: Book
    listeners: int = 0
    wanted_until: float = 0.0
    failed: BookFailed | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    settled: bool = False
    settling: asyncio.TimerHandle | None = None
    asked_at: float = 0.0

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
        self._lines: dict[str, _Line] = {}
        """By topic."""
        self._opening = asyncio.Lock()
        self._any = asyncio.Event()
        """Whether there are lines to be looked at."""
        sessions.listen(self._session_changed)

    async def book(self, query: ContractQuery) -> tuple[Contract, Seen[Book]]:
        """The book now; the last known one, marked, while the broker is away.

        Raises NotSupported, BrokerRefused (no subscription to this depth), BrokerSilent, and what contracts raise.
        """
        line = await self._line(await self._contract(query))
        line.wanted_until = self._clock.monotonic() + _LINGER
        try:
            await self._first(line)
        except BrokerRefused:
            if not await self._make_room(line):
                raise
            await self._first(line)
        return line.contract, self._seen(line)

    async def acquire(self, query: ContractQuery) -> Contract:
        """Count one listener more. Pair with `release`."""
        line = await self._line(await self._contract(query))
        line.listeners += 1
        return line.contract

    async def release(self, contract: Contract) -> None:
        """Of an account's few lines none is kept for a listener who has gone."""
        line = self._lines.get(book_topic(contract))
        if line is not None:
            line.listeners -= 1
            await self._close(book_topic(contract))

    def latest(self, contract: Contract) -> Seen[Book] | None:
        """None before IBKR has said anything; a book without a time is one that it does not deliver."""
        line = self._lines.get(book_topic(contract))
        return None if line is None or not (line.settled or line.failed) else self._seen(line)

    async def run(self) -> None:
        """Close lines that nobody wants any more, ask again for those that were refused, until cancelled."""
        while True:
            await self._any.wait()
            await self._clock.sleep(_SWEEP)
            for topic in list(self._lines):
                await self._close(topic)
            for line in [line for line in self._lines.values() if line.failed is not None and line.listeners > 0]:
                if not await self._make_room(line) and self._clock.monotonic() - line.asked_at >= _RETRY:
                    async with self._opening:
                        await self._again(line)
            if not self._lines:
                self._any.clear()

    async def _contract(self, query: ContractQuery) -> Contract:
        """A conid stands for a contract wherever it trades: an exchange that is named beside it decides."""
        found = await self._contracts.resolve(query)
        return replace(found, exchange=query.exchange) if query.conid and query.exchange else found

    def _told(self, topic: str, news: Book | BookFailed) -> None:
        line = self._lines.get(topic)
        if line is None:
            return
        if isinstance(news, BookFailed):
            line.failed = news
        else:
            line.book, line.failed = news, None
        line.changed.set()
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
        for line in self._lines.values():
            self._publish(line)

    def _publish(self, line: _Line) -> None:
        tick = BookTick(line.contract, line.book, self._stale(line))
        self._publisher.publish(book_topic(line.contract), tick)

    async def _line(self, contract: Contract) -> _Line:
        async with self._opening:
            topic = book_topic(contract)
            line = self._lines.get(topic)
            if line is not None and (line.failed is None or self._sessions.stale is not None):
                return line
            if line is not None:  # a refusal is not for ever
                await self._end(topic)
                line.failed = None
            return await self._open(topic, line or _Line(contract, Book(contract.conid)))

    async def _open(self, topic: str, line: _Line) -> _Line:
        self._sessions.require()
        self._lines[topic] = line
        line.asked_at = self._clock.monotonic()
        self._any.set()
        try:
            await self._port.open_book(line.contract, MOST_ROWS, partial(self._told, topic))
        except (BridgeError, asyncio.CancelledError):
            self._lines.pop(topic, None)
            raise
        return line

    async def _close(self, topic: str) -> None:
        async with self._opening:
            line = self._lines.get(topic)
            if line is not None and line.listeners <= 0 and line.wanted_until <= self._clock.monotonic():
                await self._end(topic)

    async def _make_room(self, line: _Line) -> bool:
        """Whether a line that was refused has been asked for again in place of one that nobody listens to."""
        async with self._opening:
            idle = [other for other in self._lines.values() if other.is_idle and other is not line]
            if not idle or line.failed is None or line.failed.ibkr_code is None:
                return False
            await self._end(book_topic(min(idle, key=lambda other: other.wanted_until).contract))
            return await self._again(line)

    async def _again(self, line: _Line) -> bool:
        """Whether a refused line could be asked for once more."""
        topic = book_topic(line.contract)
        if self._lines.get(topic) is not line or line.failed is None or self._sessions.stale is not None:
            return False
        failed = line.failed
        await self._end(topic)
        line.failed = None
        try:
            await self._open(topic, line)
        except BridgeError:
            self._lines[topic], line.failed = line, failed
            return False
        return True

    async def _end(self, topic: str) -> None:
        line = self._lines.pop(topic)
        contract = line.contract
        if line.settling is not None:
            line.settling.cancel()
            line.settling = None
        try:
            await self._port.close_book(contract)
        except BridgeError as problem:
            log.debug("a line of depth closed while away", contract=contract.symbol, detail=problem.detail)

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
        failed = line.failed
        if failed is not None:
            advice = _TOO_MANY_ADVICE if failed.ibkr_code == _TOO_MANY else _ADVICE
            raise BrokerRefused(failed.ibkr_code, failed.text, advice=advice)

    def _seen(self, line: _Line) -> Seen[Book]:
        return Seen(line.book, line.book.at or self._clock.now(), self._stale(line))

    def _stale(self, line: _Line) -> str | None:
        return self._sessions.stale or (line.failed.text if line.failed else None)
