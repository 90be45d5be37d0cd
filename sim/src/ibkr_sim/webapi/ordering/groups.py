"""Orders that depend on each other: children that wait for their parent, and groups of which one may fill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ibkr_sim.exchange.model import Event, Executed, OrderChanged, Rejected, Status
from ibkr_sim.exchange.port import Market

GROUP_DONE = "Cancelled by System: another order of the group has filled"
PARENT_DONE = "Cancelled by System: the parent order has ended"


@dataclass(slots=True)
class Links:
    """By order id: a child's parent, and the name of the group that an order belongs to."""

    parents: dict[int, int] = field(default_factory=dict)
    groups: dict[int, str] = field(default_factory=dict)


class Groups:
    """Listens to the market, releases children when their parent fills and cancels what a fill has made void."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._links = Links()

    @property
    def parents(self) -> Mapping[int, int]:
        return self._links.parents

    @property
    def names(self) -> Mapping[int, str]:
        return self._links.groups

    def bind(self, child: int, parent: int) -> None:
        """Two or more children of one parent are a group as well: its exits."""
        self._links.parents[child] = parent
        self._links.groups[child] = str(parent)

    def join(self, order_id: int, group: str) -> None:
        self._links.groups[order_id] = group

    def hear(self, event: Event) -> None:
        if isinstance(event, Executed) and event.order.perm_id in self._links.groups:
            self._end(self._rivals(event.order.perm_id), GROUP_DONE)
        if isinstance(event, OrderChanged) and event.order.status.done:
            self._follow(event.order.perm_id, event.order.status)

    def _follow(self, parent: int, status: Status) -> None:
        children = [child for child, of in self._links.parents.items() if of == parent]
        if status is Status.FILLED:
            for child in children:
                self._market.release(child)
        else:
            self._end(children, PARENT_DONE)

    def _rivals(self, order_id: int) -> list[int]:
        name = self._links.groups[order_id]
        return [other for other, group in self._links.groups.items() if group == name and other != order_id]

    def _end(self, orders: Iterable[int], reason: str) -> None:
        for order_id in orders:
            order = self._market.order(order_id)
            if order is None or order.status.done:
                continue
            try:
                self._market.cancel(order_id, reason)
            except Rejected:  # it has ended meanwhile: nothing is left to do
                continue
