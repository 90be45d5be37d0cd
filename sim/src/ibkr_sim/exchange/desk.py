"""Carries orders from acceptance to their end: matching, fills, stops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from ibkr_sim.exchange.book import Book, accepts, is_worse
from ibkr_sim.exchange.commissions import commission
from ibkr_sim.exchange.currencies import Rates
from ibkr_sim.exchange.ledger import STREET, Ledger
from ibkr_sim.exchange.model import (
    Commission,
    CommissionCharged,
    Event,
    Executed,
    Execution,
    OrderChanged,
    OrderRequest,
    PositionChanged,
    Side,
    Status,
)
from ibkr_sim.exchange.orders import Numbering, Ticket
from ibkr_sim.exchange.prices import Tape

LEVELS = 10
"""How many of the street's price levels a limit order takes at once; a market order takes the one that is shown."""
ADDED, REMOVED = 1, 2


class Desk:
    """Holds every order of the day.

    `tape` finds a contract's prices, `publish` hears what happens, `traded` the size of every client's trade.
    """

    def __init__(
        self,
        tape: Callable[[int], Tape],
        ledger: Ledger,
        rates: Rates,
        numbering: Numbering,
        publish: Callable[[Event], None],
        traded: Callable[[int, Decimal], None],
    ) -> None:
        self._tape, self._ledger, self._rates = tape, ledger, rates
        self._numbering, self._publish, self._traded = numbering, publish, traded
        self._books: dict[int, Book] = {}
        self.tickets: dict[int, Ticket] = {}
        self.working: dict[int, Ticket] = {}
        self.ended: list[Ticket] = []
        self.executions: list[tuple[Execution, Commission]] = []
        self.aside: set[int] = set()
        """Orders that are live but kept from trading until `release`."""

    def book(self, conid: int) -> Book:
        return self._books.setdefault(conid, Book())

    def accept(self, request: OrderRequest, now: datetime, *, aside: bool = False) -> Ticket:
        ticket = Ticket(self._numbering.perm_id(), request, now)
        if aside:
            self.aside.add(ticket.perm_id)
        ticket.sequence = self._numbering.sequence()
        self.tickets[ticket.perm_id] = self.working[ticket.perm_id] = ticket
        self._publish(OrderChanged(ticket.order()))
        self._enter(ticket, now)
        return ticket

    def change(self, ticket: Ticket, request: OrderRequest, now: datetime) -> None:
        """Less quantity keeps the order's place in the queue; another price or more quantity loses it."""
        before = ticket.request
        self.book(before.conid).remove(ticket)
        ticket.request, ticket.updated_at = request, now
        if (before.order_type, before.stop_price) != (request.order_type, request.stop_price):
            ticket.triggered = not request.order_type.startswith("STP")
            ticket.status = Status.SUBMITTED if ticket.triggered else Status.PRE_SUBMITTED
        if _terms(before) != _terms(request) or request.quantity > before.quantity:
            ticket.sequence = self._numbering.sequence()
        self._publish(OrderChanged(ticket.order()))
        self._enter(ticket, now)

    def release(self, ticket: Ticket, now: datetime) -> None:
        """Let an order trade that was set aside."""
        self.aside.discard(ticket.perm_id)
        self._enter(ticket, now)

    def fill(self, ticket: Ticket, now: datetime) -> None:
        """Fill a working order whatever the market does: at its limit, else at the street's price."""
        self.book(ticket.request.conid).remove(ticket)
        price = ticket.limit or self._tape(ticket.request.conid).shown(ticket.side)[0]
        self._trade_with_street(ticket, ticket.remaining, price, now, ADDED)

    def end(self, ticket: Ticket, status: Status, now: datetime, reason: str = "") -> None:
        """Take a working order off the book."""
        ticket.move(status, now, reason)
        self._retire(ticket)
        self._publish(OrderChanged(ticket.order()))

    def turn_day(self, now: datetime) -> None:
        """Forget yesterday's orders and executions; what was good for the day ends with it."""
        for ticket in self.ended:
            del self.tickets[ticket.perm_id]
        self.ended, self.executions = [], []
        for ticket in list(self.working.values()):
            if ticket.request.tif == "DAY":
                self.end(ticket, Status.CANCELLED, now)

    def step(self, conid: int, now: datetime) -> tuple[bool, Decimal | None]:
        """Let the street quote and trade once; True if the quote changed, and the size that it traded, if any."""
        tape, book = self._tape(conid), self.book(conid)
        changed = tape.next()
        stirred = bool(book) and not book.is_calm(tape.bid_price, tape.ask_price)
        if stirred:
            for side in Side:
                self._serve_queue(book.side(side), now)
            self._serve_street(conid, tape, now)
        traded = Decimal(abs(tape.pending)) if tape.pending else None
        tape.print_pending()
        if stirred:
            self._release_stops(conid, now)
        return changed, traded

    def _serve_queue(self, tickets: Sequence[Ticket], now: datetime) -> None:
        """Best first; who cannot be served in full keeps all behind it waiting."""
        for ticket in tickets:
            if not ticket.status.done:
                self._match(ticket, now, REMOVED if ticket.limit is None else ADDED)
            if not ticket.status.done:
                return

    def _enter(self, ticket: Ticket, now: datetime) -> None:
        if ticket.perm_id in self.aside:
            return
        if ticket.triggered:
            self._work(ticket, now)
        else:
            self.book(ticket.request.conid).add(ticket)
        self._release_stops(ticket.request.conid, now)

    def _work(self, ticket: Ticket, now: datetime) -> None:
        self._match(ticket, now, REMOVED)
        if ticket.status.done:
            return
        if ticket.request.tif == "IOC":
            self.end(ticket, Status.CANCELLED, now)
            return
        if ticket.status is not Status.SUBMITTED:
            ticket.move(Status.SUBMITTED, now)
            self._publish(OrderChanged(ticket.order()))
        self.book(ticket.request.conid).add(ticket)

    def _release_stops(self, conid: int, now: datetime) -> None:
        """Stops listen to the last trade; those on currencies, which have none, to the quote."""
        tape, book = self._tape(conid), self.book(conid)
        while met := book.triggered(*_triggers(tape)):
            for ticket in met:
                book.remove(ticket)
                ticket.triggered, ticket.sequence = True, self._numbering.sequence()
                self._work(ticket, now)

    def _match(self, ticket: Ticket, now: datetime, liquidity: int) -> None:
        """Take what is on offer, the best price first; at equal prices clients' orders go before the street."""
        side, tape, book = ticket.side, self._tape(ticket.request.conid), self.book(ticket.request.conid)
        levels = LEVELS if ticket.limit is not None else 1
        while ticket.remaining:
            street, size = tape.shown(side)
            rival = book.best(_opposite(side))
            price = street if rival is None else _resting_price(rival, tape)
            if rival is not None and not is_worse(side, price, street) and accepts(ticket, price):
                self._cross(ticket, rival, price, now)
            elif levels and accepts(ticket, street) and not book.is_behind(ticket, street):
                levels -= 1
                quantity = min(ticket.remaining, Decimal(size))
                tape.take(side, int(quantity))
                self._trade_with_street(ticket, quantity, street, now, liquidity)
            else:
                return

    def _serve_street(self, conid: int, tape: Tape, now: datetime) -> None:
        """The street's own trade meets clients' better or equal offers first."""
        buying = tape.pending > 0
        side, price = (Side.SELL, tape.ask_price) if buying else (Side.BUY, tape.bid_price)
        left = Decimal(abs(tape.pending))
        for ticket in self.book(conid).side(side):
            if not left or not accepts(ticket, price):
                break
            quantity = min(ticket.remaining, left)
            if ticket.limit is None:
                self._trade_with_street(ticket, quantity, price, now, REMOVED)
            else:
                self._trade_with_street(ticket, quantity, ticket.limit, now, ADDED)
            left -= quantity
        tape.pending = int(left) if buying else -int(left)

    def _cross(self, ticket: Ticket, rival: Ticket, price: Decimal, now: datetime) -> None:
        quantity = min(ticket.remaining, rival.remaining)
        self._tape(ticket.request.conid).record(price, int(quantity))
        self._fill(ticket, quantity, price, now, REMOVED)
        self._fill(rival, quantity, price, now, ADDED)
        self._traded(ticket.request.conid, quantity)

    def _trade_with_street(
        self, ticket: Ticket, quantity: Decimal, price: Decimal, now: datetime, liquidity: int
    ) -> None:
        tape = self._tape(ticket.request.conid)
        tape.record(price, int(quantity))
        self._ledger.trade(STREET, tape.contract, -_signed(ticket.side, quantity), price, Decimal(0))
        self._fill(ticket, quantity, price, now, liquidity)
        self._traded(ticket.request.conid, quantity)

    def _fill(self, ticket: Ticket, quantity: Decimal, price: Decimal, now: datetime, liquidity: int) -> None:
        request, contract = ticket.request, self._tape(ticket.request.conid).contract
        charged = ticket.commission or Decimal(0)
        ticket.fill(quantity, price, now)
        if ticket.status.done:
            self._retire(ticket)
        execution = self._execution(ticket, quantity, price, now, liquidity)
        self._publish(Executed(execution, ticket.order()))
        self._publish(OrderChanged(ticket.order()))

        total, currency = commission(contract, ticket.filled, ticket.paid, self._rates.rate)
        fee = max(total - charged, Decimal(0))
        ticket.commission = charged + fee
        profit = self._ledger.trade(request.account, contract, _signed(ticket.side, quantity), price, fee)
        self._ledger.charge(request.account, fee, currency)
        charge = Commission(execution.exec_id, fee, currency, profit)
        self.executions.append((execution, charge))
        self._publish(CommissionCharged(charge, execution, ticket.order()))
        position = self._ledger.position(request.account, request.conid)
        if position is not None:
            self._publish(PositionChanged(position))

    def _execution(self, ticket: Ticket, quantity: Decimal, price: Decimal, now: datetime, liquidity: int) -> Execution:
        request, contract = ticket.request, self._tape(ticket.request.conid).contract
        return Execution(
            exec_id=self._numbering.exec_id(),
            perm_id=ticket.perm_id,
            order_id=request.order_id,
            client_id=request.client_id,
            account=request.account,
            conid=request.conid,
            side=request.side,
            shares=quantity,
            price=price,
            time=now,
            exchange=contract.primary_exchange if request.exchange in ("", "SMART") else request.exchange,
            cumulative=ticket.filled,
            average_price=ticket.average_price,
            order_ref=request.order_ref,
            liquidity=liquidity,
        )

    def _retire(self, ticket: Ticket) -> None:
        self.book(ticket.request.conid).remove(ticket)
        del self.working[ticket.perm_id]
        self.aside.discard(ticket.perm_id)
        self.ended.append(ticket)


def _terms(request: OrderRequest) -> tuple[str, Decimal | None, Decimal | None]:
    return request.order_type, request.limit_price, request.stop_price


def _opposite(side: Side) -> Side:
    return Side.SELL if side is Side.BUY else Side.BUY


def _signed(side: Side, quantity: Decimal) -> Decimal:
    return quantity if side is Side.BUY else -quantity


def _resting_price(ticket: Ticket, tape: Tape) -> Decimal:
    """A market order waiting for size trades where the street would serve it."""
    if ticket.limit is not None:
        return ticket.limit
    return tape.shown(ticket.side)[0]


def _triggers(tape: Tape) -> tuple[Decimal, Decimal]:
    return (tape.ask_price, tape.bid_price) if tape.is_currency else (tape.mark, tape.mark)
