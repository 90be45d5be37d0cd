"""The clients' resting orders in one contract, best price first, then time."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Sequence
from decimal import Decimal

from ibkr_sim.exchange.model import Side
from ibkr_sim.exchange.orders.families.kinds import Trigger
from ibkr_sim.exchange.orders.families.stops import is_stopped
from ibkr_sim.exchange.orders.families.touched import is_touched
from ibkr_sim.exchange.orders.order import Ticket

UNREACHED = Decimal("Infinity")


class Book:
    """Resting orders of both sides in the order in which they are served, and those that wait for their trigger."""

    def __init__(self) -> None:
        self._sides: dict[Side, list[Ticket]] = {Side.BUY: [], Side.SELL: []}
        self._armed: list[Ticket] = []
        self._calm: tuple[Decimal, Decimal] | None = None

    def __bool__(self) -> bool:
        return any(self._sides.values()) or bool(self._armed)

    def add(self, ticket: Ticket) -> None:
        self._calm = None
        if ticket.triggered:
            insort(self._sides[ticket.side], ticket, key=_priority)
        else:
            insort(self._armed, ticket, key=lambda waiting: waiting.sequence)

    def remove(self, ticket: Ticket) -> None:
        """Take it out wherever it stands; nothing if it is not here."""
        self._calm = None
        for tickets in (self._sides[ticket.side], self._armed):
            if ticket in tickets:
                tickets.remove(ticket)

    def is_calm(self, bid: Decimal, ask: Decimal) -> bool:
        """Whether no order trades, moves or triggers while the street quotes and trades at these prices."""
        if self._calm is None:
            self._calm = self._calm_between()
        low, high = self._calm
        return low < bid and ask < high

    def is_behind(self, ticket: Ticket, price: Decimal) -> bool:
        """Whether another order of the same side comes first and would trade at `price` too."""
        for first in self._sides[ticket.side]:
            if first is ticket or _priority(first) >= _priority(ticket):
                return False
            if not first.whole:
                return accepts(first, price)
        return False

    def side(self, side: Side) -> Sequence[Ticket]:
        """Those of one side in the order in which they are served."""
        return tuple(self._sides[side])

    def rivals(self, ticket: Ticket) -> Iterator[Ticket]:
        """Of the other side, best first: those that would trade with so much."""
        for rival in self._sides[Side.SELL if ticket.side is Side.BUY else Side.BUY]:
            if not rival.whole or rival.remaining <= ticket.remaining:
                yield rival

    @property
    def is_armed(self) -> bool:
        """Whether an order waits for its trigger."""
        return bool(self._armed)

    def armed(self) -> Sequence[Ticket]:
        """Those that wait for their trigger, the oldest first."""
        return tuple(self._armed)

    def pegged(self) -> Sequence[Ticket]:
        return tuple(ticket for side in self._sides.values() for ticket in side if ticket.kind.peg is not None)

    def triggered(self, rises_to: Decimal, falls_to: Decimal) -> Sequence[Ticket]:
        """Armed orders that are met when the market has been at `rises_to` and `falls_to`; oldest first."""
        return tuple(ticket for ticket in self._armed if _is_met(ticket, rises_to, falls_to))

    def shown(self, side: Side, street: Decimal, limit: Decimal) -> tuple[Decimal, Decimal]:
        """Best price short of `limit` (the other side's) and the clients' size there; `street` if none is better."""
        best, size = street, Decimal(0)
        for ticket in self._sides[side]:
            price = ticket.limit
            if price is None or not ticket.displayed or not is_worse(side, limit, price):
                continue
            if price == best:
                size += ticket.displayed
            elif size or is_worse(side, best, price):
                break
            else:
                best, size = price, ticket.displayed
        return best, size

    def _calm_between(self) -> tuple[Decimal, Decimal]:
        """Below lie the buy limits and sell stops, above the sell limits and buy stops; what moves is never calm."""
        lows, highs = [-UNREACHED], [UNREACHED]
        if any(_is_restless(ticket) for ticket in (*self._armed, *self._sides[Side.BUY], *self._sides[Side.SELL])):
            return UNREACHED, -UNREACHED
        for side, bounds in ((Side.BUY, lows), (Side.SELL, highs)):
            best = self._sides[side][0] if self._sides[side] else None
            if best is not None:
                if best.limit is None:
                    return UNREACHED, -UNREACHED
                bounds.append(best.limit)
        for ticket in self._armed:
            falls = (ticket.side is Side.SELL) is (ticket.kind.trigger is Trigger.STOP)
            (lows if falls else highs).append(ticket.stop or Decimal(0))
        return max(lows), min(highs)


def is_worse(side: Side, price: Decimal, than: Decimal) -> bool:
    """For a client of `side`: dearer to buy at, or cheaper to sell at."""
    return price > than if side is Side.BUY else price < than


def accepts(ticket: Ticket, price: Decimal) -> bool:
    return ticket.limit is None or not is_worse(ticket.side, price, ticket.limit)


def _priority(ticket: Ticket) -> tuple[bool, Decimal, int]:
    """Market orders go first: they accept any price."""
    limit = ticket.limit
    if limit is None:
        return (False, Decimal(0), ticket.sequence)
    return (True, -limit if ticket.side is Side.BUY else limit, ticket.sequence)


def _is_restless(ticket: Ticket) -> bool:
    """Whether its price moves with the market, or its terms may."""
    if ticket.request.adjustment is not None:
        return True
    return ticket.kind.trigger is Trigger.TRAIL if not ticket.triggered else ticket.kind.peg is not None


def _is_met(ticket: Ticket, rises_to: Decimal, falls_to: Decimal) -> bool:
    if ticket.stop is None:
        return False
    reached = is_touched if ticket.kind.trigger is Trigger.TOUCH else is_stopped
    return reached(ticket.side, ticket.stop, rises_to, falls_to)
