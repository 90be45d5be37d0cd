"""Orders that wait for their trigger: where their stops stand, which become others, which are met."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from ibkr_sim.exchange.model import Side
from ibkr_sim.exchange.orders.families.adjusting import adjusted, is_adjusted
from ibkr_sim.exchange.orders.families.kinds import Trigger
from ibkr_sim.exchange.orders.families.trailing import trail
from ibkr_sim.exchange.orders.order import Ticket
from ibkr_sim.exchange.prices.tape import Tape
from ibkr_sim.exchange.trading.book import Book


def aim(ticket: Ticket, tape: Tape) -> None:
    """Move the stop of an order that trails."""
    if ticket.kind.trigger is Trigger.TRAIL:
        rises_to, falls_to = _reached(tape)
        market = rises_to if ticket.side is Side.BUY else falls_to
        ticket.trail_to(trail(ticket.request, ticket.stop, market, tape.tick))


def aim_all(book: Book, tape: Tape) -> Sequence[Ticket]:
    """Move every stop that moves; those whose terms have been adjusted."""
    changed = []
    for ticket in book.armed():
        if is_adjusted(ticket.request, tape.mark):
            book.remove(ticket)
            ticket.amend(adjusted(ticket.request), ticket.updated_at)
            book.add(ticket)
            changed.append(ticket)
        aim(ticket, tape)
    return changed


def met(book: Book, tape: Tape) -> Sequence[Ticket]:
    """Those whose price has come, the oldest first."""
    return book.triggered(*_reached(tape))


def _reached(tape: Tape) -> tuple[Decimal, Decimal]:
    """How far the market has risen and fallen: its last trade, or the quote of a currency, which has none."""
    return (tape.ask_price, tape.bid_price) if tape.is_untraded else (tape.mark, tape.mark)
