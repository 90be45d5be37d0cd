"""The topic `sor`: whole rows at first, then what has changed; nothing of what was before."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from ibkr_sim.exchange.model import Event, Order, OrderChanged, Status
from ibkr_sim.webapi.numbers import quantity
from ibkr_sim.webapi.ordering.tradebook import Trade
from ibkr_sim.webapi.resources.accounts import covers
from ibkr_sim.webapi.resources.monitoring import link
from ibkr_sim.webapi.settings import OrderStream
from ibkr_sim.webapi.shapes import orders as shapes
from ibkr_sim.webapi.shapes.orders import Linked
from ibkr_sim.webapi.streams.topic import Listener

PENDING_SUBMIT = "PendingSubmit"


class Orders:
    """`filters` name the states that are told; empty for all."""

    def __init__(self, listener: Listener, filters: Collection[str]) -> None:
        self._listener, self._filters = listener, frozenset(filters)
        self._known: dict[int, Order] = {}

    def begin(self) -> None:
        for order in self._listener.house.market.open_orders():
            self._known[order.perm_id] = order

    def hear(self, event: Event, _trade: Trade | None) -> None:
        if isinstance(event, OrderChanged) and self._concerns(event.order):
            before, self._known[event.order.perm_id] = self._known.get(event.order.perm_id), event.order
            linked = link(self._listener.house, event.order)
            if linked is not None:
                self._report(linked, before)

    def beat(self, _moment: float) -> bool:
        return True

    def _concerns(self, order: Order) -> bool:
        house, session = self._listener.house, self._listener.session
        silent = house.unsettled.order_stream is OrderStream.SILENT or session.progress.orders_filtered
        wanted = not self._filters or order.status.value in self._filters
        return wanted and not silent and covers(house, session, order.request.account)

    def _report(self, linked: Linked, before: Order | None) -> None:
        order = linked.order
        if before is None:
            self._introduce(linked)
        if order.status is Status.CANCELLED:
            pending = replace(order, status=Status.PENDING_CANCEL)
            self._tell(shapes.streamed_order(replace(linked, order=pending)))
        change = shapes.state_change(order)
        if before is not None and before.filled != order.filled:
            change |= self._fills(linked)
        self._tell(change)

    def _introduce(self, linked: Linked) -> None:
        """As IBKR does within a few milliseconds: an inactive row, its name, then the steps to its state."""
        order = linked.order
        self._tell(shapes.streamed_order(linked) | {"status": Status.INACTIVE.value})
        self._tell(shapes.identity_frame(linked))
        change = shapes.state_change(order)
        self._tell(change | {"status": PENDING_SUBMIT, "order_ccp_status": PENDING_SUBMIT})
        if order.status is not Status.PRE_SUBMITTED:
            self._tell(shapes.state_change(replace(order, status=Status.PRE_SUBMITTED)))

    def _fills(self, linked: Linked) -> dict[str, Any]:
        order = linked.order
        return {
            "filledQuantity": float(order.filled),
            "remainingQuantity": float(order.remaining),
            "sizeAndFills": f"{quantity(order.filled)}/{quantity(order.request.quantity)}",
            "avgPrice": shapes.average(order, linked.contract),
        }

    def _tell(self, row: dict[str, Any]) -> None:
        self._listener.tell({"topic": "sor", "args": [row]})
