"""The clients' resting orders in one contract, best price first, then time."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from operator import itemgetter

from ibkr_sim.exchange.model import Side
from ibkr_sim.exchange.orders.families.kinds import Trigger
from ibkr_sim.exchange.orders.families.stops import is_stopped
from ibkr_sim.exchange.orders.families.touched import is_touched
from ibkr_sim.exchange.orders.order import Ticket

UNREACHED = Decimal("Infinity")
_NOTHING = Decimal(0)
_Place = tuple[bool, Decimal, int]
"""What comes first sorts first; no two orders have the same."""
_place_of: Callable[[tuple[_Place, Ticket]], _Place] = itemgetter(0)
_ticket_of: Callable[[tuple[_Place, Ticket]], Ticket] = itemgetter(1)


class Book:
    """Resting orders of both sides in the order in which they are served, and those that wait for their trigger."""

    def __init__(self) -> None:
        self._sides: dict[Side, list[tuple[_Place, Ticket]]] = {Side.BUY: [], Side.SELL: []}
        self._places: dict[int, _Place] = {}
        """Where each order of the two sides stands, by its permanent id: a book may be long."""
        self._armed: list[Ticket] = []
        self._restless: dict[int, Ticket] = {}
        """Those whose price moves with the market, or whose terms may."""
        self._calm: tuple[Decimal, Decimal] | None = None

    def __bool__(self) -> bool:
        return bool(self._places or self._armed)

    def add(self, ticket: Ticket) -> None:
        self._calm = None
        if _is_restless(ticket):
            self._restless[ticket.perm_id] = ticket
        if ticket.triggered:
            place = self._places[ticket.perm_id] = _priority(ticket)
            insort(self._sides[ticket.side], (place, ticket), key=_place_of)
        else:
            insort(self._armed, ticket, key=lambda waiting: waiting.sequence)

    def remove(self, ticket: Ticket) -> None:
        """Take it out wherever it stands; nothing if it is not here."""
        place = self._places.pop(ticket.perm_id, None)
        if place is not None:
            rows = self._sides[ticket.side]
            del rows[bisect_left(rows, place, key=_place_of)]
        elif ticket in self._armed:
            self._armed.remove(ticket)
        else:
            return
        self._calm = None
        self._restless.pop(ticket.perm_id, None)

    def is_calm(self, bid: Decimal, ask: Decimal) -> bool:
        """Whether no order trades, moves or triggers while the street quotes and trades at these prices."""
        low, high = self.calm
        return low < bid and ask < high

    @property
    def calm(self) -> tuple[Decimal, Decimal]:
        """Above the first and below the second nothing happens; where something may at any price, there is none."""
        if self._calm is None:
            self._calm = self._calm_between()
        return self._calm

    def is_behind(self, ticket: Ticket, price: Decimal) -> bool:
        """Whether another order of the same side comes first and would trade at `price` too."""
        own = self._places.get(ticket.perm_id) or _priority(ticket)
        for place, first in self._sides[ticket.side]:
            if place >= own:
                return False
            if not first.whole:
                return accepts(first, price)
        return False

    def side(self, side: Side) -> Iterator[Ticket]:
        """Those of one side in the order in which they are served, as they stand now."""
        return map(_ticket_of, self._sides[side].copy())

    def rivals(self, ticket: Ticket) -> Iterator[Ticket]:
        """Of the other side, best first: those that would trade with so much."""
        for _place, rival in self._sides[Side.SELL if ticket.side is Side.BUY else Side.BUY]:
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
        """Buyers first, each side in the order in which it is served."""
        return tuple(row[1] for side in Side for row in self._pegged(side))

    def triggered(self, rises_to: Decimal, falls_to: Decimal) -> Sequence[Ticket]:
        """Armed orders that are met when the market has been at `rises_to` and `falls_to`; oldest first."""
        return tuple(ticket for ticket in self._armed if _is_met(ticket, rises_to, falls_to))

    def shown(self, side: Side, street: Decimal, limit: Decimal) -> tuple[Decimal, Decimal]:
        """Best price short of `limit` (the other side's) and the clients' size there; `street` if none is better."""
        best, size = street, _NOTHING
        for _place, ticket in self._sides[side]:
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
        if self._restless:
            return UNREACHED, -UNREACHED
        for side, bounds in ((Side.BUY, lows), (Side.SELL, highs)):
            if self._sides[side]:
                limit = self._sides[side][0][1].limit
                if limit is None:
                    return UNREACHED, -UNREACHED
                bounds.append(limit)
        for ticket in self._armed:
            falls = (ticket.side is Side.SELL) is (ticket.kind.trigger is Trigger.STOP)
            (lows if falls else highs).append(ticket.stop or _NOTHING)
        return max(lows), min(highs)

    def _pegged(self, side: Side) -> list[tuple[_Place, Ticket]]:
        rows = ((self._places.get(ticket.perm_id), ticket) for ticket in self._restless.values())
        return sorted((place, one) for place, one in rows if place and one.side is side and one.kind.peg is not None)


def is_worse(side: Side, price: Decimal, than: Decimal) -> bool:
    """For a client of `side`: dearer to buy at, or cheaper to sell at."""
    return price > than if side is Side.BUY else price < than


def accepts(ticket: Ticket, price: Decimal) -> bool:
    return ticket.limit is None or not is_worse(ticket.side, price, ticket.limit)


def _priority(ticket: Ticket) -> _Place:
    """Market orders go first: they accept any price."""
    limit = ticket.limit
    if limit is None:
        return (False, _NOTHING, ticket.sequence)
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
