"""Where orders trade: with each other and with the street, price by price."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal

from ibkr_sim.exchange.accounts.ledger import STREET, Ledger
from ibkr_sim.exchange.listing.sessions import Sessions
from ibkr_sim.exchange.model import Side
from ibkr_sim.exchange.orders.families.pegged import pegged_limit
from ibkr_sim.exchange.orders.order import Numbering, Ticket
from ibkr_sim.exchange.prices.tape import Tape
from ibkr_sim.exchange.trading.book import Book, accepts, is_worse
from ibkr_sim.exchange.trading.clerk import ADDED, REMOVED, Clerk

LEVELS = 10
"""How many of the street's price levels a limit order takes at once; a market order takes the one that is shown."""


class Pit:
    """`traded` hears the size of every client's trade, `followed` who has filled, and what remained before."""

    def __init__(
        self,
        tape: Callable[[int], Tape],
        ledger: Ledger,
        sessions: Sessions,
        numbering: Numbering,
        clerk: Clerk,
        traded: Callable[[int, Decimal], None],
        followed: Callable[[Ticket, Decimal, datetime], None],
    ) -> None:
        self._tape, self._ledger, self._sessions = tape, ledger, sessions
        self._numbering, self._clerk, self._traded, self._followed = numbering, clerk, traded, followed
        self._books: defaultdict[int, Book] = defaultdict(Book)

    def book(self, conid: int) -> Book:
        return self._books[conid]

    def step(self, conid: int, now: datetime) -> tuple[bool, Decimal | None, bool]:
        """Let the street quote and trade once.

        Whether the quote changed, the size that the street traded, if any, and whether a client's order was stirred.
        """
        tape, book = self._tape(conid), self.book(conid)
        changed = tape.next()
        if conid in self._sessions.halted:
            tape.pending = 0
            return changed, None, False
        stirred = bool(book) and not book.is_calm(tape.bid_price, tape.ask_price)
        if stirred:
            self._move_pegged(book, tape)
            for side in Side:
                self._serve_queue(book.side(side), now)
            self._serve_street(conid, tape, now)
        traded = Decimal(abs(tape.pending)) if tape.pending else None
        tape.print_pending()
        return changed, traded, stirred

    def match(self, ticket: Ticket, now: datetime, liquidity: int = REMOVED) -> None:
        """Take what is on offer, the best price first; at equal prices clients' orders go before the street."""
        if not self._may_trade(ticket, now):
            return
        side, tape, book = ticket.side, self._tape(ticket.request.conid), self.book(ticket.request.conid)
        if ticket.whole and self._within_reach(ticket) < ticket.remaining:
            return
        levels = LEVELS if ticket.limit is not None else 1
        while ticket.remaining and not ticket.status.done:
            street, size = tape.shown(side)
            rival = self._rival(ticket, now)
            price = street if rival is None else _resting_price(rival, tape)
            if rival is not None and not is_worse(side, price, street) and accepts(ticket, price):
                self._cross(ticket, rival, price, now)
            elif levels and accepts(ticket, street) and not book.is_behind(ticket, street):
                levels -= 1
                quantity = min(ticket.remaining, Decimal(size))
                tape.take(side, int(quantity))
                self.trade_with_street(ticket, quantity, street, now, liquidity)
            else:
                return

    def peg(self, ticket: Ticket) -> None:
        """Give a pegged order the limit that the street's quote makes."""
        tape = self._tape(ticket.request.conid)
        ticket.peg = pegged_limit(ticket.request, tape.bid_price, tape.ask_price, tape.tick)

    def trade_with_street(
        self, ticket: Ticket, quantity: Decimal, price: Decimal, now: datetime, liquidity: int
    ) -> None:
        tape = self._tape(ticket.request.conid)
        tape.record(price, int(quantity))
        self._ledger.trade(STREET, tape.contract, -quantity if ticket.side is Side.BUY else quantity, price, Decimal(0))
        before = ticket.remaining
        self._clerk.fill(ticket, tape.contract, quantity, price, now, liquidity)
        self._traded(ticket.request.conid, quantity)
        self._followed(ticket, before, now)

    def _may_trade(self, ticket: Ticket, now: datetime) -> bool:
        request = ticket.request
        return self._sessions.may_trade(request.conid, now, outside_rth=request.outside_rth)

    def _rival(self, ticket: Ticket, now: datetime) -> Ticket | None:
        rivals = self.book(ticket.request.conid).rivals(ticket)
        return next((rival for rival in rivals if self._may_trade(rival, now)), None)

    def _within_reach(self, ticket: Ticket) -> Decimal:
        """What an order that fills whole or not at all could have now, of the street and of our clients."""
        tape, book = self._tape(ticket.request.conid), self.book(ticket.request.conid)
        street = tape.shown(ticket.side)[0]
        levels = tape.levels(ticket.side, LEVELS if ticket.limit is not None else 1)
        reached = [Decimal(size) for price, size in levels if accepts(ticket, price)]
        found = Decimal(0) if book.is_behind(ticket, street) else sum(reached, Decimal(0))
        for rival in book.rivals(ticket):
            price = _resting_price(rival, tape)
            if not rival.whole and not is_worse(ticket.side, price, street) and accepts(ticket, price):
                found += rival.remaining
        return found

    def _move_pegged(self, book: Book, tape: Tape) -> None:
        for ticket in book.pegged():
            limit = pegged_limit(ticket.request, tape.bid_price, tape.ask_price, tape.tick)
            if limit != ticket.peg:
                book.remove(ticket)
                ticket.peg, ticket.sequence = limit, self._numbering.sequence()
                book.add(ticket)

    def _serve_queue(self, tickets: Iterable[Ticket], now: datetime) -> None:
        """Best first; who cannot be served in full keeps all behind it waiting, unless it takes all or none."""
        for ticket in tickets:
            if not ticket.status.done:
                self.match(ticket, now, REMOVED if ticket.limit is None else ADDED)
            if not ticket.status.done and not ticket.whole:
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
            if ticket.status.done or not self._may_trade(ticket, now) or (ticket.whole and quantity < ticket.remaining):
                continue
            if ticket.limit is None:
                self.trade_with_street(ticket, quantity, price, now, REMOVED)
            else:
                self.trade_with_street(ticket, quantity, ticket.limit, now, ADDED)
            left -= quantity
        tape.pending = int(left) if buying else -int(left)

    def _cross(self, ticket: Ticket, rival: Ticket, price: Decimal, now: datetime) -> None:
        quantity = min(ticket.remaining, rival.remaining)
        tape = self._tape(ticket.request.conid)
        tape.record(price, int(quantity))
        before, before_rival = ticket.remaining, rival.remaining
        self._clerk.fill(ticket, tape.contract, quantity, price, now, REMOVED)
        self._clerk.fill(rival, tape.contract, quantity, price, now, ADDED)
        self._traded(ticket.request.conid, quantity)
        self._followed(ticket, before, now)
        self._followed(rival, before_rival, now)


def _resting_price(ticket: Ticket, tape: Tape) -> Decimal:
    """A market order waiting for size trades where the street would serve it."""
    if ticket.limit is not None:
        return ticket.limit
    return tape.shown(ticket.side)[0]
