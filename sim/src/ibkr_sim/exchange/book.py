"""The clients' resting orders in one contract, best price first, then time."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from decimal import Decimal

from ibkr_sim.exchange.model import Side
from ibkr_sim.exchange.orders import Ticket

UNREACHED = Decimal("Infinity")


class Book:
    """Resting orders of both sides in the order in which they are served, and stops that wait for their price."""

    def __init__(self) -> None:
        self._sides: dict[Side, list[Ticket]] = {Side.BUY: [], Side.SELL: []}
        self._stops: list[Ticket] = []
        self._calm: tuple[Decimal, Decimal] | None = None

    def __bool__(self) -> bool:
        return any(self._sides.values()) or bool(self._stops)

    def add(self, ticket: Ticket) -> None:
        self._calm = None
        if ticket.triggered:
            insort(self._sides[ticket.side], ticket, key=_priority)
        else:
            insort(self._stops, ticket, key=lambda waiting: waiting.sequence)

    def remove(self, ticket: Ticket) -> None:
        """Take it out wherever it stands; nothing if it is not here."""
        self._calm = None
        for tickets in (self._sides[ticket.side], self._stops):
            if ticket in tickets:
                tickets.remove(ticket)

    def is_calm(self, bid: Decimal, ask: Decimal) -> bool:
        """Whether no order trades or triggers while the street quotes and trades at these prices."""
        if self._calm is None:
            self._calm = self._calm_between()
        low, high = self._calm
        return low < bid and ask < high

    def is_behind(self, ticket: Ticket, price: Decimal) -> bool:
        """Whether another order of the same side comes first and would trade at `price` too."""
        first = self.best(ticket.side)
        return (
            first is not None and first is not ticket and _priority(first) < _priority(ticket) and accepts(first, price)
        )

    def side(self, side: Side) -> Sequence[Ticket]:
        """Those of one side in the order in which they are served."""
        return tuple(self._sides[side])

    def best(self, side: Side) -> Ticket | None:
        tickets = self._sides[side]
        return tickets[0] if tickets else None

    def triggered(self, rises_to: Decimal, falls_to: Decimal) -> Sequence[Ticket]:
        """Stops that are met: buys at or below `rises_to`, sells at or above `falls_to`; oldest first."""
        return tuple(ticket for ticket in self._stops if _is_met(ticket, rises_to, falls_to))

    def shown(self, side: Side, street: Decimal, limit: Decimal) -> tuple[Decimal, Decimal]:
        """Best price short of `limit` (the other side's) and the clients' size there; `street` if none is better."""
        best, size = street, Decimal(0)
        for ticket in self._sides[side]:
            price = ticket.limit
            if price is None or not is_worse(side, limit, price):
                continue
            if price == best:
                size += ticket.remaining
            elif size or is_worse(side, best, price):
                break
            else:
                best, size = price, ticket.remaining
        return best, size

    def _calm_between(self) -> tuple[Decimal, Decimal]:
        """Below lie the buy limits and sell stops, above the sell limits and buy stops."""
        lows, highs = [-UNREACHED], [UNREACHED]
        for side, limits, stops in ((Side.BUY, lows, highs), (Side.SELL, highs, lows)):
            best = self.best(side)
            if best is not None:
                if best.limit is None:
                    return UNREACHED, -UNREACHED
                limits.append(best.limit)
            stops += [ticket.request.stop_price or Decimal(0) for ticket in self._stops if ticket.side is side]
        return max(lows), min(highs)


def is_worse(side: Side, price: Decimal, than: Decimal) -> bool:
    """For a client of `side`: dearer to buy at, or cheaper to sell at."""
    return price > than if side is Side.BUY else price < than


def accepts(ticket: Ticket, price: Decimal) -> bool:
    return ticket.limit is None or not is_worse(ticket.side, price, ticket.limit)


def _priority(ticket: Ticket) -> tuple[bool, Decimal, int]:
    """Market orders go first: they accept any price."""
    if ticket.limit is None:
        return (False, Decimal(0), ticket.sequence)
    return (True, -ticket.limit if ticket.side is Side.BUY else ticket.limit, ticket.sequence)


def _is_met(ticket: Ticket, rises_to: Decimal, falls_to: Decimal) -> bool:
    stop = ticket.request.stop_price
    if stop is None:
        return False
    return rises_to >= stop if ticket.side is Side.BUY else falls_to <= stop
