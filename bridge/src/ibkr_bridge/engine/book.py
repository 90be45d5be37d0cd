"""The orders that matter now, in memory, findable by every name they have."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection

from ibkr_bridge.domain.events import Warned
from ibkr_bridge.domain.identity import order_of
from ibkr_bridge.domain.order import BrokerIds, Order
from ibkr_bridge.ports.journal import Bound

KEEP_FINISHED = 10_000
"""How many ended orders stay at hand; older ones are the journal's."""


class OrderBook:
    """Orders by id, by perm id and by the execution that belongs to them."""

    def __init__(self, changed: Callable[[Order, Order], None]) -> None:
        """`changed` hears of each change of an order, how it was and how it is."""
        self._changed = changed
        self._orders: dict[str, Order] = {}
        self._unfinished: dict[str, Order] = {}
        self._by_perm_id: dict[int, str] = {}
        self._by_execution: dict[str, str] = {}
        self._bound: dict[tuple[str, str], Bound] = {}
        self._owing: set[str] = set()
        self._foreign: dict[int, Order] = {}
        self._finished: deque[str] = deque()
        self._watchers: dict[str, dict[asyncio.Future[Order], None]] = {}
        self._refusals: dict[str, Warned] = {}

    def get(self, order_id: str) -> Order | None:
        return self._orders.get(order_id)

    def known(self) -> Collection[Order]:
        """Every order at hand, ended or not."""
        return self._orders.values()

    def owing(self) -> list[Order]:
        """Orders of which the broker has told more fills than it has shown."""
        return [self._orders[order_id] for order_id in sorted(self._owing)]

    def foreign(self) -> list[Order]:
        """Orders placed elsewhere that the broker shows as live, newest first."""
        return sorted(self._foreign.values(), key=lambda order: order.created_at, reverse=True)

    def put_foreign(self, perm_id: int, order: Order) -> None:
        """Gone once it has ended: its history is the broker's, not ours."""
        if order.status.terminal:
            self._foreign.pop(perm_id, None)
        else:
            self._foreign[perm_id] = order

    def stranger(self, perm_id: int) -> Order | None:
        return self._foreign.get(perm_id)

    def unfinished(self) -> list[Order]:
        return list(self._unfinished.values())

    def mates(self, order: Order) -> list[Order]:
        """The other orders of its group, as far as they are at hand."""
        group = order.terms.oca
        return [
            other
            for other in self._orders.values()
            if group is not None
            and other.terms.oca == group
            and other.account == order.account
            and other.id != order.id
        ]

    def bound(self, account: str, client_order_id: str) -> Bound | None:
        """The order that a client order id belongs to, as it stands now."""
        bound = self._bound.get((account, client_order_id))
        return Bound(self._orders[bound.order.id], bound.fingerprint) if bound else None

    def bind(self, order: Order, fingerprint: str) -> None:
        """Give the order's client order id to it, from before its intent is on disk."""
        if order.client_order_id:
            self._bound[order.account, order.client_order_id] = Bound(order, fingerprint)

    def named(self, broker: BrokerIds) -> Order | None:
        """The order that goes by these names at the broker, if it is one of ours."""
        order_id = order_of(broker.reference) or self._by_perm_id.get(broker.perm_id)
        return self._orders.get(order_id) if order_id else None

    def executed(self, exec_id: str) -> Order | None:
        order_id = self._by_execution.get(exec_id)
        return self._orders.get(order_id) if order_id else None

    def put(self, order: Order) -> None:
        before = self._orders.get(order.id)
        self._orders[order.id] = order
        if order.status.terminal:
            self._unfinished.pop(order.id, None)
        else:
            self._unfinished[order.id] = order
        for ids in order.broker:
            if ids.perm_id:
                self._by_perm_id[ids.perm_id] = order.id
        for fill in order.fills:
            self._by_execution[fill.exec_id] = order.id
        if order.owes_fills:
            self._owing.add(order.id)
        else:
            self._owing.discard(order.id)
        if before is not None:
            self._changed(before, order)
        if order.status.terminal and not (before and before.status.terminal):
            self._retire(order.id)

    def refused(self, order_id: str, message: Warned) -> None:
        """Remember the broker's latest refusal, for whoever waits for the answer to a change or a cancel."""
        self._refusals[order_id] = message

    def refusal(self, order_id: str) -> Warned | None:
        return self._refusals.get(order_id)

    def release(self, order: Order) -> None:
        """Free the client order id of an order that never left the house."""
        if order.client_order_id:
            self._bound.pop((order.account, order.client_order_id), None)

    def drop(self, order: Order) -> None:
        """Forget an order whose intent could not be kept: it never was."""
        self._orders.pop(order.id, None)
        self._unfinished.pop(order.id, None)
        self.release(order)

    def wake(self, order: Order) -> None:
        """Tell everybody who waits for this order how it stands, the first one first."""
        for watcher in self._watchers.pop(order.id, ()):
            if not watcher.done():
                watcher.set_result(order)

    async def next(self, order_id: str) -> Order:
        """The order after its next recorded change."""
        watcher: asyncio.Future[Order] = asyncio.get_running_loop().create_future()
        watchers = self._watchers.setdefault(order_id, {})
        watchers[watcher] = None
        try:
            return await watcher
        finally:
            watchers.pop(watcher, None)

    def _retire(self, order_id: str) -> None:
        self._finished.append(order_id)
        while len(self._finished) > KEEP_FINISHED:
            self._forget(self._finished.popleft())

    def _forget(self, order_id: str) -> None:
        order = self._orders.get(order_id)
        if order is None or not order.status.terminal:
            return
        del self._orders[order_id]
        self._refusals.pop(order_id, None)
        self._owing.discard(order_id)
        for ids in order.broker:
            self._by_perm_id.pop(ids.perm_id, None)
        for fill in order.fills:
            self._by_execution.pop(fill.exec_id, None)
        self.release(order)
