"""The topics `sor` and `str`: orders and trades as they change, each told whole."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

from ibkr_bridge.api.mirror.shapes import orders as rows
from ibkr_bridge.api.mirror.streams.grammar import Request
from ibkr_bridge.api.mirror.streams.outlet import Outlet
from ibkr_bridge.domain.errors import BridgeError, Unknown
from ibkr_bridge.domain.events import Commissioned, Executed, OrderUpdate
from ibkr_bridge.domain.identity import order_of
from ibkr_bridge.domain.order import Order
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.engine.topics import ORDERS
from ibkr_bridge.hub.hub import Hub

_LOOK: Final = 0.5
"""Seconds between two looks at what was placed elsewhere, of which the hub does not tell."""


class Orders:
    """First the orders that live, then every change of one. `filters` names the states that are told."""

    def __init__(self, engine: Engine, hub: Hub, outlet: Outlet) -> None:
        self._engine = engine
        self._hub = hub
        self._outlet = outlet
        self._filters: frozenset[str] = frozenset()
        self._told: dict[str, dict[str, Any]] = {}
        self._parents: dict[str, Order] = {}
        """Orders whose children have to name them."""
        self._leave: Callable[[], None] | None = None

    async def subscribe(self, request: Request) -> None:
        """Raises what reading the journal raises."""
        await self.close()
        self._filters = frozenset(map(_plain, request.texts("filters")))
        self._leave = self._hub.tap(ORDERS, self._hear)
        try:
            listed = await self._engine.mirror.listed()
        except BridgeError:
            await self.close()
            raise
        self._know(listed)
        self._tell(order for order in listed if not order.status.terminal)

    async def unsubscribe(self, _request: Request) -> None:
        await self.close()

    async def close(self) -> None:
        if self._leave is not None:
            self._leave()
        self._leave, self._told, self._parents = None, {}, {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(_LOOK)
            if self._leave is not None:
                self._tell(self._engine.orders.foreign())

    def _hear(self, message: object) -> None:
        if isinstance(message, OrderUpdate):
            self._know((message.order,))
            self._tell((message.order,))

    def _know(self, orders: Iterable[Order]) -> None:
        self._parents |= {order.id: order for order in orders if order.children}

    def _row(self, order: Order) -> dict[str, Any]:
        return rows.live_order(order, self._parents.get(order.parent_id or ""))

    def _tell(self, orders: Iterable[Order]) -> None:
        shown = [(order, self._row(order)) for order in orders if rows.at_ibkr(order)]
        news = [(order, row) for order, row in shown if self._told.get(order.id) != row]
        self._told |= {order.id: row for order, row in news}
        wanted = [row for order, row in news if not self._filters or _plain(rows.state(order)) in self._filters]
        if wanted:
            self._outlet.tell({"topic": "sor", "args": wanted})


class Trades:
    """First those of the day, then each as it happens, and once more when its commission is known."""

    def __init__(self, engine: Engine, hub: Hub, outlet: Outlet) -> None:
        self._engine = engine
        self._hub = hub
        self._outlet = outlet
        self._seen: dict[str, Executed] = {}
        self._leave: Callable[[], None] | None = None

    async def subscribe(self, request: Request) -> None:
        """Raises what asking the broker for its executions raises."""
        await self.close()
        self._leave = self._hub.tap(ORDERS, self._hear)
        self._outlet.tell({"topic": "str", "args": []})
        try:
            found = await self._unseen()
        except BridgeError:
            await self.close()
            raise
        if request.arguments.get("realtimeUpdatesOnly") is not True:
            await self._tell(found)

    async def unsubscribe(self, _request: Request) -> None:
        await self.close()

    async def close(self) -> None:
        if self._leave is not None:
            self._leave()
        self._leave, self._seen = None, {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(_LOOK)
            if self._leave is not None:
                with suppress(BridgeError):
                    await self._tell(one for one in await self._unseen() if order_of(one.broker.reference) is None)

    async def _unseen(self) -> list[Executed]:
        """Those that this socket has not been told of; from now on it has."""
        found = [one for one in await self._engine.mirror.executions() if one.exec_id not in self._seen]
        self._seen |= {executed.exec_id: executed for executed in found}
        return found

    async def _tell(self, found: Iterable[Executed]) -> None:
        told = [rows.trade(executed, await self._order(executed)) for executed in found]
        if told:
            self._outlet.tell({"topic": "str", "args": told})

    def _hear(self, message: object) -> None:
        if not isinstance(message, OrderUpdate):
            return
        if isinstance(message.event, Executed):
            self._seen[message.event.exec_id] = message.event
        elif not isinstance(message.event, Commissioned):
            return
        executed = self._seen.get(message.event.exec_id)
        if executed is not None:
            self._outlet.tell({"topic": "str", "args": [rows.trade(executed, message.order)]})

    async def _order(self, executed: Executed) -> Order | None:
        order_id = order_of(executed.broker.reference)
        try:
            return await self._engine.orders.get(order_id) if order_id is not None else None
        except Unknown:
            return None


def _plain(name: str) -> str:
    """`pre_submitted` and `PreSubmitted` mean the same."""
    return re.sub(r"[^a-z]", "", name.lower())
