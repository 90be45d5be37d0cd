"""Which orders are taken: those that are well formed, whose terms go together, and that the account can bear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from ibkr_sim.exchange.accounts.office import Office, Part, leg_part, part
from ibkr_sim.exchange.model import Contract, Order, OrderRequest, Preview, Quote
from ibkr_sim.exchange.orders.validation import check_change, check_links, check_order, check_terms
from ibkr_sim.exchange.trading.allocation import orders_of


class Admission:
    """`contract` and `order` find what a request refers to, `quote` tells what it would trade at."""

    def __init__(
        self,
        accounts: Sequence[str],
        office: Office,
        contract: Callable[[int], Contract | None],
        order: Callable[[int], Order | None],
        quote: Callable[[int], Quote],
    ) -> None:
        self._accounts, self._office = frozenset(accounts), office
        self._contract, self._order, self._quote = contract, order, quote

    def place(self, request: OrderRequest, now: datetime) -> None:
        """Raises Rejected."""
        contract = self._check(request, now)
        if not self._waits_for_parent(request):
            for one in orders_of(request, contract.size_increment):
                self._office.admit(one, self._parts(one, contract))

    def change(self, perm_id: int, request: OrderRequest, now: datetime) -> None:
        """Weigh what is left to fill against what it replaces. Raises Rejected."""
        order = check_change(self._order(perm_id), request)
        contract = self._check(request, now)
        after = replace(request, quantity=request.quantity - order.filled)
        if not self._waits_for_parent(request):
            before = replace(order.request, quantity=order.remaining)
            replaced = {one.account: one for one in orders_of(before, contract.size_increment)}
            for one in orders_of(after, contract.size_increment):
                self._office.admit(one, self._parts(one, contract), replaced.get(one.account))

    def preview(self, request: OrderRequest, now: datetime) -> Preview:
        """Raises Rejected."""
        return self._office.preview(request, self._parts(request, self._check(request, now)))

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
