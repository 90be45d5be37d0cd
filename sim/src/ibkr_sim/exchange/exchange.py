"""The exchange that the doors open on: one market, moved by its clock."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from ibkr_sim.clock import Clock
from ibkr_sim.exchange.backstage import Backstage
from ibkr_sim.exchange.bars import Bar
from ibkr_sim.exchange.contracts import Contracts
from ibkr_sim.exchange.currencies import Rates
from ibkr_sim.exchange.desk import Desk
from ibkr_sim.exchange.floor import Floor
from ibkr_sim.exchange.ledger import Ledger
from ibkr_sim.exchange.model import (
    AccountValue,
    Commission,
    Contract,
    DayEnd,
    Event,
    Execution,
    Order,
    OrderRequest,
    Pnl,
    Position,
    Preview,
    Quote,
    QuoteChanged,
    Status,
)
from ibkr_sim.exchange.office import Office
from ibkr_sim.exchange.orders import Numbering
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.quotes import quote
from ibkr_sim.exchange.settings import ExchangeSettings
from ibkr_sim.exchange.timeline import Timeline
from ibkr_sim.exchange.validation import check_cancel, check_change, check_order
from ibkr_sim.exchange.worth import Worth

LONGEST_NAP, SHORTEST_NAP = 0.25, 0.01
"""Seconds of real time between two looks at the clock, which may be moved or sped up meanwhile."""


class Exchange(Market):
    """Time passes in `advance` alone: `run` calls it for ever, and so does every request that changes something.

    A contract that nobody asked about publishes nothing: its first `quote` or order wakes it for good.
    """

    def __init__(self, settings: ExchangeSettings, clock: Clock) -> None:
        """Open at `clock.now()`. Raises ValueError for an account in a currency without a rate."""
        self._clock, self._settings = clock, settings
        origin = clock.now()
        self._timeline = Timeline(origin, settings.step, settings.time_zone)
        self._next_day = self._timeline.next_day(0)
        self._contracts = Contracts()
        self._floor = Floor(self._contracts, settings.seed, self._timeline)
        pairs = [contract for contract in self._contracts if contract.sec_type == "CASH"]
        rates = Rates(pairs, lambda conid: self._floor.tape(conid).middle)
        self._ledger = Ledger(
            settings.accounts,
            contract=lambda conid: self._floor.tape(conid).contract,
            mark=lambda conid: self._floor.tape(conid).mark,
            rate=rates.rate,
        )
        for account in settings.accounts:
            rates.check(account.base, *account.cash)
        self._office = Office(self._ledger, rates)
        self._worth = Worth(self.accounts, settings.time_zone, self.net_liquidation)
        self._worth.note(origin)
        numbering = Numbering(settings.seed, origin)
        self._desk = Desk(self._floor.tape, self._ledger, rates, numbering, self._emit, self._show_trade)
        self.backstage = Backstage(self._desk, self._ledger, self._contract_of, self._emit, self.advance, self._settle)
        self._shown: dict[int, Quote] = {}
        self._listeners: list[Callable[[Event], None]] = []
        self._events: deque[Event] = deque()
        self._delivering = False

    @property
    def accounts(self) -> Sequence[str]:
        return tuple(account.id for account in self._settings.accounts)

    @property
    def ledger(self) -> Ledger:
        """The books behind the accounts, the street's and the broker's among them."""
        return self._ledger

    def now(self) -> datetime:
        return self._clock.now()

    async def run(self) -> None:
        """Keep up with the clock until cancelled."""
        while True:
            self.advance()
            pace = self._settings.step.total_seconds() / self._clock.speed if self._clock.speed else LONGEST_NAP
            await asyncio.sleep(min(max(pace, SHORTEST_NAP), LONGEST_NAP))

    def advance(self) -> None:
        """Bring prices, orders and days up to the clock, step by step; then deliver what happened."""
        target = self._timeline.step_at(self._clock.now())
        quiet = target - self._floor.step > self._settings.quiet_after
        while self._floor.step < target:
            if self._floor.step + 1 == self._next_day:
                self._turn_day()
            self._walk(min(target, self._next_day - 1), quiet=quiet)
        if quiet:
            for conid in self._floor.awake():
                self._show(conid)
        self._deliver()

    def contract(self, conid: int) -> Contract | None:
        return self._contracts.get(conid)

    def find_contracts(
        self,
        *,
        conid: int = 0,
        symbol: str = "",
        sec_type: str = "",
        exchange: str = "",
        primary_exchange: str = "",
        currency: str = "",
        local_symbol: str = "",
    ) -> Sequence[Contract]:
        return self._contracts.find(
            conid=conid,
            symbol=symbol,
            sec_type=sec_type,
            exchange=exchange,
            primary_exchange=primary_exchange,
            currency=currency,
            local_symbol=local_symbol,
        )

    def quote(self, conid: int) -> Quote:
        self._floor.wake(conid)
        return self._quote(conid)

    def glance(self, conid: int) -> Quote:
        return self._quote(conid)

    def bars(self, conid: int, intervals: Sequence[tuple[datetime, datetime]]) -> Sequence[Bar]:
        self.advance()
        return self._floor.bars(conid, intervals)

    def place(self, request: OrderRequest) -> Order:
        self.advance()
        contract = self._check(request)
        self._office.admit(request, contract, self._quote(request.conid))
        self._floor.wake(request.conid)
        return self._settled(self._desk.accept(request, self.now(), aside=self.backstage.setting_aside).perm_id)

    def hold(self, request: OrderRequest) -> Order:
        with self.backstage.aside():
            return self.place(request)

    def release(self, perm_id: int) -> Order | None:
        return self.backstage.release(perm_id)

    def modify(self, perm_id: int, request: OrderRequest) -> Order:
        self.advance()
        check_change(self.order(perm_id), request)
        contract = self._check(request)
        ticket = self._desk.tickets[perm_id]
        before = replace(ticket.request, quantity=ticket.remaining)
        after = replace(request, quantity=request.quantity - ticket.filled)
        self._office.admit(after, contract, self._quote(request.conid), before)
        self._desk.change(ticket, request, self.now())
        return self._settled(perm_id)

    def cancel(self, perm_id: int, reason: str = "") -> Order:
        self.advance()
        check_cancel(self.order(perm_id), perm_id)
        self._desk.end(self._desk.tickets[perm_id], Status.CANCELLED, self.now(), reason)
        return self._settled(perm_id)

    def preview(self, request: OrderRequest) -> Preview:
        self.advance()
        contract = self._check(request)
        return self._office.preview(request, contract, self._quote(request.conid))

    def order(self, perm_id: int) -> Order | None:
        ticket = self._desk.tickets.get(perm_id)
        return ticket.order() if ticket else None

    def open_orders(self) -> Sequence[Order]:
        return [ticket.order() for ticket in self._desk.working.values()]

    def completed_orders(self) -> Sequence[Order]:
        return [ticket.order() for ticket in self._desk.ended]

    def executions(self) -> Sequence[tuple[Execution, Commission]]:
        return tuple(self._desk.executions)

    def positions(self, account: str) -> Sequence[Position]:
        return self._ledger.positions(account)

    def position(self, account: str, conid: int) -> Position | None:
        return self._ledger.position(account, conid)

    def account_values(self, account: str) -> Sequence[AccountValue]:
        return self._office.account_values(account)

    def pnl(self, account: str) -> Pnl:
        return self._ledger.pnl(account)

    def net_liquidation(self, account: str) -> Decimal:
        return self._office.statement(account).net_liquidation

    def day_ends(self, account: str) -> Sequence[DayEnd]:
        return self._worth.of(account)

    def charge(self, account: str, amount: Decimal, currency: str) -> None:
        self._ledger.charge(account, amount, currency)

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def _check(self, request: OrderRequest) -> Contract:
        return check_order(request, self._contracts.get(request.conid), account_known=request.account in self._ledger)

    def _settled(self, perm_id: int) -> Order:
        order = self._desk.tickets[perm_id].order()
        self._show(order.request.conid)
        self._deliver()
        return order

    def _contract_of(self, conid: int) -> Contract:
        return self._floor.tape(conid).contract

    def _settle(self, perm_id: int, change: Callable[[datetime], None]) -> Order:
        """Make a change at the present moment, and publish what it caused."""
        change(self.now())
        return self._settled(perm_id)

    def _walk(self, end: int, *, quiet: bool) -> None:
        """Process the steps up to `end`, all on one day. Where there are no orders, a quiet walk is left to `Tape`."""
        while self._floor.step < end:
            conids = [conid for conid in self._floor.awake() if not quiet or self._desk.book(conid)]
            if not conids:
                self._floor.step = end
                return
            now = self._timeline.time_of(self._floor.step + 1)
            for conid in conids:
                changed, traded = self._desk.step(conid, now)
                if not quiet and (changed or traded):
                    self._show(conid, traded)
            self._floor.step += 1

    def _turn_day(self) -> None:
        self._worth.note(self._timeline.time_of(self._next_day))
        self._ledger.turn_day()
        self._desk.turn_day(self._timeline.time_of(self._next_day))
        self._next_day = self._timeline.next_day(self._next_day)

    def _quote(self, conid: int) -> Quote:
        tape = self._floor.tape(conid)
        return quote(tape, self._desk.book(conid), self._timeline.time_of(tape.step))

    def _show_trade(self, conid: int, traded: Decimal) -> None:
        self._show(conid, traded)

    def _show(self, conid: int, traded: Decimal | None = None) -> None:
        current, before = self._quote(conid), self._shown.get(conid)
        if traded is None and before is not None and replace(before, time=current.time) == current:
            return
        self._shown[conid] = current
        self._emit(QuoteChanged(current, traded))

    def _emit(self, event: Event) -> None:
        if self._listeners:
            self._events.append(event)

    def _deliver(self) -> None:
        """Listeners hear of a change when it is complete; what they cause is heard after it, in order."""
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._events:
                event = self._events.popleft()
                for listener in tuple(self._listeners):
                    listener(event)
        finally:
            self._delivering = False
