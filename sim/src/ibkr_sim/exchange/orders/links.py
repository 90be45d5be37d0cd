"""Orders that depend on each other: children on their parent, members of a group on each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from ibkr_sim.exchange.model import OrderRequest
from ibkr_sim.exchange.orders.families.reducing import OcaType
from ibkr_sim.exchange.orders.order import Ticket

Key = TypeVar("Key", int, tuple[str, str])


class Links:
    """Holds orders that work or wait; who has ended is not here."""

    def __init__(self) -> None:
        self._children: dict[int, list[Ticket]] = {}
        self._groups: dict[tuple[str, str], list[Ticket]] = {}

    def add(self, ticket: Ticket) -> None:
        request = ticket.request
        if request.parent:
            self._children.setdefault(request.parent, []).append(ticket)
        if request.oca_group:
            self._groups.setdefault((request.account, request.oca_group), []).append(ticket)

    def remove(self, ticket: Ticket) -> None:
        request = ticket.request
        _drop(self._children, request.parent, ticket)
        _drop(self._groups, (request.account, request.oca_group), ticket)

    def children(self, ticket: Ticket) -> Sequence[Ticket]:
        return tuple(self._children.get(ticket.perm_id, ()))

    def others(self, ticket: Ticket) -> Sequence[Ticket]:
        """The rest of its group."""
        group = self._groups.get((ticket.request.account, ticket.request.oca_group), ())
        return tuple(other for other in group if other is not ticket)


def _drop(rows: dict[Key, list[Ticket]], key: Key, ticket: Ticket) -> None:
    tickets = rows.get(key, [])
    if ticket in tickets:
        tickets.remove(ticket)
        if not tickets:
            del rows[key]


def linked(request: OrderRequest) -> OrderRequest:
    """Children of one parent are a group without block, named after it, unless they say otherwise."""
    if request.parent and not request.oca_group:
        return replace(request, oca_group=str(request.parent), oca_type=OcaType.REDUCE)
    return request
