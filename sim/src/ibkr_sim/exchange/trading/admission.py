"""Which orders are taken: those that are well formed, whose terms go together, and that the account can bear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from ibkr_sim.exchange.accounts.office import Office, Part, leg_part, part
from ibkr_sim.exchange.model import Contract, Order, OrderRequest, Preview, Quote, Rejected
from ibkr_sim.exchange.orders.validation import (
    NO_SUCH_TYPE,
    REFUSED,
    check_change,
    check_links,
    check_order,
    check_terms,
)
from ibkr_sim.exchange.trading.allocation import orders_of


class Admission:
    """`contract` and `order` find what a request refers to, `quote` tells what it would trade at.

    `count_beside` counts the orders that work beside it, of which `most_working` may (0: any number).
    """

    def __init__(
        self,
        accounts: Sequence[str],
        office: Office,
        contract: Callable[[int], Contract | None],
        order: Callable[[int], Order | None],
        quote: Callable[[int], Quote],
        count_beside: Callable[[OrderRequest], int],
        most_working: int,
    ) -> None:
        self._accounts, self._office = frozenset(accounts), office
        self._contract, self._order, self._quote = contract, order, quote
        self._count_beside, self._most_working = count_beside, most_working

    def place(self, request: OrderRequest, now: datetime) -> None:
        """Raises Rejected."""
        contract = self._check(request, now)
        if self._waits_for_parent(request):
            return
        if self._most_working and self._count_beside(request) >= self._most_working:
            most = self._most_working
            raise Rejected(201, f"{REFUSED}No more than {most} orders may work on the same side of a contract.")
        for one in orders_of(request, contract.size_increment):
            self._office.admit(one, self._parts(one, contract))

    def change(self, perm_id: int, request: OrderRequest, now: datetime) -> None:
        """Weigh what is left to fill against what it replaces. Raises Rejected."""
        order = check_change(self._order(perm_id), request)
        contract = self._check_changed(request, order, now)
        after = replace(request, quantity=request.quantity - order.filled)
        if not self._waits_for_parent(request):
            before = replace(order.request, quantity=order.remaining)
            replaced = {one.account: one for one in orders_of(before, contract.size_increment)}
            for one in orders_of(after, contract.size_increment):
                self._office.admit(one, self._parts(one, contract), replaced.get(one.account))

    def preview(self, request: OrderRequest, now: datetime) -> Preview:
        """Raises Rejected."""
        return self._office.preview(request, self._parts(request, self._check(request, now)))

    def _check_changed(self, request: OrderRequest, order: Order, now: datetime) -> Contract:
        """Raises Rejected, 329 for a type that the order cannot become."""
        try:
            return self._check(request, now)
        except Rejected as refusal:
            if refusal.code == NO_SUCH_TYPE and request.order_type != order.request.order_type:
                raise Rejected(329, "Order modify failed. Cannot change to the new order type.") from None
            raise

    def _check(self, request: OrderRequest, now: datetime) -> Contract:
        known = request.account in self._accounts
        contract = check_order(request, self._contract(request.conid), account_known=known)
        check_terms(request, contract, now)
        check_links(request, self._contract, parent_known=self._order(request.parent) is not None)
        return contract

    def _waits_for_parent(self, request: OrderRequest) -> bool:
        """A child is not weighed while its parent works: it closes what the parent opens."""
        parent = self._order(request.parent)
        return parent is not None and not parent.status.done

    def _parts(self, request: OrderRequest, contract: Contract) -> Sequence[Part]:
        """What an order trades, at the price that is to be expected."""
        if not contract.legs:
            return (part(request, contract, self._quote),)
        found = ((leg, self._contract(leg.conid)) for leg in contract.legs)
        return tuple(leg_part(request, leg, one, self._quote(leg.conid)) for leg, one in found if one is not None)
