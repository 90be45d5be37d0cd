"""Takes orders from this door to the exchange: questions first, then parents before their children."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Final

from ibkr_sim.exchange.listing.hours import local_date, trading_day
from ibkr_sim.exchange.model import Contract, Order, Rejected, Status
from ibkr_sim.exchange.orders.families.reducing import OcaType
from ibkr_sim.exchange.orders.validation import REFUSED, check_order, check_terms
from ibkr_sim.exchange.port import Market
from ibkr_sim.faults.moments import Reply, Vanished
from ibkr_sim.faults.visit import Visit
from ibkr_sim.webapi.answers import Answer, Refused, plain_refusal
from ibkr_sim.webapi.ordering import rows
from ibkr_sim.webapi.ordering.questions import Circumstances, Question, questions
from ibkr_sim.webapi.ordering.rounds import Round, Rounds
from ibkr_sim.webapi.ordering.tickets import Ticket
from ibkr_sim.webapi.settings import WebApiSettings

UNIQUE_FOR: Final = timedelta(hours=24)
"""How long a client order id may not be used again."""


class OrderDesk:
    """`name` makes reply ids. `session` names who asks: nobody else may answer its questions."""

    def __init__(self, market: Market, settings: WebApiSettings, name: Callable[[], str]) -> None:
        self._market, self._settings = market, settings
        self._unsettled = settings.unsettled
        self._name = name
        self._rounds = Rounds(
            name, one_at_a_time=self._unsettled.one_round_at_a_time, together=self._unsettled.questions_together
        )
        self._references: dict[tuple[str, str], tuple[datetime, int]] = {
            (order.request.account, order.request.order_ref): (order.created_at, order.perm_id)
            for order in (*market.completed_orders(), *market.open_orders())
            if order.request.order_ref
        }
        """Of orders that were there before the door too."""

    def submit(
        self,
        visit: Visit,
        session: str,
        account: str,
        tickets: Sequence[Ticket],
        asked: Sequence[Question],
    ) -> Any:
        """What the caller is told: rows, a question, or an error. `asked` is what it has to answer first."""
        named = [ticket.reference for ticket in tickets if ticket.reference]
        for ticket in tickets:
            self._check(ticket, repeated=named.count(ticket.reference) > 1)
        first = self._rounds.begin(session, account, tickets, _without_repetition(asked))
        return rows.question(first) if first else self._place(visit, tickets)

    def change(
        self,
        visit: Visit,
        session: str,
        account: str,
        order_id: int,
        ticket: Ticket,
        asked: Sequence[Question],
    ) -> Any:
        """As `submit`, for an order that exists."""
        first = self._rounds.begin(session, account, (ticket,), asked, order_id)
        return rows.question(first) if first else self._modify(visit, order_id, ticket)

    def reply(self, visit: Visit, session: str, reply_id: str, *, confirmed: bool) -> Any:
        """Raises Refused when nothing waits under that id, and Overruled."""
        answered = self._rounds.take(reply_id, session)
        if answered is None:
            raise self._stale(reply_id)
        kinds = frozenset(question.id for question in answered.asked)
        visit.reply(Reply(kinds, confirmed, partial(self._finish_unheard, visit, answered)))
        if not confirmed:
            return {"error": "Order not confirmed "}
        following = self._rounds.proceed(answered)
        return rows.question(following) if following else self._finish(visit, answered)

    def ask(self, ticket: Ticket, *, subscribed: bool) -> list[Question]:
        """Every question that its order meets."""
        contract = self._market.contract(ticket.request.conid)
        if contract is None:
            return []
        quote = self._market.quote(contract.conid)
        return questions(Circumstances(ticket.request, contract, quote, subscribed, self._settings))

    def forget(self, session: str) -> None:
        """The questions of a session go stale."""
        self._rounds.forget(session)

    def order_id(self, reference: str, account: str) -> int | None:
        """Of a client order id, or of an order id written as text."""
        known = self._references.get((account, reference))
        if known is not None:
            return known[1]
        order_id = int(reference) if reference.isdecimal() and len(reference) < 12 else None
        return order_id if order_id is not None and self._market.order(order_id) is not None else None

    def _stale(self, reply_id: str) -> Refused:
        if self._unsettled.stale_reply_status == 503:
            return Refused(Answer({"error": "Service Unavailable", "statusCode": 503}, 503))
        return plain_refusal(400, f"reply id not found: '{reply_id}'")

    def _check(self, ticket: Ticket, *, repeated: bool = False) -> None:
        """Raises Refused for a client order id in use, and for what no exchange takes."""
        account, now = ticket.request.account, self._market.now()
        known = self._references.get((account, ticket.reference)) if ticket.reference else None
        if repeated or (known is not None and now - known[0] < UNIQUE_FOR):
            text = f"Order couldn't be submitted: Local order ID={ticket.reference} is already registered."
            raise plain_refusal(self._unsettled.duplicate_status, text)
        if ticket.parent:
            return  # a leg that fails is told of in its own row
        try:
            self._check_request(ticket)
        except Rejected as refusal:
            raise plain_refusal(200, refusal.text) from None

    def _check_request(self, ticket: Ticket) -> None:
        """Raises Rejected for what no exchange takes."""
        request = ticket.request
        contract = self._market.contract(request.conid)
        known = request.account in self._market.accounts
        checked, now = check_order(request, contract, account_known=known), self._market.now()
        check_terms(request, checked, now)
        if self._unsettled.stops_outside_hours_refused and request.order_type == "STP" and request.outside_rth:
            _check_hours(checked, now)
        needed = self._unsettled.manual_indicator_needed and checked.currency == "USD"
        if needed and checked.sec_type in ("FUT", "FOP") and ticket.by_hand is None:
            raise Rejected(201, f"{REFUSED}manualIndicator is needed for US futures.")

    def _finish(self, visit: Visit, answered: Round) -> Any:
        if answered.order_id is not None:
            return self._modify(visit, answered.order_id, answered.tickets[0])
        for ticket in answered.tickets:
            self._check(ticket)
        return self._place(visit, answered.tickets)

    def _finish_unheard(self, visit: Visit, answered: Round) -> None:
        """Nobody is told what becomes of it. Stale replies were seen on the last question of a chain only."""
        if answered.left:
            return
        with suppress(Refused, Vanished):
            self._finish(visit, answered)

    def _modify(self, visit: Visit, order_id: int, ticket: Ticket) -> Any:
        order = self._market.order(order_id)
        if order is None:
            raise plain_refusal(400, f"OrderID {order_id} doesn't exist")
        request = replace(
            ticket.request,
            order_ref=order.request.order_ref,
            client_id=order.request.client_id,
            order_id=order.request.order_id,
            parent=order.request.parent,
            oca_group=order.request.oca_group,
            oca_type=order.request.oca_type,
            wire={**order.request.wire, **ticket.request.wire},
        )
        try:
            changed = visit.modify(order_id, request)
        except Rejected as refusal:
            return {"error": refusal.text}
        # The caller knows the order by this id, whatever has become of the change.
        return self._success([rows.placed(replace(changed, perm_id=order_id))])

    def _place(self, visit: Visit, tickets: Sequence[Ticket]) -> Any:
        if len(tickets) == 1 and not tickets[0].parent:
            try:
                return self._success([rows.placed(self._take(visit, tickets[0], held=False))])
            except Rejected as refusal:
                return {"error": refusal.text}
        return self._place_group(visit, tickets)

    def _place_group(self, visit: Visit, tickets: Sequence[Ticket]) -> Any:
        """Rows of children come before those of their parents; a group without parents shares one name."""
        for ticket in tickets:
            if ticket.parent and self._market.contract(ticket.request.conid) is None:
                return {"error": "Invalid contract"}
        parents = [ticket for ticket in tickets if not ticket.parent]
        children = [ticket for ticket in tickets if ticket.parent]
        told, taken = [], []
        for ticket in self._joined(parents):
            try:
                taken.append(self._take(visit, ticket, held=bool(children)))
            except Rejected as refusal:
                told.append(rows.failed(refusal.text))
        broken = False
        for ticket in children:
            row, well_formed = self._take_child(visit, ticket)
            broken = broken or not well_formed
            told.append(row)
        return told + [self._let_go(order, dead=broken) for order in taken]

    def _let_go(self, order: Order, *, dead: bool) -> dict[str, Any]:
        """A parent that waited for its children goes live, or dies with a leg that nobody can understand."""
        if dead:
            self._market.cancel(order.perm_id, "Cancelled by System: a leg of the group has failed")
            return rows.placed(order, Status.INACTIVE)
        return rows.placed(self._market.release(order.perm_id) or order)

    def _take_child(self, visit: Visit, ticket: Ticket) -> tuple[dict[str, Any], bool]:
        """Its row, and whether it was understood; one that the exchange refuses does not harm its parent."""
        parent = self.order_id(ticket.parent, ticket.request.account)
        if parent is None:
            return rows.failed(f"Parent order ID={ticket.parent} isn't recognized."), False
        price = ticket.request.limit_price
        if price is not None and price <= 0 and ticket.spread is None:
            return rows.failed("The price must be greater than 0."), False
        try:
            request = replace(ticket.request, parent=parent)
            child = self._take(visit, replace(ticket, request=request), held=False)
        except Rejected as refusal:
            return rows.failed(refusal.text), True
        return rows.placed(child, parent=parent), True

    def _joined(self, tickets: Sequence[Ticket]) -> Sequence[Ticket]:
        """Several that say so are a group of which one fills."""
        if len(tickets) < 2 or not all(ticket.single_group for ticket in tickets):
            return tickets
        number = int.from_bytes(sha256(self._name().encode()).digest()[:4], "big") % 1_000_000_000
        name, kind = f"oco-{number}", OcaType.CANCEL
        return [replace(ticket, request=replace(ticket.request, oca_group=name, oca_type=kind)) for ticket in tickets]

    def _take(self, visit: Visit, ticket: Ticket, *, held: bool) -> Order:
        """Raises Rejected, Vanished."""
        request = ticket.request
        self._check_request(ticket)
        order = visit.place(request, held=held)
        if ticket.reference:
            self._references[request.account, ticket.reference] = self._market.now(), order.perm_id
        return order

    def _success(self, told: list[dict[str, Any]]) -> Any:
        return told[0] if self._unsettled.bare_success else told


def _without_repetition(asked: Sequence[Question]) -> list[Question]:
    """Legs of one group ask the same only once."""
    return list({question.id: question for question in reversed(asked)}.values())[::-1]


def _check_hours(contract: Contract, now: datetime) -> None:
    """Raises Rejected (201) within regular hours."""
    day = trading_day(contract, local_date(contract, now))
    if day is not None and day.liquid_from <= now < day.liquid_to:
        raise Rejected(201, f"{REFUSED}a stop order may not trade outside regular hours.")
