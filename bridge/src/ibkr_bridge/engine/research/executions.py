"""Executions: ours from the journal, as far back as it goes, and of the last day those that were placed elsewhere."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from ibkr_bridge.domain.account import Seen
from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.domain.events import Executed
from ibkr_bridge.domain.identity import order_of
from ibkr_bridge.domain.order import Order
from ibkr_bridge.engine.accounts import Accounts
from ibkr_bridge.engine.mirror import Mirror
from ibkr_bridge.engine.reading import read
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.journal import Journal, no_cursor

_BATCH: Final = 1000
_PLACE: Final = re.compile(r"0|[1-9]\d{0,17}", re.ASCII)
_MOST_READ: Final = 20_000
"""Entries of the journal that one page may read; a page with less than was asked for is no last page."""
_PATIENCE: Final = 1.0
_DAY: Final = timedelta(days=1)
_LATE: Final = timedelta(days=7)
"""How much later than it happened an execution may have been entered: IBKR shows them for a week at most."""


@dataclass(frozen=True, slots=True)
class Filled:
    """`order` is the one of ours that it belongs to; None for one that was placed elsewhere."""

    execution: Executed
    order: Order | None = None

    @property
    def commission(self) -> Decimal | None:
        fills = self.order.fills if self.order is not None else ()
        return next((fill.commission for fill in fills if fill.exec_id == self.execution.exec_id), None)


@dataclass(frozen=True, slots=True)
class ExecutionPage:
    """`next_cursor` continues after this page; None: there is no more."""

    executions: Seen[Sequence[Filled]]
    next_cursor: str | None


class Executions:
    def __init__(
        self, journal: Journal, clock: Clock, *, mirror: Mirror, accounts: Accounts, sessions: Sessions
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._mirror = mirror
        self._accounts = accounts
        self._sessions = sessions

    async def page(
        self, *, account: str | None, symbol: str | None, since: datetime | None, cursor: str | None, limit: int
    ) -> ExecutionPage:
        """As they were entered, the oldest first; those that were placed elsewhere end the last page.

        Without `since` those of the last 24 hours. Raises UnknownAccount, InvalidRequest for a cursor that is none,
        JournalAway.
        """
        name = None if account is None else self._accounts.resolve(account)
        begin = since or self._clock.now() - _DAY
        wanted = _Wanted(name, symbol.upper() if symbol else None, begin)
        after = await self._start(begin) if cursor is None else await self._place(cursor)
        found, last, ended = await self._ours(wanted, after, limit)
        stale = self._sessions.stale
        if ended:
            theirs, missing = await self._theirs(wanted)
            found, stale = [*found, *theirs], stale or missing
        return ExecutionPage(Seen(found, self._clock.now(), stale), None if ended else str(last))

    async def _place(self, cursor: str) -> int:
        if not _PLACE.fullmatch(cursor) or int(cursor) > await read(self._journal.last_seq()):
            raise no_cursor("executions")
        return int(cursor)

    async def _start(self, begin: datetime) -> int:
        """The last entry that is certainly too old, found by halving."""
        low, high = 0, await read(self._journal.last_seq())
        while high - low > _BATCH:
            middle = (low + high) // 2
            updates = await read(self._journal.events(middle, 1))
            if updates and updates[0].event.at < begin - _LATE:
                low = middle
            else:
                high = middle
        return low

    async def _ours(self, wanted: _Wanted, after: int, limit: int) -> tuple[list[Filled], int, bool]:
        """What was found, the last entry that was read, and whether the journal ended there."""
        found: list[Filled] = []
        orders: dict[str, Order] = {}
        for _batch in range(_MOST_READ // _BATCH):
            updates = await read(self._journal.events(after, _BATCH))
            for update in updates:
                after = update.seq
                event = update.event
                if isinstance(event, Executed) and wanted.fits(event) and self._accounts.visible(event.account):
                    found.append(Filled(event, await self._order(update.order, orders)))
                    if len(found) == limit:
                        return found, after, False
            if len(updates) < _BATCH:
                return found, after, True
        return found, after, False

    async def _order(self, then: Order, known: dict[str, Order]) -> Order:
        """As it stands now: it knows of charges that came after the execution. Each is read once a page."""
        if then.id not in known:
            now = await read(self._journal.order(then.id))
            known[then.id] = now or then
        return known[then.id]

    async def _theirs(self, wanted: _Wanted) -> tuple[list[Filled], str | None]:
        """And why some may be missing: ours need not wait for IBKR to show the others."""
        try:
            async with asyncio.timeout(_PATIENCE):
                told = await self._mirror.executions()
        except TimeoutError:
            return [], "IBKR has not shown yet what was placed elsewhere."
        except BridgeError as problem:
            return [], problem.detail
        return [Filled(one) for one in told if order_of(one.broker.reference) is None and wanted.fits(one)], None


@dataclass(frozen=True, slots=True)
class _Wanted:
    account: str | None
    symbol: str | None
    since: datetime

    def fits(self, execution: Executed) -> bool:
        return (
            execution.at >= self.since
            and self.account in (None, execution.account)
            and self.symbol in (None, execution.contract.symbol)
        )
