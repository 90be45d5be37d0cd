"""Summaries, positions and P&L: the broker's last word on each account, with its age."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from ibkr_bridge.domain.account import AccountSummary, Pnl, Position, Seen, T
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import AccountRequired, BridgeError, BrokerAway, BrokerSilent, UnknownAccount
from ibkr_bridge.domain.session import Session
from ibkr_bridge.engine.contracts import Contracts
from ibkr_bridge.engine.fresh_fills import FreshFills
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.engine.topics import PNL
from ibkr_bridge.guards.verdict import Fresh
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.publisher import Publisher
from ibkr_bridge.ports.upstream import PositionsComplete, Upstream

log = structlog.get_logger()
_NAMES = 2.0
_FIRST_WORD = 5.0
"""How long the first figures after a connection may take, in seconds."""
_UNASKED = 1.0
"""How long positions may take to be told by themselves on a new connection, in seconds."""
_OVERDUE = timedelta(seconds=2)
"""A fill that no position has shown by then is asked for: doors that tell or ask by themselves have done so."""


class Accounts:
    def __init__(
        self,
        upstream: Upstream,
        publisher: Publisher,
        clock: Clock,
        settings: EngineSettings,
        *,
        sessions: Sessions,
        contracts: Contracts,
        fresh: FreshFills,
    ) -> None:
        self._upstream = upstream
        self._publisher = publisher
        self._clock = clock
        self._settings = settings
        self._sessions = sessions
        self._contracts = contracts
        self._fresh_fills = fresh
        self._settling = asyncio.Lock()
        self._summaries: dict[str, Seen[AccountSummary]] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        self._positions: dict[tuple[str, int], Position] = {}
        self._positions_at: datetime | None = None
        self._positions_told = asyncio.Event()
        self._current = asyncio.Event()
        self._pnl: dict[str, Seen[Pnl]] = {}
        self._pnl_told: dict[str, asyncio.Event] = {}
        sessions.listen(self._session_changed)

    def resolve(self, account: str | None) -> str:
        """The account meant: the one named, the one pinned, else the only one.

        Raises UnknownAccount, AccountRequired, and BrokerAway while no session has told us any.
        """
        if account is not None:
            if self._settings.account is None and not self._known():
                raise BrokerAway("No session has told us its accounts yet.")
            if not self.visible(account):
                raise UnknownAccount(account)
            return account
        if self._settings.account:
            return self._settings.account
        accounts = self._known()
        if not accounts:
            raise BrokerAway("No session has told us its accounts yet.")
        if len(accounts) > 1:
            raise AccountRequired(accounts)
        return accounts[0]

    def visible(self, account: str) -> bool:
        if self._settings.account:
            return account == self._settings.account
        return account in self._known()

    async def summary(self, account: str | None) -> Seen[AccountSummary]:
        """Asked anew when older than a few seconds; the last known one, marked, while the broker is away."""
        name = self.resolve(account)
        async with self._asking.setdefault(name, asyncio.Lock()):
            known = self._summaries.get(name)
            if known is not None and self._fresh(known.as_of):
                return self._aged(known)
            if self._sessions.current.ready:
                try:
                    known = Seen(await self._upstream.account_summary(name), self._clock.now())
                    self._summaries[name] = known
                except (BrokerAway, BrokerSilent):
                    if known is None:
                        raise
                    return replace(known, stale="IBKR did not answer")
        if known is None:
            self._sessions.require()
            raise BrokerAway("No account summary has been seen yet.")
        return self._aged(known)

    async def positions(self, account: str | None) -> Seen[tuple[Position, ...]]:
        """Of one account, or of every visible one."""
        wanted = self.resolve(account) if account else None
        await self._first(self._positions_told, "positions")
        found = [
            position
            for position in self._positions.values()
            if position.qty and self.visible(position.account) and wanted in (None, position.account)
        ]
        named = await asyncio.gather(*(self._named(position) for position in found))
        return self._aged(Seen(tuple(named), self._positions_at or self._clock.now()))

    async def pnl(self, account: str | None) -> Seen[Pnl]:
        name = self.resolve(account)
        if name not in self._pnl:
            await self._first(self._pnl_told.setdefault(name, asyncio.Event()), "profit and loss")
        return self._aged(self._pnl[name])

    def held(self, account: str, conid: int) -> Decimal:
        """The quantity as last told; 0 where none was."""
        position = self._positions.get((account, conid))
        return position.qty if position else Decimal(0)

    def fresh(self, account: str, conid: int) -> Fresh:
        """What has just filled, and may not be in `held` yet."""
        return self._fresh_fills.of((account, conid))

    async def settle(self, account: str, *, needed: bool) -> None:
        """Ask for positions where a fill has waited for long to be seen in them, or where `needed` and not current.

        No answer changes nothing: what is not known stays so.
        """
        try:
            if needed:
                await self._told_by_itself()
            async with self._settling, asyncio.timeout(_FIRST_WORD):  # whoever comes meanwhile has the same answer
                oldest = self._fresh_fills.oldest(account)
                overdue = oldest is not None and self._clock.now() - oldest > _OVERDUE
                if overdue or (needed and not self.current):
                    await self._upstream.refresh_positions()
        except (BridgeError, TimeoutError) as problem:
            log.info("positions could not be asked for", problem=str(problem))

    async def _told_by_itself(self) -> None:
        """After a connection was made every position is told unasked."""
        try:
            async with asyncio.timeout(_UNASKED):
                await self._current.wait()
        except TimeoutError:
            return

    def traded(self, account: str) -> tuple[Position, ...]:
        """Every position of the account as last told, and, flat, what has just filled beside them."""
        told = {
            position.contract.conid: position for (holder, _), position in self._positions.items() if holder == account
        }
        fresh = (contract for contract in self._fresh_fills.contracts(account) if contract.conid not in told)
        return (*told.values(), *(Position(account, contract, Decimal(0), Decimal(0)) for contract in fresh))

    @property
    def current(self) -> bool:
        """Whether every position has been told since the session was last lost: much may have happened before."""
        return self._current.is_set()

    @property
    def told(self) -> bool:
        """Whether every position has been told since the service began."""
        return self._positions_told.is_set()

    @property
    def quantities(self) -> dict[tuple[str, int], Decimal]:
        """By account and conid, as last told."""
        return {key: position.qty for key, position in self._positions.items()}

    def contract(self, key: tuple[str, int]) -> Contract | None:
        position = self._positions.get(key)
        return position.contract if position else None

    def position_changed(self, position: Position) -> bool:
        """Whether the quantity is another than before."""
        key = position.account, position.contract.conid
        known = self._positions.get(key)
        self._positions[key] = position
        self._positions_at = self._clock.now()
        self._fresh_fills.told(key, position.qty - (known.qty if known else 0))
        return known is None or known.qty != position.qty

    def positions_complete(self, event: PositionsComplete) -> None:
        self._fresh_fills.complete(event.shows)
        self._positions_at = self._clock.now()
        self._positions_told.set()
        self._current.set()

    def pnl_changed(self, pnl: Pnl) -> None:
        seen = Seen(pnl, self._clock.now())
        known = self._pnl.get(pnl.account)
        self._pnl[pnl.account] = seen
        if (told := self._pnl_told.get(pnl.account)) is not None:
            told.set()
        if self.visible(pnl.account) and (known is None or known.value != pnl):
            self._publisher.publish(PNL, seen)

    def _session_changed(self, session: Session) -> None:
        if not session.ready:
            self._current.clear()

    async def _named(self, position: Position) -> Position:
        """The broker names a position's contract by its listing alone; everywhere else a contract has its full name."""
        try:
            async with asyncio.timeout(_NAMES):
                return replace(
                    position, contract=await self._contracts.resolve(ContractQuery(conid=position.contract.conid))
                )
        except (BridgeError, TimeoutError):
            return position

    async def _first(self, told: asyncio.Event, what: str) -> None:
        """Wait for the first word of this kind; later ones come by themselves."""
        if told.is_set():
            return
        self._sessions.require()
        try:
            async with asyncio.timeout(_FIRST_WORD):
                await told.wait()
        except TimeoutError:
            raise BrokerSilent(what, _FIRST_WORD) from None

    def _known(self) -> tuple[str, ...]:
        return self._sessions.current.accounts

    def _fresh(self, as_of: datetime) -> bool:
        return self._clock.now() - as_of < timedelta(seconds=self._settings.summary_age)

    def _aged(self, seen: Seen[T]) -> Seen[T]:
        return replace(seen, stale=self._sessions.stale)
