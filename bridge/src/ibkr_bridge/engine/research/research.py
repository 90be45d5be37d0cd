"""What callers may find out: identical questions in flight are one at IBKR, and lists that change seldom are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

from ibkr_bridge.domain.account import Seen
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import BridgeError, BrokerAway, BrokerBusy, InvalidRequest
from ibkr_bridge.engine.contracts import Contracts
from ibkr_bridge.engine.history.pacing import Question
from ibkr_bridge.engine.marketdata import MarketData
from ibkr_bridge.engine.research.books import Books
from ibkr_bridge.engine.research.chains import not_listed
from ibkr_bridge.engine.research.executions import Executions
from ibkr_bridge.engine.research.streamed import StreamedTopics
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.research import (
    Article,
    Computed,
    Headline,
    Listing,
    NewsProvider,
    OptionModel,
    OptionQuote,
    OptionSeries,
    OptionWish,
    ScanParameters,
    ScanRequest,
    ScanRow,
    Tick,
    TickKind,
    TickWindow,
)
from ibkr_bridge.ports.research import Research as Port

T = TypeVar("T")
_HOUR: Final = 3600.0
_MINUTE: Final = 60.0
_SAME_TICKS: Final = 15.0
"""IBKR takes an identical question for ticks sooner than that for one too many."""
_PATIENCE: Final = 15.0
"""Seconds that a question may wait for its turn."""
_MOST_KEPT: Final = 500
_NEAREST: Final = 10
"""Strikes of a chain for which none were named."""


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    at: datetime
    until: float


class Research:
    """Each answer comes with the time at which IBKR gave it.

    Everything raises NotSupported where the door has nothing of the kind, else BrokerAway, BrokerBusy, BrokerSilent,
    BrokerRefused, and what contracts raise.
    """

    def __init__(
        self,
        port: Port,
        clock: Clock,
        *,
        sessions: Sessions,
        contracts: Contracts,
        marketdata: MarketData,
        books: Books,
        executions: Executions,
        turns: Callable[[Question], AbstractAsyncContextManager[None]],
        queue: Callable[[Question], float | None],
    ) -> None:
        """`turns` lets questions of history pass within IBKR's pacing; `queue` says how long one would wait."""
        self._port = port
        self._turns = turns
        self._queue = queue
        self._clock = clock
        self._sessions = sessions
        self._contracts = contracts
        self._marketdata = marketdata
        self.books = books
        self.executions = executions
        self.topics = StreamedTopics(port)
        self._asking: dict[Hashable, asyncio.Task[Any]] = {}
        self._kept: dict[Hashable, _Kept] = {}
        self._closed = False

    async def search(self, text: str) -> Seen[Sequence[Listing]]:
        key = ("search", text.upper())
        return await self._ask(key, lambda: self._port.search(text), keep=_MINUTE)

    async def option_series(self, query: ContractQuery) -> tuple[Contract, Seen[Sequence[OptionSeries]]]:
        underlying = await self._contracts.resolve(query)
        key = ("series", underlying.conid)
        return underlying, await self._ask(key, lambda: self._port.option_series(underlying), keep=_HOUR)

    async def option_chain(
        self, query: ContractQuery, wish: OptionWish
    ) -> tuple[Contract, Seen[Sequence[OptionQuote]]]:
        """Without strikes, those nearest to the underlying's price. Raises UnknownContract where none is listed."""
        underlying = await self._contracts.resolve(query)
        named = wish.strikes
        if not named:
            wish = replace(wish, strikes=await self._nearest(query, wish.expiry))
        key = ("chain", underlying.conid, wish)
        seen = await self._ask(key, lambda: self._port.option_chain(underlying, wish))
        if not seen.value:
            series = (await self.option_series(query))[1].value
            raise not_listed(underlying, replace(wish, strikes=named), series)
        return underlying, seen

    async def computed(self, query: ContractQuery, model: OptionModel) -> tuple[Contract, Seen[Computed]]:
        """Raises InvalidRequest unless either a volatility or a price is given."""
        if (model.volatility is None) == (model.price is None):
            raise InvalidRequest("Give either `volatility` or `price`.", field="volatility")
        underlying = await self._contracts.resolve(query)
        key = ("computed", underlying.conid, model)
        return underlying, await self._ask(key, lambda: self._port.computed(underlying, model))

    async def ticks(self, query: ContractQuery, window: TickWindow) -> tuple[Contract, Seen[Sequence[Tick]]]:
        """Raises InvalidRequest for a window whose end is not after its start."""
        if window.start is not None and window.end is not None and window.end <= window.start:
            raise InvalidRequest("The window ends before it begins.", field="end")
        contract = await self._contracts.resolve(query)
        key = ("ticks", contract.conid, contract.exchange, window)
        return contract, await self._ask(key, lambda: self._ticks(key, contract, window), keep=_SAME_TICKS)

    async def _ticks(self, key: Hashable, contract: Contract, window: TickWindow) -> Sequence[Tick]:
        """IBKR counts them among the questions for small bars, bid and ask apart."""
        weight = 2 if window.kind is TickKind.QUOTES else 1
        asking = Question(key, (contract.conid, contract.exchange, window.kind), weight, small=True)
        if (self._queue(asking) or 0.0) > _PATIENCE:
            raise self._busy(asking)
        try:
            async with asyncio.timeout(_PATIENCE) as patience, self._turns(asking):
                patience.reschedule(None)
                return await self._port.ticks(contract, window)
        except TimeoutError:
            raise self._busy(asking) from None

    def _busy(self, asking: Question) -> BrokerBusy:
        return BrokerBusy(
            "IBKR's budget for ticks and small bars of the past, ten minutes long, is used up.",
            seconds=self._queue(asking),
            advice="Nothing was asked. Try again later, or ask for more ticks at once.",
        )

    async def scan_parameters(self) -> Seen[ScanParameters]:
        return await self._ask("scan parameters", self._port.scan_parameters, keep=_HOUR)

    async def scan(self, request: ScanRequest) -> Seen[Sequence[ScanRow]]:
        return await self._ask(request, lambda: self._port.scan(request))

    async def news_providers(self) -> Seen[Sequence[NewsProvider]]:
        return await self._ask("news providers", self._port.news_providers, keep=_HOUR)

    async def headlines(
        self,
        query: ContractQuery,
        providers: Sequence[str],
        *,
        start: datetime | None,
        end: datetime | None,
        limit: int,
    ) -> tuple[Contract, Seen[Sequence[Headline]]]:
        """Of every provider that this user may read, where none is named."""
        contract = await self._contracts.resolve(query)
        codes = tuple(providers) or tuple(row.code for row in (await self.news_providers()).value)
        key = ("headlines", contract.conid, codes, start, end, limit)
        return contract, await self._ask(key, lambda: self._port.headlines(contract, codes, start, end, limit))

    async def article(self, provider: str, article: str) -> Seen[Article]:
        key = ("article", provider, article)
        return await self._ask(key, lambda: self._port.article(provider, article), keep=_HOUR)

    async def run(self) -> None:
        await self.books.run()

    async def close(self) -> None:
        self._closed = True
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _nearest(self, query: ContractQuery, expiry: date) -> tuple[Decimal, ...]:
        """Empty where nothing is listed for that day."""
        _underlying, series = await self.option_series(query)
        listed = sorted({strike for one in series.value if expiry in one.expiries for strike in one.strikes})
        if not listed:
            return ()
        try:
            quote = (await self._marketdata.quote(query))[1].value
            at = quote.last or quote.close or listed[len(listed) // 2]
        except BridgeError:
            at = listed[len(listed) // 2]
        return tuple(sorted(sorted(listed, key=lambda strike: abs(strike - at))[:_NEAREST]))

    async def _ask(self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, T]], keep: float = 0.0) -> Seen[T]:
        """What was kept is told as long as it counts as true, and longer, marked, while the broker is away."""
        kept, stale = self._kept.get(key), self._sessions.stale
        if kept is not None and (stale is not None or kept.until > self._clock.monotonic()):
            return Seen(kept.value, kept.at, stale)
        self._sessions.require()
        value = await self._shared(key, ask)
        at = self._clock.now()
        if keep:
            self._kept.pop(key, None)
            self._kept[key] = _Kept(value, at, self._clock.monotonic() + keep)
            while len(self._kept) > _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
        return Seen(value, at)

    async def _shared(self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        task: asyncio.Task[T] | None = self._asking.get(key)
        if task is None:
            if self._closed:
                raise BrokerAway("The service is stopping.")
            task = self._asking[key] = asyncio.create_task(ask(), name=f"research {key}"[:100])
            task.add_done_callback(lambda done: self._done(key, done))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise BrokerAway("The service is stopping.") from None
            raise

    def _done(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        self._asking.pop(key, None)
        if not task.cancelled():
            task.exception()  # told to whoever still waits
