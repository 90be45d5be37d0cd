"""Which order ids each client has used, and for what; kept for the life of the simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ibkr_sim.exchange.model import Order, OrderRequest


class OrderBook:
    """Order ids belong to a client id, not to a connection: they survive a reconnect."""

    def __init__(self) -> None:
        self._highest: dict[int, int] = {}
        self._perm_ids: dict[tuple[int, int], list[int]] = {}
        self._held: dict[tuple[int, int], OrderRequest] = {}
        self._shown: dict[tuple[int, int], int] = {}

    @property
    def highest(self) -> dict[int, int]:
        """The highest order id of each client."""
        return dict(self._highest)

    def recall(self, highest: Mapping[int, int], orders: Iterable[Order]) -> None:
        """Go on after a restart: the ids that were used, and the orders that still are there."""
        self._highest = dict(highest)
        for order in orders:
            if order.request.order_id:
                self.record(order.request.client_id, order.request.order_id, order.perm_id)

    def next_id(self, client_id: int) -> int:
        return self._highest.get(client_id, 0) + 1

    def used(self, client_id: int, order_id: int) -> bool:
        """Whether the id lies at or below the highest this client has used."""
        return order_id < self.next_id(client_id)

    def burn(self, client_id: int, order_id: int) -> None:
        self._highest[client_id] = max(order_id, self._highest.get(client_id, 0))

    def show(self, client_id: int, order: Order) -> None:
        """A client has seen another one's order: its own ids go on behind that order's."""
        self.burn(client_id, order.request.order_id)
        self._shown[client_id, order.request.order_id] = order.perm_id

    def shown(self, client_id: int, order_id: int) -> int | None:
        """The permanent id of another client's order that this client has last seen by that id."""
        return self._shown.get((client_id, order_id))

    def record(self, client_id: int, order_id: int, perm_id: int) -> None:
        self.burn(client_id, order_id)
        self._held.pop((client_id, order_id), None)
        known = self._perm_ids.setdefault((client_id, order_id), [])
        if perm_id not in known:
            known.append(perm_id)

    def perm_ids(self, client_id: int, order_id: int) -> Sequence[int]:
        """Of the orders that go by this id, the newest first: a change that forks leaves two."""
        return tuple(reversed(self._perm_ids.get((client_id, order_id), ())))

    def hold(self, request: OrderRequest) -> None:
        """Keep an order that is not to be transmitted yet; the newest version wins."""
        self.burn(request.client_id, request.order_id)
        self._held[request.client_id, request.order_id] = request

    def holds(self, client_id: int, order_id: int) -> bool:
        return (client_id, order_id) in self._held

    def held_one(self, client_id: int, order_id: int) -> OrderRequest | None:
        return self._held.get((client_id, order_id))

    def family(self, request: OrderRequest, parent_of: Callable[[OrderRequest], int]) -> Sequence[OrderRequest]:
        """Take out what is held and hangs together with an order's parent: parents before their children.

        `parent_of` reads an order's parent id.
        """
        mine = {order_id: held for (client_id, order_id), held in self._held.items() if client_id == request.client_id}
        root = parent_of(request)
        while root in mine and parent_of(mine[root]) in mine:
            root = parent_of(mine.pop(root))
        return self._descend(request.client_id, root, parent_of)

    def _descend(self, client_id: int, order_id: int, parent_of: Callable[[OrderRequest], int]) -> list[OrderRequest]:
        first = self._held.pop((client_id, order_id), None)
        found = [] if first is None else [first]
        below = [key for key, held in self._held.items() if key[0] == client_id and parent_of(held) == order_id]
        for _client_id, child in below:
            found += self._descend(client_id, child, parent_of)
        return found

    def held(self) -> Sequence[OrderRequest]:
        return tuple(self._held.values())

    def release(self, client_id: int, order_id: int) -> OrderRequest | None:
        """Take a held order out; None when there is none."""
        return self._held.pop((client_id, order_id), None)
