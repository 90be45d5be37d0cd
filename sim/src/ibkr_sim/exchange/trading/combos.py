"""Combinations: contracts made of others, priced and filled leg by leg."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ibkr_sim.exchange.listing.sessions import Sessions
from ibkr_sim.exchange.model import COMBO, Contract, Quote, Rejected, Side
from ibkr_sim.exchange.orders.order import Ticket
from ibkr_sim.exchange.prices.tape import Tape
from ibkr_sim.exchange.terms import ComboLeg
from ibkr_sim.exchange.trading.book import accepts
from ibkr_sim.exchange.trading.clerk import Clerk, LegFill

FIRST_CONID = 910_000_001
"""Beyond the catalogue's own: a combination has no number until somebody names it."""
_CENT = Decimal("0.01")
_MOST_LEGS = 8
_EXACTNESS = 1e-9
"""Relative; what the last digits of a sum may be off by."""


class Combos:
    """Every combination that was ever named, the same legs once."""

    def __init__(self, contract: Callable[[int], Contract | None]) -> None:
        self._contract = contract
        self._by_legs: dict[tuple[ComboLeg, ...], Contract] = {}
        self._by_conid: dict[int, Contract] = {}

    def __iter__(self) -> Iterator[Contract]:
        return iter(self._by_conid.values())

    def get(self, conid: int) -> Contract | None:
        return self._by_conid.get(conid)

    def name(self, symbol: str, currency: str, legs: Sequence[ComboLeg]) -> Contract:
        """Raises Rejected (321 for legs that are none, 200 for an unknown one)."""
        key = tuple(legs)
        if not 2 <= len(key) <= _MOST_LEGS or any(leg.ratio <= 0 or leg.action not in ("BUY", "SELL") for leg in key):
            raise Rejected(321, "Error validating request.-'bN' : cause - Invalid combo leg details")
        known = self._by_legs.get(key)
        if known is None:
            known = self._make(symbol, currency, key)
            self._by_legs[key] = self._by_conid[known.conid] = known
        return known

    def _make(self, symbol: str, currency: str, legs: tuple[ComboLeg, ...]) -> Contract:
        contracts = [self._contract(leg.conid) for leg in legs]
        found = [contract for contract in contracts if contract is not None and contract.sec_type != "CASH"]
        if len(found) < len(legs) or len({contract.conid for contract in found}) < len(legs):
            raise Rejected(200, "No security definition has been found for the request")
        if {contract.currency for contract in found} != {found[0].currency}:
            raise Rejected(10000, "Cross currency combo error.")
        conid = FIRST_CONID + len(self._by_conid)
        return Contract(
            conid=conid,
            symbol=symbol or ",".join(contract.symbol for contract in found),
            sec_type=COMBO,
            currency=currency or found[0].currency,
            primary_exchange="SMART",
            local_symbol=str(conid),
            trading_class="COMB",
            long_name=" ".join(
                f"{leg.signed_ratio:+d} {contract.symbol}" for leg, contract in zip(legs, found, strict=True)
            ),
            min_tick=_CENT,
            valid_exchanges=("SMART",),
            time_zone=found[0].time_zone,
            legs=legs,
        )


@dataclass(frozen=True, slots=True)
class Offer:
    """What a combination costs at once, and how often."""

    price: Decimal
    quantity: Decimal
    fills: tuple[LegFill, ...]
    """Of one unit."""


class ComboPit:
    """Fills combinations against the street's quotes of their legs; they do not meet other clients' orders.

    `followed` is told as by the pit.
    """

    def __init__(
        self,
        tape: Callable[[int], Tape],
        sessions: Sessions,
        clerk: Clerk,
        followed: Callable[[Ticket, Decimal, datetime], None],
    ) -> None:
        self._tape, self._sessions, self._clerk, self._followed = tape, sessions, clerk, followed
        self.resting: dict[int, Ticket] = {}

    def match(self, ticket: Ticket, contract: Contract, now: datetime, *, whatever: bool = False) -> None:
        """Fill as much as its limit allows; `whatever` it says if that is asked for."""
        if not whatever and not all(self._may_trade(ticket, leg.conid, now) for leg in contract.legs):
            return
        offer = self._offer(contract, ticket.side)
        if not whatever and not accepts(ticket, offer.price):
            return
        quantity = ticket.remaining if whatever else min(ticket.remaining, offer.quantity)
        if not quantity or (ticket.whole and quantity < ticket.remaining):
            return
        fills = [LegFill(one.contract, one.side, one.quantity * quantity, one.price) for one in offer.fills]
        for fill in fills:
            tape = self._tape(fill.contract.conid)
            size = tape.shown(fill.side)[1]
            tape.take(fill.side, min(int(fill.quantity), size))
            tape.record(fill.price, int(fill.quantity))
        before = ticket.remaining
        self._clerk.fill_combination(ticket, contract, fills, quantity, offer.price, now)
        self._followed(ticket, before, now)

    def calm_until(self, ticket: Ticket, contract: Contract, start: int, end: int) -> int:
        """The last step up to `end` before one in which it may fill; `start` is now. Never later than is certain."""
        limit, reach = ticket.limit, end - start
        while limit is not None and reach > 0:
            best = self._best(contract, ticket.side, start, start + reach)
            if best > float(limit) if ticket.side is Side.BUY else best < float(limit):
                return start + reach
            reach //= 4
        return start

    def _best(self, contract: Contract, side: Side, start: int, end: int) -> float:
        """No purchase costs less in these steps, no sale brings more."""
        sign = 1 if side is Side.BUY else -1
        best = slack = 0.0
        for leg in contract.legs:
            low, high = self._tape(leg.conid).span(start, end)
            ratio = sign * leg.signed_ratio
            best += ratio * (low if ratio > 0 else high)
            slack += abs(ratio) * high * _EXACTNESS
        return sign * (best - slack)

    def quote(self, contract: Contract, time: datetime) -> Quote:
        """The street's, out of those of the legs."""
        ask, bid = self._offer(contract, Side.BUY), self._offer(contract, Side.SELL)
        return Quote(
            conid=contract.conid,
            time=time,
            bid=bid.price,
            bid_size=bid.quantity,
            ask=ask.price,
            ask_size=ask.quantity,
            last=None,
            last_size=None,
            open=None,
            high=None,
            low=None,
            close=None,
            volume=Decimal(0),
        )

    def _offer(self, contract: Contract, side: Side) -> Offer:
        price, quantity, fills = Decimal(0), Decimal("Infinity"), []
        for leg in contract.legs:
            tape = self._tape(leg.conid)
            leg_side = side if leg.action == "BUY" else (Side.SELL if side is Side.BUY else Side.BUY)
            shown, size = tape.shown(leg_side)
            price += leg.signed_ratio * shown
            quantity = min(quantity, Decimal(size // leg.ratio))
            fills.append(LegFill(tape.contract, leg_side, Decimal(leg.ratio), shown))
        return Offer(price, quantity, tuple(fills))

    def _may_trade(self, ticket: Ticket, conid: int, now: datetime) -> bool:
        return self._sessions.may_trade(conid, now, outside_rth=ticket.request.outside_rth)
