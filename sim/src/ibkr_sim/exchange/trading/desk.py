"""Carries orders from acceptance to their end: through gates and triggers to the pit, and what follows a fill."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from ibkr_sim.exchange.accounts.currencies import Rates
from ibkr_sim.exchange.accounts.ledger import Ledger
from ibkr_sim.exchange.accounts.locating import Locating
from ibkr_sim.exchange.listing.sessions import Sessions
from ibkr_sim.exchange.model import (
    COMBO,
    Commission,
    Contract,
    Event,
    Execution,
    OrderChanged,
    OrderRequest,
    Side,
    Status,
)
from ibkr_sim.exchange.orders.families.conditional import witnesses
from ibkr_sim.exchange.orders.families.reducing import OcaType, left_over
from ibkr_sim.exchange.orders.links import Links, linked
from ibkr_sim.exchange.orders.order import Gate, Numbering, Ticket
from ibkr_sim.exchange.prices.tape import Tape
from ibkr_sim.exchange.terms import ComboLeg, MarginCondition
from ibkr_sim.exchange.trading.alarms import Alarms
from ibkr_sim.exchange.trading.armed import aim, aim_all, met
from ibkr_sim.exchange.trading.book import Book, accepts
from ibkr_sim.exchange.trading.clerk import ADDED, REMOVED, Clerk
from ibkr_sim.exchange.trading.combos import ComboPit
from ibkr_sim.exchange.trading.gates import POLLED, Gates, Sight
from ibkr_sim.exchange.trading.pit import Pit

_LASTING = ("GTC", "GTD")
"""Times in force that outlive the day."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the desk reads: prices, contracts (combinations too), hours, shares to borrow, an account's cushion."""

    tape: Callable[[int], Tape]
    contract: Callable[[int], Contract]
    sessions: Sessions
    locating: Locating
    cushion: Callable[[str], Decimal]


class Desk:
    """Holds every order of the day. `publish` hears what happens, `traded` the size of every client's trade."""

    def __init__(
        self,
        around: Surroundings,
        ledger: Ledger,
        rates: Rates,
        numbering: Numbering,
        publish: Callable[[Event], None],
        traded: Callable[[int, Decimal], None],
    ) -> None:
        self._tape, self._contract, self._sessions = around.tape, around.contract, around.sessions
        self._numbering, self._publish = numbering, publish
        self.tickets: dict[int, Ticket] = {}
        self.working: dict[int, Ticket] = {}
        self.ended: list[Ticket] = []
        self.aside: set[int] = set()
        """Orders that are live but kept from trading until `release`."""
        sight = Sight(around.tape, around.cushion)
        self._gates = Gates(self.tickets, around.contract, around.sessions, around.locating, sight)
        self._clerk = Clerk(ledger, rates, numbering, publish, self._retire)
        self._pit = Pit(around.tape, ledger, around.sessions, numbering, self._clerk, traded, self._followed)
        self._combos = ComboPit(around.tape, around.sessions, self._clerk, self._followed)
        self._links = Links()
        self._watching: dict[int, Ticket] = {}
        """Orders whose gate, or end, is decided by what the market does."""
        self._alarms = Alarms()
        self._fills: deque[tuple[Ticket, Decimal, Decimal]] = deque()
        """Who has filled, what remained before and how much it was: what follows from it is still to be done."""
        self.stirrings = 0
        """Counts up whenever an order comes to a book or leaves one."""

    @property
    def executions(self) -> list[tuple[Execution, Commission]]:
        return self._clerk.executions

    @property
    def combos(self) -> ComboPit:
        return self._combos

    @property
    def next_alarm(self) -> datetime | None:
        """When something is due although no price moves."""
        return self._alarms.next

    @property
    def is_vigilant(self) -> bool:
        """Whether every step counts, because an order waits for what all prices together make of an account."""
        orders = (ticket.request.conditions or () for ticket in self._watching.values())
        return any(isinstance(condition, MarginCondition) for conditions in orders for condition in conditions)

    def book(self, conid: int) -> Book:
        return self._pit.book(conid)

    def followed(self) -> set[int]:
        """Contracts of which every single step counts: conditions are looked at in each."""
        conditions = (ticket.request.conditions for ticket in self._watching.values())
        return {conid for one in conditions if one is not None for conid in one.conids}

    def count_beside(self, request: OrderRequest) -> int:
        """Orders in the same contract, on the same side, of the same account; those that wait for a parent not."""
        key = (request.account, request.conid, request.side)
        orders = (row.request for row in self.working.values() if row.gate is not Gate.PARENT)
        return sum((one.account, one.conid, one.side) == key for one in orders)

    def combos_calm_until(self, start: int, end: int) -> tuple[int, set[int]]:
        """The last step up to `end` before one in which a combination may fill, and the legs of those that may now."""
        legs: set[int] = set()
        for ticket in self._combos.resting.values():
            contract = self._contract(ticket.request.conid)
            reach = self._combos.calm_until(ticket, contract, start, end)
            if reach == start:
                legs.update(leg.conid for leg in contract.legs)
            else:
                end = min(end, reach)
        return end, legs

    def calm(self, conid: int) -> tuple[Decimal, Decimal] | None:
        """Between these no order in a contract trades, moves or wakes; None where one may at any price."""
        low, high = self.book(conid).calm
        return None if low > high or conid in self._sessions.halted else (low, high)

    def accept(
        self,
        request: OrderRequest,
        now: datetime,
        *,
        aside: bool = False,
        identify: Callable[[int], int] | None = None,
    ) -> Ticket:
        """`identify` finds the order id for a permanent id."""
        perm_id = self._numbering.perm_id()
        if identify is not None:
            request = replace(request, order_id=identify(perm_id))
        ticket = Ticket(perm_id, linked(request), now)
        if aside:
            self.aside.add(perm_id)
        ticket.sequence = self._numbering.sequence()
        self.tickets[perm_id] = self.working[perm_id] = ticket
        self._links.add(ticket)
        self._gates.look(ticket, now)
        if ticket.gate is None and not ticket.triggered:
            aim(ticket, self._tape(request.conid))
        self._publish(OrderChanged(ticket.order()))
        if self._is_orphan(ticket):
            self.end(ticket, Status.CANCELLED, now)
            return ticket
        self._expire(ticket)
        self._enter(ticket, now)
        self.attend(now)
        return ticket

    def _is_orphan(self, ticket: Ticket) -> bool:
        """Whether its parent ended unfilled before it came: an IOC, say, sent as a bracket."""
        parent = self.tickets.get(ticket.request.parent)
        return ticket.gate is Gate.PARENT and parent is not None and parent.status.done

    def change(self, ticket: Ticket, request: OrderRequest, now: datetime) -> None:
        """Less quantity keeps the order's place in the queue; another price or more quantity loses it."""
        before, request = ticket.request, linked(request)
        self._withdraw(ticket)
        self._links.remove(ticket)
        ticket.amend(request, now)
        self._links.add(ticket)
        if _terms(before) != _terms(request) or request.quantity > before.quantity:
            ticket.sequence = self._numbering.sequence()
        self._gates.look(ticket, now)
        self._publish(OrderChanged(ticket.order()))
        self._expire(ticket)
        self._enter(ticket, now)
        self.attend(now)

    def assign(self, contract: Contract, account: str, quantity: Decimal, price: Decimal, now: datetime) -> None:
        """Let the broker trade a signed quantity for an account: what an expiry or an exercise brings about."""
        side = Side.BUY if quantity > 0 else Side.SELL
        request = OrderRequest(account, contract.conid, side, abs(quantity), "MKT", exchange=contract.primary_exchange)
        ticket = Ticket(self._numbering.perm_id(), request, now)
        self.tickets[ticket.perm_id] = self.working[ticket.perm_id] = ticket
        self._clerk.book(ticket, contract, price, now)

    def end_all(self, concerned: Callable[[Contract], bool], now: datetime, reason: str) -> None:
        """End every order in such contracts, and in combinations of them."""
        for ticket in tuple(self.working.values()):
            legs = self._legs(ticket)
            conids = [leg.conid for leg in legs] if legs else [ticket.request.conid]
            if not ticket.status.done and any(concerned(self._contract(conid)) for conid in conids):
                self.end(ticket, Status.CANCELLED, now, reason)

    def bind(self, ticket: Ticket, order_id: int) -> None:
        """Give an order that has none an order id."""
        ticket.request = replace(ticket.request, order_id=order_id)

    def readmit(self, ticket: Ticket, now: datetime) -> None:
        """Take back an order that was working before the exchange was closed."""
        self.working[ticket.perm_id] = ticket
        self._links.add(ticket)
        self._expire(ticket)
        self._enter(ticket, now)

    def release(self, ticket: Ticket, now: datetime) -> None:
        """Let an order trade that was set aside."""
        self.aside.discard(ticket.perm_id)
        self._enter(ticket, now)
        self.attend(now)

    def fill(self, ticket: Ticket, now: datetime) -> None:
        """Fill a working order whatever the market does: at its limit, else at the street's price."""
        self._withdraw(ticket)
        contract = self._contract(ticket.request.conid)
        if contract.sec_type == COMBO:
            self._combos.match(ticket, contract, now, whatever=True)
        else:
            price = ticket.limit or self._tape(contract.conid).shown(ticket.side)[0]
            self._pit.trade_with_street(ticket, ticket.remaining, price, now, ADDED)
        self.attend(now)

    def end(self, ticket: Ticket, status: Status, now: datetime, reason: str = "") -> None:
        """Take a working order off the book, and its children with it."""
        children = self._links.children(ticket)
        ticket.move(status, now, reason)
        self._retire(ticket)
        self._publish(OrderChanged(ticket.order()))
        for child in children:
            if not child.status.done:
                child.withdrawn = ticket.withdrawn
                self.end(child, Status.CANCELLED, now)

    def turn_day(self, now: datetime) -> None:
        """Forget yesterday's orders and executions; what was good for the day ends with it."""
        for ticket in self.ended:
            del self.tickets[ticket.perm_id]
        self.ended = []
        self.executions.clear()
        for ticket in list(self.working.values()):
            if ticket.request.tif not in _LASTING and not ticket.status.done:
                self.end(ticket, Status.CANCELLED, now)

    def step(self, conid: int, now: datetime) -> tuple[bool, Decimal | None]:
        """Let the street quote and trade once; True if the quote changed, and the size that it traded, if any."""
        changed, traded, stirred = self._pit.step(conid, now)
        if stirred:
            self._wake_armed(conid, now)
        return changed, traded

    def attend(self, now: datetime) -> None:
        """Do what is due: what follows from fills, from the hour, from what conditions and combinations wait for."""
        self._follow_fills(now)
        for perm_id in self._alarms.due(now):
            ticket = self.working.get(perm_id)
            if ticket is not None:
                self._ring(ticket, now)
        for ticket in tuple(self._watching.values()):
            self._watch(ticket, now)
        for ticket in tuple(self._combos.resting.values()):
            if not ticket.status.done:
                self._combos.match(ticket, self._contract(ticket.request.conid), now)
        self._follow_fills(now)

    def _enter(self, ticket: Ticket, now: datetime) -> None:
        """Let an order go as far towards the market as it can."""
        if ticket.perm_id in self.aside or ticket.status.done:
            return
        self.stirrings += 1
        held = ticket.gate
        self._gates.look(ticket, now)
        if self._stays(ticket, now):
            return
        if held is not None and not ticket.triggered:
            self._publish(OrderChanged(ticket.order()))
        if ticket.triggered:
            self._work(ticket, now)
        else:
            self.book(ticket.request.conid).add(ticket)
        self._wake_armed(ticket.request.conid, now)

    def _stays(self, ticket: Ticket, now: datetime) -> bool:
        """Whether a gate keeps it; if so, or if conditions may end it, it is watched."""
        conditions = ticket.request.conditions
        if ticket.gate in POLLED or (conditions is not None and conditions.cancels):
            self._watching[ticket.perm_id] = ticket
        else:
            self._watching.pop(ticket.perm_id, None)
        hours = [self._gates.opens_at(ticket, now), *(conditions.times if conditions else ())]
        for hour in hours:
            if hour is not None and hour > now:
                self._alarms.set(hour, ticket.perm_id)
        return ticket.gate is not None

    def _expire(self, ticket: Ticket) -> None:
        if ticket.request.good_till is not None:
            self._alarms.set(ticket.request.good_till, ticket.perm_id)

    def _ring(self, ticket: Ticket, now: datetime) -> None:
        """The hour of an order has come: to end, or to pass a gate."""
        good_till = ticket.request.good_till
        if good_till is not None and good_till <= now:
            self.end(ticket, Status.CANCELLED, now)
        elif ticket.gate is not None:
            self._enter(ticket, now)

    def _watch(self, ticket: Ticket, now: datetime) -> None:
        conditions = ticket.request.conditions
        if ticket.status.done:
            return
        if conditions is not None and conditions.cancels and self._gates.are_conditions_met(ticket, now):
            self.end(ticket, Status.CANCELLED, now)
        elif ticket.gate in POLLED:
            self._enter(ticket, now)

    def _work(self, ticket: Ticket, now: datetime) -> None:
        self.stirrings += 1
        self._meet(ticket, now)
        if ticket.status.done:
            return
        if ticket.request.tif in ("IOC", "FOK"):
            self._give_up(ticket, now)
            return
        if ticket.status is not Status.SUBMITTED:
            ticket.move(Status.SUBMITTED, now)
            self._publish(OrderChanged(ticket.order()))
        if self._legs(ticket):
            self._combos.resting[ticket.perm_id] = ticket
        else:
            self.book(ticket.request.conid).add(ticket)

    def _give_up(self, ticket: Ticket, now: datetime) -> None:
        """Seen of live servers: an unfilled IOC is about to be cancelled, then is; an unfilled FOK becomes inactive."""
        if ticket.request.tif == "FOK":
            self.end(ticket, Status.INACTIVE, now)
            return
        ticket.move(Status.PENDING_CANCEL, now)
        self._publish(OrderChanged(ticket.order()))
        self.end(ticket, Status.CANCELLED, now)

    def _meet(self, ticket: Ticket, now: datetime) -> None:
        contract = self._contract(ticket.request.conid)
        if contract.sec_type == COMBO:
            self._combos.match(ticket, contract, now)
        elif ticket.auction is not None:
            self._cross_at_auction(ticket, now)
        else:
            if ticket.kind.peg is not None:
                self._pit.peg(ticket)
            self._pit.match(ticket, now)

    def _cross_at_auction(self, ticket: Ticket, now: datetime) -> None:
        """All of it at the auction's price, or nothing: the last trade stands for that price."""
        price = self._tape(ticket.request.conid).mark
        if accepts(ticket, price):
            self._pit.trade_with_street(ticket, ticket.remaining, price, now, REMOVED)
        else:
            self.end(ticket, Status.CANCELLED, now)

    def _wake_armed(self, conid: int, now: datetime) -> None:
        """Let those work whose trigger has come; working, they may wake others."""
        if self._contract(conid).sec_type == COMBO:
            return
        tape, book = self._tape(conid), self.book(conid)
        if not book.is_armed:
            return
        self._aim(book, tape)
        while awake := [ticket for ticket in met(book, tape) if self._may_wake(ticket, now)]:
            for ticket in awake:
                if ticket.status.done:
                    continue  # another one of its group has just filled
                book.remove(ticket)
                ticket.triggered, ticket.sequence = True, self._numbering.sequence()
                self._work(ticket, now)
            self._aim(book, tape)

    def _aim(self, book: Book, tape: Tape) -> None:
        for ticket in aim_all(book, tape):
            self._publish(OrderChanged(ticket.order()))

    def _may_wake(self, ticket: Ticket, now: datetime) -> bool:
        request = ticket.request
        return self._sessions.may_trade(request.conid, now, outside_rth=request.outside_rth)

    def _followed(self, ticket: Ticket, before: Decimal, now: datetime) -> None:
        """With block, a group is cut before anything else trades; the rest waits until the trading is done."""
        self._fills.append((ticket, before, before - ticket.remaining))
        if ticket.request.oca_group and OcaType(ticket.request.oca_type).at_once:
            self._cut_group(ticket, before, before - ticket.remaining, now)

    def _follow_fills(self, now: datetime) -> None:
        while self._fills:
            ticket, before, filled = self._fills.popleft()
            request = ticket.request
            if request.oca_group and not OcaType(request.oca_type).at_once:
                self._cut_group(ticket, before, filled, now)
            self._witness(ticket)
            if ticket.status is Status.FILLED:
                for child in self._links.children(ticket):
                    if child.gate is Gate.PARENT:
                        self._enter(child, now)

    def _cut_group(self, ticket: Ticket, before: Decimal, filled: Decimal, now: datetime) -> None:
        for other in self._links.others(ticket):
            if other.status.done:
                continue  # a child of one that has just been cancelled
            increment = self._contract(other.request.conid).size_increment
            left = left_over(other.request.oca_type, other.remaining, before, filled, increment)
            if not left:
                self.end(other, Status.CANCELLED, now)
            elif left != other.remaining:
                other.request = replace(other.request, quantity=other.filled + left)
                self._publish(OrderChanged(other.order()))

    def _witness(self, ticket: Ticket) -> None:
        contract = self._contract(ticket.request.conid)
        for waiting in self._watching.values():
            for condition in waiting.request.conditions or ():
                if waiting is not ticket and witnesses(condition, contract, ticket.request.exchange):
                    waiting.witnessed |= {condition}

    def _legs(self, ticket: Ticket) -> tuple[ComboLeg, ...]:
        return self._contract(ticket.request.conid).legs

    def _withdraw(self, ticket: Ticket) -> None:
        """Take it from wherever it stands."""
        self.stirrings += 1
        self.book(ticket.request.conid).remove(ticket)
        self._combos.resting.pop(ticket.perm_id, None)
        self._watching.pop(ticket.perm_id, None)

    def _retire(self, ticket: Ticket) -> None:
        self._withdraw(ticket)
        self._links.remove(ticket)
        del self.working[ticket.perm_id]
        self.aside.discard(ticket.perm_id)
        self.ended.append(ticket)


def _terms(request: OrderRequest) -> tuple[str, Decimal | None, Decimal | None]:
    return request.order_type, request.limit_price, request.stop_price
