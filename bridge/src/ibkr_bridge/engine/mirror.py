"""What IBKR's own paths need of the house: raw calls, shared and kept; live prices; orders by IBKR's number."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from ibkr_bridge.domain.account import Seen
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import BridgeError, BrokerAway, NotSupported, UnknownOrder
from ibkr_bridge.domain.events import Executed
from ibkr_bridge.domain.order import Order
from ibkr_bridge.domain.quote import Quote
from ibkr_bridge.engine.accounts import Accounts
from ibkr_bridge.engine.allowance import SnapshotAllowance
from ibkr_bridge.engine.book import OrderBook
from ibkr_bridge.engine.contracts import Contracts
from ibkr_bridge.engine.marketdata import MarketData
from ibkr_bridge.engine.orders.commands import Orders
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.upstream import BrokerState, RawAnswer, Upstream

T = TypeVar("T")
Priced = tuple[Contract, Seen[Quote]]
_PATIENCE = 5.0
"""How long a caller waits for prices that are on their way, in seconds; what has not come then comes next time."""
REGULATORY_SNAPSHOT = "/md/regsnapshot"
_STOPPING = "The service is stopping."
_MOST_KEPT = 1000
_REFUSAL_KEPT = 30.0
"""How long a contract without prices is not asked about again, in seconds."""
_LISTED = 1000
_DAY = 86_400.0
_MOMENT = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Told:
    """`age` in seconds since IBKR gave the answer; None for a fresh one."""

    answer: RawAnswer
    age: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """`keep` is for how many seconds its answer stays true; `shared` says that who asks the same meanwhile waits."""

    method: str
    path: str
    query: Mapping[str, str]
    body: object = None
    keep: float = 0.0
    shared: bool = False

    @property
    def key(self) -> str:
        return repr((self.method, self.path, sorted(self.query.items()), self.body))


class Mirror:
    def __init__(
        self,
        upstream: Upstream,
        clock: Clock,
        *,
        book: OrderBook,
        sessions: Sessions,
        accounts: Accounts,
        contracts: Contracts,
        marketdata: MarketData,
        orders: Orders,
        snapshots: SnapshotAllowance,
    ) -> None:
        self._upstream = upstream
        self._clock = clock
        self._book = book
        self._sessions = sessions
        self._accounts = accounts
        self._contracts = contracts
        self._marketdata = marketdata
        self._orders = orders
        self._snapshots = snapshots
        self._asking: dict[str, asyncio.Task[Any]] = {}
        self._kept: OrderedDict[str, tuple[RawAnswer, float]] = OrderedDict()
        self._unpriced: dict[int, float] = {}
        self._executions: dict[str, tuple[Executed, float]] = {}
        """By name, each with when it was heard of."""
        self._looked = False
        self._closed = False

    @property
    def hidden(self) -> frozenset[str]:
        """Accounts of the session that no caller may see."""
        return frozenset(account for account in self._sessions.held if not self._accounts.visible(account))

    def renew(self, reason: str) -> None:
        """End the session with IBKR and open another; what was kept of the old one is asked for anew."""
        self._kept.clear()
        self._upstream.renew(reason)

    async def ask(self, call: Call) -> Told:
        """One upstream call, however many ask the same at once. Raises NotSupported, BrokerAway, BrokerSilent."""
        key = call.key
        if (kept := self._kept.get(key)) is not None:
            age = self._clock.monotonic() - kept[1]
            if age < call.keep:
                return Told(kept[0], age)
        if not call.shared:
            self._require_open()
            return Told(await self._upstream.raw(call.method, call.path, call.query, call.body))
        await self._returning()
        answer = await self._share(key, lambda: self._asked(call))
        return Told(answer)

    async def regulatory_snapshot(self, query: Mapping[str, str]) -> Told:
        """For each of them IBKR takes money, so nothing is shared, kept or repeated.

        Raises NotSupported, SnapshotNotAllowed, BrokerAway, BrokerSilent.
        """
        why = self._upstream.capabilities.missing.get("market.regulatory_snapshot")
        if why is not None:
            raise NotSupported(why)
        self._require_open()
        self._snapshots.take()
        try:
            return Told(await self._upstream.raw("GET", REGULATORY_SNAPSHOT, query, None))
        except BrokerAway:
            self._snapshots.give_back()
            raise

    async def quotes(self, conids: Sequence[int]) -> Mapping[int, Priced]:
        """From live lines, one for each contract however many ask; a contract without a price is left out."""
        now = self._clock.monotonic()
        wanted = [conid for conid in conids if self._unpriced.get(conid, 0.0) <= now]
        tasks = {conid: self._task(f"quote {conid}", partial(self._quote, conid)) for conid in wanted}
        if tasks:
            await asyncio.wait(tasks.values(), timeout=_PATIENCE)
        found = {conid: task.result() for conid, task in tasks.items() if _answered(task)}
        return {conid: priced for conid, priced in found.items() if priced is not None}

    async def executions(self) -> Sequence[Executed]:
        """Told in the last day, the oldest first. Raises BrokerAway, BrokerSilent."""
        if not self._looked:
            self.looked(await self._share("executions", self._upstream.broker_state))
        since = self._clock.monotonic() - _DAY
        self._executions = {name: told for name, told in self._executions.items() if told[1] > since}
        found = (executed for executed, _heard in self._executions.values() if self._accounts.visible(executed.account))
        return sorted(found, key=lambda executed: executed.at)

    def executed(self, event: Executed) -> None:
        """The broker tells of an execution, whoever placed its order."""
        self._executions.setdefault(event.exec_id, (event, self._clock.monotonic()))

    def looked(self, state: BrokerState) -> None:
        """Everything that the broker shows has been listed."""
        self._looked = True
        for executed in state.executions:
            self.executed(executed)

    async def contracts(self, query: ContractQuery) -> Sequence[Contract]:
        """Every contract that fits. Raises BrokerAway, BrokerSilent."""
        self._sessions.require()
        return await self._share(f"contracts {query!r}", lambda: self._found(query))

    async def contract(self, conid: int) -> Contract:
        """Raises UnknownContract, BrokerAway, BrokerSilent."""
        return await self._contracts.resolve(ContractQuery(conid=conid, sec_type="", exchange="", currency=""))

    async def order(self, name: str) -> Order:
        """By IBKR's order id, which is its perm id for an order placed elsewhere, or by ours. Raises UnknownOrder."""
        if not name.isdecimal():
            return await self._orders.get(name)
        number = int(name)
        listed = (order for order in self._book.known() if self._accounts.visible(order.account))
        ours = [order for order in listed if _goes_by(order, number)]
        if not ours:
            page = await self._orders.list(limit=_LISTED)
            ours = [order for order in page.orders if _goes_by(order, number)]
        theirs = [order for order in self._orders.foreign() if any(one.perm_id == number for one in order.broker)]
        found = sorted(ours, key=lambda order: order.created_at) or theirs
        if not found:
            raise UnknownOrder(name)
        return found[-1]

    def live(self) -> Sequence[Order]:
        """Every order of this service that has not ended."""
        return [order for order in self._book.unfinished() if self._accounts.visible(order.account)]

    async def listed(self) -> Sequence[Order]:
        """The newest orders of this service, and the live ones that were placed elsewhere."""
        page = await self._orders.list(limit=_LISTED)
        return (*page.orders, *self._orders.foreign())

    async def close(self) -> None:
        self._closed = True
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _require_open(self) -> None:
        """Callers who still wait when the service stops must not begin anything new."""
        if self._closed:
            raise BrokerAway(_STOPPING)

    async def _returning(self) -> None:
        """A session that was lost a moment ago is waited for: who only asks need not notice."""
        session = self._sessions.current
        if not session.ready and self._clock.now() - session.since < _MOMENT:
            await self._sessions.until_ready()

    async def _asked(self, call: Call) -> RawAnswer:
        answer = await self._upstream.raw(call.method, call.path, call.query, call.body)
        if call.keep and answer.status == 200:
            self._kept[call.key] = (answer, self._clock.monotonic())
            self._kept.move_to_end(call.key)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return answer

    async def _quote(self, conid: int) -> Priced | None:
        try:
            return await self._marketdata.quote(ContractQuery(conid=conid, sec_type="", exchange="", currency=""))
        except BridgeError as problem:
            if not problem.retryable:
                self._unpriced[conid] = self._clock.monotonic() + _REFUSAL_KEPT
            return None

    async def _found(self, query: ContractQuery) -> Sequence[Contract]:
        return await self._upstream.contracts(query)

    async def _share(self, key: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        task = self._task(key, work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise BrokerAway(_STOPPING) from None
            raise

    def _task(self, key: str, work: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        task: asyncio.Task[T] | None = self._asking.get(key)
        if task is None:
            self._require_open()
            task = self._asking[key] = asyncio.create_task(work(), name=f"mirror {key}"[:100])
            task.add_done_callback(lambda done: self._done(key, done))
        return task

    def _done(self, key: str, task: asyncio.Task[Any]) -> None:
        self._asking.pop(key, None)
        if not task.cancelled():
            task.exception()  # told to whoever still waits


def _answered(task: asyncio.Task[Any]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _goes_by(order: Order, number: int) -> bool:
    return any(number in (theirs.order_id, theirs.perm_id) for theirs in order.broker)
