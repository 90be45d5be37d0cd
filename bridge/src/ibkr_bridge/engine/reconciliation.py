"""Compares positions and executions with what the broker shows: each difference with its age and cause."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import structlog

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.events import Executed, OrderUpdate
from ibkr_bridge.domain.fills import fill_of
from ibkr_bridge.domain.order import Fill, Order, OrderStatus
from ibkr_bridge.engine.accounts import Accounts
from ibkr_bridge.engine.balance import ZERO, Balance, Key
from ibkr_bridge.engine.book import OrderBook
from ibkr_bridge.engine.orders.window import in_window
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.engine.topics import RECONCILIATION
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.journal import Journal
from ibkr_bridge.ports.publisher import Publisher
from ibkr_bridge.ports.upstream import BrokerState

log = structlog.get_logger()
_CURRENCIES = "CASH"
_KEPT_AS = "balance"
_PAGE = 1000
_OVERLAP = timedelta(minutes=5)
"""How much later than it happened an execution may be told; clocks differ too."""


class Cause(StrEnum):
    SETTLING = "settling"
    """Fills and positions are told one after the other; within seconds they agree."""
    ORDER_OPEN_QUESTION = "order_open_question"
    """An order of ours in this contract is unknown, has forked, or owes fills."""
    UNEXPLAINED = "unexplained"
    """Traded elsewhere before the broker's list of executions begins, transferred, or a corporate action."""


@dataclass(frozen=True, slots=True)
class PositionLine:
    """`broker` is what the broker shows, `expected` what follows from all fills since the beginning."""

    account: str
    conid: int
    contract: Contract | None
    expected: Decimal
    broker: Decimal
    foreign: Decimal
    """The part of `expected` that others have traded."""
    since: datetime | None = None
    """When the two were first seen to differ by so much; None while they agree."""
    cause: Cause | None = None

    @property
    def difference(self) -> Decimal:
        return self.broker - self.expected


@dataclass(frozen=True, slots=True)
class Unshown:
    """A fill in the journal that the broker's complete list of today does not have."""

    order_id: str
    account: str
    exec_id: str
    qty: Decimal
    since: datetime


@dataclass(frozen=True, slots=True)
class Reconciled:
    """`began_at` is when positions were first agreed on, None before that; `compared_at` the last complete look."""

    began_at: datetime | None
    compared_at: datetime | None
    at: datetime
    stale: str | None
    positions: tuple[PositionLine, ...]
    unshown: tuple[Unshown, ...]
    open_questions: tuple[Order, ...]

    @property
    def different(self) -> tuple[PositionLine, ...]:
        return tuple(line for line in self.positions if line.difference)


class Reconciliation:
    def __init__(
        self,
        clock: Clock,
        settings: EngineSettings,
        publisher: Publisher,
        journal: Journal,
        *,
        book: OrderBook,
        accounts: Accounts,
        sessions: Sessions,
        look: Callable[[], None],
    ) -> None:
        """`look` asks for everything the broker shows; the answer arrives at `looked`."""
        self._clock = clock
        self._settings = settings
        self._publisher = publisher
        self._journal = journal
        self._book = book
        self._accounts = accounts
        self._sessions = sessions
        self._look = look
        self._balance = Balance(None, 0)
        self._compared_at: datetime | None = None
        self._since: dict[Key, tuple[Decimal, datetime]] = {}
        self._unshown: dict[str, Unshown] = {}
        self._told: frozenset[Key] = frozenset()
        self._kept = ""
        self._moved = asyncio.Event()

    async def remembered(self) -> None:
        """The balance of an earlier life, and the fills that were kept after it."""
        text = await self._journal.recall(_KEPT_AS)
        if text is None:
            self._balance.seq = await self._journal.last_seq()
            return
        self._balance = Balance.load(text)
        while page := await self._journal.events(self._balance.seq, _PAGE):
            for update in page:
                self._balance.count(update.seq, update.event)

    def kept(self, update: OrderUpdate) -> None:
        """An event of ours is in the journal."""
        self._balance.count(update.seq, update.event)
        if isinstance(update.event, Executed):
            self._compare()

    def stranger(self, event: Executed) -> None:
        """An execution of an order that is not ours."""
        if self._balance.count_stranger(event):
            self._compare()

    def positions_changed(self) -> None:
        self._compare()

    def looked(self, state: BrokerState) -> None:
        """Everything that the broker shows has been taken in."""
        if not state.complete:
            return
        self._compared_at = self._clock.now()
        shown = {fill_of(executed.exec_id) for executed in state.executions}
        self._balance.forget(state.asked_at - _OVERLAP, shown)
        known = self._unshown
        self._unshown = {
            fill.exec_id: known.get(fill.exec_id)
            or Unshown(order.id, order.account, fill.exec_id, fill.qty, self._compared_at)
            for order, fill in self._todays(state.asked_at)
            if fill_of(fill.exec_id) not in shown
        }
        self._moved.set()

    async def run(self) -> None:
        """Compare at intervals, and soon after anything has moved; until cancelled."""
        while True:
            await self._wait()
            await self._clock.sleep(self._settings.settling)
            if self._sessions.current.ready:
                if self._due():
                    self._look()
                self._begin()
                self._tell()
            await self._keep()

    def view(self, account: str | None = None) -> Reconciled:
        """Of every visible account, or of one. Raises UnknownAccount."""
        wanted = None if account is None else self._accounts.resolve(account)
        keys = sorted({*self._accounts.quantities, *self._balance.expected})
        seen = (key for key in keys if self._accounts.visible(key[0]) and wanted in (None, key[0]))
        lines = (self._line(key) for key in seen if self._is_held(key))
        return Reconciled(
            began_at=self._balance.began_at,
            compared_at=self._compared_at,
            at=self._clock.now(),
            stale=self._sessions.stale,
            positions=tuple(line for line in lines if line.broker or line.expected or line.foreign),
            unshown=tuple(row for row in self._unshown.values() if wanted in (None, row.account)),
            open_questions=tuple(order for order in self._open_questions() if wanted in (None, order.account)),
        )

    async def accept(self, note: str) -> Reconciled:
        """A person's word that the broker's positions are right: counting begins anew from them."""
        log.warning("positions accepted as the broker shows them", note=note)
        self._agree()
        await self._keep()
        return self.view()

    def _line(self, key: Key) -> PositionLine:
        actual = self._accounts.quantities.get(key, ZERO)
        expected = self._balance.expected.get(key, ZERO) if self._balance.began_at else actual
        since = self._since[key][1] if key in self._since else None
        return PositionLine(
            account=key[0],
            conid=key[1],
            contract=self._contract(key),
            expected=expected,
            broker=actual,
            foreign=self._balance.foreign(key),
            since=since,
            cause=self._cause(key, since) if since else None,
        )

    def _is_held(self, key: Key) -> bool:
        """A trade of currencies moves balances of cash; whether the pair is listed too is the login's choice."""
        contract = self._contract(key)
        return contract is None or contract.sec_type != _CURRENCIES

    def _cause(self, key: Key, since: datetime) -> Cause:
        account, conid = key
        if any(order.account == account and conid in order.conids for order in self._open_questions()):
            return Cause.ORDER_OPEN_QUESTION
        young = self._clock.now() - since < timedelta(seconds=self._settings.settling)
        return Cause.SETTLING if young else Cause.UNEXPLAINED

    def _open_questions(self) -> list[Order]:
        """Orders whose figures may not be the last word."""
        unsure = [order for order in self._book.unfinished() if order.status is OrderStatus.UNKNOWN or order.surplus]
        return [order for order in [*unsure, *self._book.owing()] if self._accounts.visible(order.account)]

    def _contract(self, key: Key) -> Contract | None:
        ordered = (order.contract for order in self._book.known() if order.account == key[0])
        traded = (part for contract in ordered for part in contract.parts)
        return self._accounts.contract(key) or next((part for part in traded if part.conid == key[1]), None)

    def _todays(self, at: datetime) -> list[tuple[Order, Fill]]:
        """Fills that the broker's list ought to have: of orders made within the window in which it shows them."""
        return [
            (order, fill)
            for order in self._book.known()
            for fill in order.fills
            if in_window(order.created_at, at, self._settings.broker_time_zone)
        ]

    def _compare(self) -> None:
        now = self._clock.now()
        differences = self._balance.differences(self._accounts.quantities)
        found = {key: difference for key, difference in differences.items() if self._is_held(key)}
        self._since = {
            key: self._since[key] if self._since.get(key, (ZERO,))[0] == difference else (difference, now)
            for key, difference in found.items()
        }
        self._moved.set()

    async def _wait(self) -> None:
        """Until something has moved, or it is time to look again anyway."""
        try:
            async with asyncio.timeout(self._settings.reconcile_interval):
                await self._moved.wait()
        except TimeoutError:
            return
        self._moved.clear()

    def _due(self) -> bool:
        """Whether the last look is old, or older than a difference."""
        if self._compared_at is None:
            return True
        newer = any(since > self._compared_at for _difference, since in self._since.values())
        return newer or self._clock.now() - self._compared_at > timedelta(seconds=self._settings.reconcile_interval)

    def _begin(self) -> None:
        """The first positions that were told, with nothing under way, are the beginning."""
        if self._balance.began_at is None and self._accounts.told and self._compared_at and not self._open_questions():
            self._agree()

    def _agree(self) -> None:
        self._balance.begin(self._clock.now(), self._accounts.quantities)
        self._since = {}

    def _tell(self) -> None:
        """Each difference once when it has lasted, and once when it is gone."""
        settled = self._clock.now() - timedelta(seconds=self._settings.settling)
        lasting = frozenset(key for key, (_difference, since) in self._since.items() if since <= settled)
        if lasting != self._told:
            self._told = lasting
            log.warning("positions and fills differ" if lasting else "positions and fills agree", count=len(lasting))
            self._publisher.publish(RECONCILIATION, self.view())

    async def _keep(self) -> None:
        text = self._balance.dump()
        if text == self._kept:
            return
        try:
            await self._journal.remember(_KEPT_AS, text)
        except OSError as problem:
            log.warning("the balance of positions could not be kept", problem=str(problem))
        else:
            self._kept = text
