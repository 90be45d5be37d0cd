"""The exchange that the doors open on: one market, moved by its clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from ibkr_sim.clock import Clock
from ibkr_sim.exchange.accounts.currencies import Rates
from ibkr_sim.exchange.accounts.ledger import Ledger
from ibkr_sim.exchange.accounts.locating import Locating
from ibkr_sim.exchange.accounts.office import Office
from ibkr_sim.exchange.accounts.worth import Worth
from ibkr_sim.exchange.backstage import Backstage
from ibkr_sim.exchange.events.agenda import Agenda
from ibkr_sim.exchange.events.corporate import Corporate
from ibkr_sim.exchange.events.liquidation import Liquidation
from ibkr_sim.exchange.events.settlement import Settlement
from ibkr_sim.exchange.listing.contracts import Contracts, Listing, Wanted
from ibkr_sim.exchange.listing.hours import TradingDay
from ibkr_sim.exchange.listing.sessions import Sessions
from ibkr_sim.exchange.memory import Memory, Rooms, recall_books, recall_orders, recall_plans, remember
from ibkr_sim.exchange.model import (
    AccountValue,
    Commission,
    Contract,
    CorporateAction,
    DayEnd,
    Event,
    Execution,
    Order,
    OrderRequest,
    Pnl,
    Position,
    Preview,
    Quote,
    Status,
)
from ibkr_sim.exchange.orders.order import Numbering
from ibkr_sim.exchange.orders.validation import check_cancel
from ibkr_sim.exchange.passage import Passage
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.exchange.prices.floor import Floor
from ibkr_sim.exchange.prices.record import Record
from ibkr_sim.exchange.prices.timeline import Timeline
from ibkr_sim.exchange.publishing import Publisher
from ibkr_sim.exchange.settings import ExchangeSettings
from ibkr_sim.exchange.terms import ComboLeg
from ibkr_sim.exchange.trading.admission import Admission
from ibkr_sim.exchange.trading.book import Book
from ibkr_sim.exchange.trading.combos import Combos
from ibkr_sim.exchange.trading.depth import Depth, depth
from ibkr_sim.exchange.trading.desk import Desk, Surroundings
from ibkr_sim.exchange.trading.quotes import look, told

LONGEST_NAP, SHORTEST_NAP = 0.25, 0.01
"""Seconds of real time between two looks at the clock, which may be moved or sped up meanwhile."""


class Exchange(Market):
    """Time passes in `advance` alone: `run` calls it for ever, and so does every request that changes something.

    A contract that nobody asked about publishes nothing: its first `quote` or order wakes it for good.
    """

    def __init__(self, settings: ExchangeSettings, clock: Clock, memory: Memory | None = None) -> None:
        """Open at `clock.now()`, going on from the `memory` of another one.

        Raises ValueError for a contract that makes no sense, and for one or an account in a currency without a rate.
        """
        self._clock, self._settings = clock, settings
        origin = clock.now()
        self._timeline = Timeline(origin, settings.step, settings.time_zone)
        self._contracts = Contracts(self.now, settings.contracts)
        self._floor = self._opened_floor(memory)
        rates = self._checked_rates()
        self._ledger = Ledger(
            settings.accounts, self._contract_of, lambda conid: self._floor.tape(conid).mark, rates.rate
        )
        self._office = Office(self._ledger, rates)
        self._combos = Combos(self._contracts.get)
        self._sessions = Sessions(self._contract_of, origin, always_open=settings.always_open)
        self._locating = Locating(self._ledger, settings.shortable)
        self._worth = Worth(self.accounts, settings.time_zone, self.net_liquidation)
        self._worth.note(origin)
        self._numbering = numbering = Numbering(settings.seed, origin)
        around = Surroundings(self._floor.tape, self._contract_of, self._sessions, self._locating, self._cushion)
        publisher = self._publisher = Publisher(self._floor.tape, self._book, self._timeline)
        self._desk = Desk(around, self._ledger, rates, numbering, publisher.emit, publisher.show)
        self.backstage = Backstage(
            self._desk, self._ledger, self._contract_of, publisher.emit, self.advance, self._settle
        )
        self._admission = Admission(
            *(self.accounts, self._office, self.contract, self.order, self._quote),
            *(self._desk.count_beside, settings.most_working_orders),
        )
        self._agenda = Agenda()
        self._passage = Passage(
            *(self._timeline, self._floor, self._desk, self._agenda, publisher, self._turn_day, settings.quiet_after)
        )
        self._settlement = Settlement(
            self._desk, self._ledger, self._agenda, self._contract_of, self._floor.tape, self._floor.sleep
        )
        self._corporate = Corporate(
            *(self._desk, self._ledger, self._contracts, self._floor, self._agenda, self._settlement, publisher.tell)
        )
        self._rooms = Rooms(
            *(self._desk, self._ledger, self._contracts, self._combos, self._floor, self._sessions, self._locating),
            *(self._settlement, self._corporate, self._worth, numbering),
        )
        self._identify: Callable[[int], int] | None = None
        """How orders by hand get an order id."""
        if settings.liquidates:
            Liquidation(self._desk, self._office, self._ledger, self._agenda, self._impose).begin(origin)
        if memory is None:
            for action in settings.corporate_actions:
                self._corporate.plan(action, action.at or origin, origin)
        else:
            self._recall(memory)

    def _opened_floor(self, memory: Memory | None) -> Floor:
        """Recordings go by the names that contracts had before their splits."""
        recordings = {self._contracts.named(row.name).conid: row for row in self._settings.replay}
        for conid, ratio in memory.get("splits", ()) if memory else ():
            self._contracts.split(conid, ratio)
        levels = memory["levels"] if memory else {}
        return Floor(self._contracts, self._settings.seed, self._timeline, levels, recordings)

    def _checked_rates(self) -> Rates:
        """Raises ValueError for a contract or an account in a currency without a rate."""
        pairs = [contract for contract in self._contracts if contract.sec_type == "CASH"]
        rates = Rates(pairs, lambda conid: self._floor.tape(conid).middle)
        rates.check(*{contract.currency for contract in self._contracts})
        for account in self._settings.accounts:
            rates.check(account.base, *account.cash)
        return rates

    def remember(self) -> Memory:
        """What another exchange needs to go on from here."""
        self.advance()
        return remember(self._rooms, self.now())

    def _recall(self, memory: Memory) -> None:
        now = self.now()
        recall_books(memory, self._rooms)
        recall_plans(memory, self._rooms, self._settings.corporate_actions)
        for account in self._ledger.clients():
            for conid in account.holdings:
                self._settlement.follow(conid)
        for ticket in list(recall_orders(memory, self._rooms)):
            self._wake(ticket.request)
            self._desk.readmit(ticket, now)
        if self._timeline.date_of(memory["now"]) < self._timeline.date_of(now):
            self._ledger.turn_day()
            self._desk.turn_day(now)
        self._agenda.work(now)
        self._desk.attend(now)

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
        self._passage.to(self._timeline.step_at(self._clock.now()))
        self._publisher.deliver()

    def exercise(self, account: str, conid: int, quantity: Decimal, *, override: bool = False) -> None:
        self.advance()
        self._settlement.exercise(account, conid, quantity, self.now(), override=override)
        self._desk.attend(self.now())
        self._publisher.deliver()

    def lapse(self, account: str, conid: int, quantity: Decimal) -> None:
        self._settlement.lapse(account, conid, quantity)

    def contract(self, conid: int) -> Contract | None:
        return self._contracts.get(conid) or self._combos.get(conid)

    def combination(self, symbol: str, currency: str, legs: Sequence[ComboLeg]) -> Contract:
        return self._combos.name(symbol, currency, legs)

    def announce(self, action: CorporateAction) -> None:
        """Pay a dividend or split shares, at once or when it says. Raises Rejected (200, 201)."""
        self.advance()
        self._corporate.check(action)
        if action.at is not None and action.at > self.now():
            self._corporate.plan(action, action.at, self.now())
            return
        self._corporate.carry_out(action, self.now())
        self._publisher.deliver()

    def assign(self, account: str, conid: int, quantity: Decimal) -> None:
        """Exercise American options against an account that is short of them, early. Raises Rejected (201)."""
        self.advance()
        self._settlement.assign(account, conid, quantity, self.now())
        self._desk.attend(self.now())
        self._publisher.deliver()

    def trading_day(self, contract: Contract, day: date) -> TradingDay | None:
        return self._sessions.trading_day(contract, day)

    def is_halted(self, conid: int) -> bool:
        return conid in self._sessions.halted

    def halt(self, conid: int) -> None:
        """Nobody trades a contract until it is resumed; its quote still moves."""
        self.advance()
        self._sessions.halted.add(conid)

    def resume(self, conid: int) -> None:
        self._sessions.halted.discard(conid)
        self.advance()

    def shortable(self, conid: int) -> Decimal | None:
        return self._locating.available(conid)

    def lend(self, conid: int, shares: Decimal | None) -> None:
        """How many shares can be borrowed from now on; None for any number."""
        self._locating.set(conid, shares)
        self._desk.attend(self.now())
        self._publisher.deliver()

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
        return self.search(Wanted(conid, symbol, sec_type, exchange, primary_exchange, currency, local_symbol))

    def search(self, wanted: Wanted) -> Sequence[Contract]:
        return self._contracts.find(wanted)

    def chains(self, underlying: Contract) -> Sequence[Listing]:
        return self._contracts.listings(underlying)

    def quote(self, conid: int) -> Quote:
        for one in self._traded_in(conid):
            self._floor.wake(one)
        return self._quote(conid)

    def glance(self, conid: int) -> Quote:
        return self._quote(conid)

    def bars(self, conid: int, intervals: Sequence[tuple[datetime, datetime]]) -> Sequence[Bar]:
        self.advance()
        return self._floor.bars(conid, intervals)

    def record(self, conid: int) -> Record:
        self.advance()
        return Record(self._floor.tape(conid), self._floor.past(conid), self._timeline)

    def depth(self, conid: int, most: int) -> Depth:
        return depth(self._floor.tape(conid), self._desk.book(conid), most)

    def day_trades(self, conid: int) -> tuple[int, Decimal]:
        tape = self._floor.tape(conid)
        return tape.trade_count, tape.turnover * tape.tick

    def place(self, request: OrderRequest) -> Order:
        return self._accept(request, None)

    def place_by_hand(self, request: OrderRequest) -> Order:
        return self._accept(replace(request, client_id=0, order_id=0), self._identify)

    def bind_by_hand(self, identify: Callable[[int], int] | None) -> None:
        self._identify = identify

    def bind(self, perm_id: int, order_id: int) -> None:
        self._desk.bind(self._desk.tickets[perm_id], order_id)

    def hold(self, request: OrderRequest) -> Order:
        with self.backstage.aside():
            return self.place(request)

    def release(self, perm_id: int) -> Order | None:
        return self.backstage.release(perm_id)

    def modify(self, perm_id: int, request: OrderRequest) -> Order:
        self.advance()
        self._admission.change(perm_id, request, self.now())
        self._wake(request)
        self._desk.change(self._desk.tickets[perm_id], request, self.now())
        return self._settled(perm_id)

    def cancel(self, perm_id: int, reason: str = "") -> Order:
        self.advance()
        check_cancel(self.order(perm_id), perm_id)
        ticket = self._desk.tickets[perm_id]
        ticket.withdrawn = True
        self._desk.end(ticket, Status.CANCELLED, self.now(), reason)
        return self._settled(perm_id)

    def preview(self, request: OrderRequest) -> Preview:
        self.advance()
        return self._admission.preview(request, self.now())

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
        return self._publisher.subscribe(listener)

    def _accept(self, request: OrderRequest, identify: Callable[[int], int] | None) -> Order:
        self.advance()
        now = self.now()
        self._admission.place(request, now)
        self._wake(request)
        aside = self.backstage.setting_aside
        return self._settled(self._desk.accept(request, now, aside=aside, identify=identify).perm_id)

    def _impose(self, request: OrderRequest) -> None:
        """Take an order of the broker's own, at the step that is being walked."""
        self._wake(request)
        self._desk.accept(request, self._timeline.time_of(self._floor.step), identify=self._identify)

    def _wake(self, request: OrderRequest) -> None:
        """What an order trades or watches takes part in every step."""
        watched = request.conditions.conids if request.conditions else ()
        for conid in self._traded_in(request.conid):
            self._settlement.follow(conid)
        for conid in (*self._traded_in(request.conid), *sorted(watched)):
            self._floor.wake(conid)

    def _traded_in(self, conid: int) -> Sequence[int]:
        """A combination's legs, else the contract itself."""
        combination = self._combos.get(conid)
        return (conid,) if combination is None else [leg.conid for leg in combination.legs]

    def _cushion(self, account: str) -> Decimal:
        """In percent."""
        current = self._office.statement(account)
        return current.excess / current.net_liquidation * 100 if current.net_liquidation > 0 else Decimal(0)

    def _settled(self, perm_id: int) -> Order:
        order = self._desk.tickets[perm_id].order()
        for conid in self._traded_in(order.request.conid):
            self._publisher.show(conid)
        self._publisher.deliver()
        return order

    def _contract_of(self, conid: int) -> Contract:
        """Raises KeyError."""
        contract = self._contracts.get(conid) or self._combos.get(conid)
        if contract is None:
            raise KeyError(conid)
        return contract

    def _settle(self, perm_id: int, change: Callable[[datetime], None]) -> Order:
        """Make a change at the present moment, and publish what it caused."""
        change(self.now())
        return self._settled(perm_id)

    def _turn_day(self, midnight: datetime) -> None:
        self._worth.note(midnight)
        self._ledger.turn_day()
        self._desk.turn_day(midnight)

    def _book(self, conid: int) -> Book:
        return self._desk.book(conid)

    def _quote(self, conid: int) -> Quote:
        combination = self._combos.get(conid)
        if combination is not None:
            return self._desk.combos.quote(combination, self._timeline.time_of(self._floor.step))
        tape = self._floor.tape(conid)
        return told(tape, look(tape, self._book(conid)), self._timeline.time_of(tape.step))
