"""What keeps an order from the market: its parent, borrowed shares, a time, conditions, hours, an auction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal

from ibkr_sim.exchange.accounts.locating import NOT_AVAILABLE, Locating
from ibkr_sim.exchange.listing.sessions import Sessions
from ibkr_sim.exchange.model import Contract, Side, Status
from ibkr_sim.exchange.orders.families.auctions import auction_time
from ibkr_sim.exchange.orders.families.conditional import are_met
from ibkr_sim.exchange.orders.order import Gate, Ticket
from ibkr_sim.exchange.prices.tape import Tape

_IN_ORDER = tuple(Gate)
_ALL = frozenset(Gate)
POLLED = (Gate.SHARES, Gate.CONDITIONS)
"""Gates that open by what the market does; the others open at a time, or with the parent."""


class Sight:
    """What conditions look at."""

    def __init__(self, tape: Callable[[int], Tape], cushion: Callable[[str], Decimal]) -> None:
        self._tape, self.cushion = tape, cushion

    def price(self, conid: int) -> Decimal:
        return self._tape(conid).mark

    def volume(self, conid: int) -> Decimal:
        return Decimal(self._tape(conid).volume)

    def change(self, conid: int) -> Decimal:
        tape = self._tape(conid)
        return (tape.mark / tape.close - 1) * 100


class Gates:
    def __init__(
        self,
        tickets: Mapping[int, Ticket],
        contract: Callable[[int], Contract],
        sessions: Sessions,
        locating: Locating,
        sight: Sight,
    ) -> None:
        self._tickets, self._contract = tickets, contract
        self._sessions, self._locating, self._sight = sessions, locating, sight

    def look(self, ticket: Ticket, now: datetime) -> None:
        """Set the first gate that is closed, None when all are open."""
        ticket.gate = None
        if not ticket.passed and self._is_unhindered(ticket):
            ticket.passed = _ALL
        for gate in _IN_ORDER if len(ticket.passed) < len(_IN_ORDER) else ():
            if gate in ticket.passed:
                continue
            if self._is_closed(gate, ticket, now):
                ticket.gate = gate
                break
            ticket.passed |= {gate}
        if ticket.gate is not None and ticket.status is Status.SUBMITTED and not ticket.filled:
            ticket.status = Status.PRE_SUBMITTED
        ticket.notice = self._notice(ticket, now)

    def _is_unhindered(self, ticket: Ticket) -> bool:
        """Whether no gate concerns it, as with most orders."""
        request = ticket.request
        bound = request.parent or request.good_after or request.conditions
        if bound or request.tif == "OPG" or ticket.kind.at_close or not self._sessions.always_open:
            return False
        return request.side is Side.BUY or self._locating.is_unlimited(request.conid)

    def opens_at(self, ticket: Ticket, now: datetime) -> datetime | None:
        """None for a gate that does not open by the clock."""
        match ticket.gate:
            case Gate.TIME:
                return ticket.request.good_after
            case Gate.HOURS:
                return self._opening(ticket, now)
            case Gate.AUCTION:
                return ticket.auction
            case _:
                return None

    def are_conditions_met(self, ticket: Ticket, now: datetime) -> bool:
        request = ticket.request
        if request.conditions is None:
            return False
        watched = request.conditions.outside_rth or self._sessions.is_open(
            self._leading(ticket), now, outside_rth=False
        )
        return watched and are_met(request.conditions, self._sight, request.account, now, ticket.witnessed)

    def _is_closed(self, gate: Gate, ticket: Ticket, now: datetime) -> bool:
        request = ticket.request
        match gate:
            case Gate.PARENT:
                parent = self._tickets.get(request.parent)
                return parent is not None and parent.status is not Status.FILLED
            case Gate.SHARES:
                return not self._locating.suffices(request, self._contract(request.conid), ticket.remaining)
            case Gate.TIME:
                return request.good_after is not None and now < request.good_after
            case Gate.CONDITIONS:
                waits = request.conditions is not None and not request.conditions.cancels
                return waits and not self.are_conditions_met(ticket, now)
            case Gate.HOURS:
                waits = auction_time(request, self._contract(request.conid), now) is None
                return waits and not self._sessions.is_open(self._leading(ticket), now, outside_rth=request.outside_rth)
            case Gate.AUCTION:
                if ticket.auction is None:
                    ticket.auction = auction_time(request, self._contract(request.conid), now)
                return ticket.auction is not None and now < ticket.auction

    def _leading(self, ticket: Ticket) -> int:
        """Whose hours hold: the contract's, of a combination the first leg's."""
        contract = self._contract(ticket.request.conid)
        return contract.legs[0].conid if contract.legs else contract.conid

    def _opening(self, ticket: Ticket, now: datetime) -> datetime:
        return self._sessions.next_opening(self._leading(ticket), now, outside_rth=ticket.request.outside_rth)

    def _notice(self, ticket: Ticket, now: datetime) -> tuple[int, str] | None:
        if ticket.gate is Gate.SHARES:
            return NOT_AVAILABLE
        if ticket.gate is not Gate.HOURS:
            return None
        request, contract = ticket.request, self._contract(ticket.request.conid)
        opening = f"{self._opening(ticket, now):%Y-%m-%d %H:%M:%S} UTC"
        return 399, (
            f"Order Message:\n{request.side} {request.quantity:f} {contract.symbol} {contract.primary_exchange}\n"
            f"Warning: Your order will not be placed at the exchange until {opening}."
        )
