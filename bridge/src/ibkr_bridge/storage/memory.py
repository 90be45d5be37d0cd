"""A journal that lives as long as the process."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from ibkr_bridge.domain.events import Denied, OrderUpdate, Received
from ibkr_bridge.domain.order import Order, OrderStatus
from ibkr_bridge.ports.journal import Bound, Entry, Page, no_cursor


class MemoryJournal:
    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._orders: dict[str, Order] = {}
        self._ids: list[str] = []
        self._switches: dict[str, str] = {}
        self._bound: dict[tuple[str, str], tuple[str, str]] = {}

    warning = None

    async def append(self, entries: Sequence[Entry]) -> int:
        first = len(self._entries) + 1
        for entry in entries:
            self._entries.append(entry)
            self._keep(entry)
        return first

    async def order(self, order_id: str) -> Order | None:
        return self._orders.get(order_id)

    async def bound(self, account: str, client_order_id: str) -> Bound | None:
        binding = self._bound.get((account, client_order_id))
        return Bound(self._orders[binding[0]], binding[1]) if binding else None

    async def orders(
        self,
        *,
        account: str | None = None,
        statuses: frozenset[OrderStatus] | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page:
        if cursor is not None and cursor not in self._orders:
            raise no_cursor("orders")
        end = len(self._ids) if cursor is None else bisect_left(self._ids, cursor)
        found: list[Order] = []
        for order_id in reversed(self._ids[:end]):
            order = self._orders[order_id]
            if (account is None or order.account == account) and (statuses is None or order.status in statuses):
                if len(found) == limit:
                    return Page(tuple(found), found[-1].id)
                found.append(order)
        return Page(tuple(found), None)

    async def remember(self, name: str, value: str) -> None:
        self._switches[name] = value

    async def recall(self, name: str) -> str | None:
        return self._switches.get(name)

    async def unfinished(self) -> Sequence[Order]:
        return [order for order_id in self._ids if not (order := self._orders[order_id]).status.terminal]

    async def events(self, after: int, limit: int = 1000) -> tuple[OrderUpdate, ...]:
        """In order, from the first one past `after`, each with the order as it stood then."""
        kept = self._entries[after : after + limit]
        return tuple(OrderUpdate(seq, entry.event, entry.order) for seq, entry in enumerate(kept, start=after + 1))

    async def last_seq(self) -> int:
        return len(self._entries)

    async def close(self) -> None:
        return None

    def _keep(self, entry: Entry) -> None:
        order = entry.order
        if order.id not in self._orders:
            # ids sort by time, but two made within one millisecond may arrive in either order
            self._ids.insert(bisect_left(self._ids, order.id), order.id)
        self._orders[order.id] = order
        if order.client_order_id is None:
            return
        key = (order.account, order.client_order_id)
        if isinstance(entry.event, Received):
            self._bound[key] = (order.id, entry.event.fingerprint)
        elif isinstance(entry.event, Denied) and self._bound.get(key, ("",))[0] == order.id:
            del self._bound[key]
