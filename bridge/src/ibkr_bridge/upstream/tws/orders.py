"""Orders on the wire: sent once under our reference; the gateway's words passed on, its client's verdicts not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import ib_async
from ib_async.client import Client

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import BrokerRefused, BrokerSilent, NotHeardOf
from ibkr_bridge.domain.events import Executed, Reported, Warned
from ibkr_bridge.domain.order import BrokerIds, BrokerOrder, Order, Preview
from ibkr_bridge.domain.terms import Terms
from ibkr_bridge.ports.upstream import BrokerState, Listener, MessageKind, OrderMessage, OrderReported, Permit
from ibkr_bridge.upstream.pacing import Lane
from ibkr_bridge.upstream.tws import translate
from ibkr_bridge.upstream.tws.codes import Code, Effect
from ibkr_bridge.upstream.tws.numbers import decimal
from ibkr_bridge.upstream.tws.requests import Request
from ibkr_bridge.upstream.tws.terms import told
from ibkr_bridge.upstream.tws.wire import Wire

_CANCELLED = 202
_OPEN = "open orders"
_COMPLETED = "completed orders"
_KINDS = {Effect.REFUSED: MessageKind.REFUSED, Effect.CANCEL_REFUSED: MessageKind.CANCEL_REFUSED}


class Orders:
    def __init__(self, wire: Wire, now: Callable[[], datetime], emit: Listener) -> None:
        self._wire = wire
        self._now = now
        self._emit = emit
        self._looking = asyncio.Lock()
        self._references: dict[int, str] = {}
        """By order id, of this client: orderStatus and error messages carry no reference."""
        self._parents: dict[int, int] = {}
        """By order id, of this client: a change must name the parent again."""

    def remember(self, orders: Sequence[Order]) -> None:
        for order in orders:
            for theirs in order.broker:
                if self._mine(theirs):
                    self._wire.used(theirs.order_id)

    async def place(self, order: Order, reference: str, permit: Permit) -> BrokerIds:
        client = await self._wire.turn(Lane.ORDERS)
        permit()
        number = client.getReqId()
        self._wire.used(number)
        self._references[number] = reference
        sent = translate.order_sent(order.account, order.terms, reference)
        client.placeOrder(number, translate.contract_sent(order.contract), sent)
        return BrokerIds(order_id=number, client_id=client.clientId, reference=reference)

    async def place_all(
        self, orders: Sequence[Order], references: Sequence[str], permit: Permit
    ) -> Sequence[BrokerIds]:
        """Of a parent and its children nothing is transmitted before the last has come (TWS API, "Bracket Orders")."""
        for _message in orders:
            client = await self._wire.turn(Lane.ORDERS)
        permit()
        first, last, taken = client.getReqId(), orders[-1], list[BrokerIds]()
        for order, reference in zip(orders, references, strict=True):
            number = client.getReqId() if taken else first
            parent = first if order.parent_id is not None else 0
            self._wire.used(number)
            self._references[number] = reference
            if parent:
                self._parents[number] = parent
            whole = order is last or not (order.children or order.parent_id)
            sent = translate.order_sent(order.account, order.terms, reference, parent=parent, transmit=whole)
            client.placeOrder(number, translate.contract_sent(order.contract), sent)
            taken.append(BrokerIds(order_id=number, client_id=client.clientId, reference=reference))
        return taken

    async def modify(self, order: Order, terms: Terms, permit: Permit) -> None:
        """The same order id again is a change (TWS API, "Modifying Orders")."""
        broker = self._own(order)
        client = await self._wire.turn(Lane.ORDERS)
        permit()
        parent = self._parents.get(broker.order_id, 0)
        sent = translate.order_sent(order.account, terms, broker.reference, parent=parent)
        client.placeOrder(broker.order_id, translate.contract_sent(order.contract), sent)

    async def cancel(self, order: Order, theirs: BrokerOrder | None = None) -> None:
        """An order id that two orders share reaches the newest of them that lives."""
        broker = theirs if theirs is not None and self._mine(theirs) else self._own(order)
        (await self._wire.turn(Lane.ORDERS)).cancelOrder(broker.order_id, "")

    async def cancel_everything(self) -> None:
        (await self._wire.turn(Lane.ORDERS)).reqGlobalCancel()

    async def preview(self, account: str, contract: Contract, terms: Terms) -> Preview:
        client = await self._wire.turn(Lane.ORDERS)
        number = client.getReqId()
        with self._wire.requests.open(number, "the preview") as request:
            sent = translate.order_sent(account, terms, "", what_if=True)
            client.placeOrder(number, translate.contract_sent(contract), sent)
            states = await request.all(self._wire.settings.request_timeout)
        return translate.preview(states[0])

    async def state(self) -> BrokerState:
        """Open and completed orders and executions; a part that is not answered leaves it incomplete."""
        async with self._looking:
            asked_at = self._now()
            opened, open_whole = await self._collect(_OPEN, lambda client: client.reqAllOpenOrders())
            completed, completed_whole = await self._collect(
                _COMPLETED, lambda client: client.reqCompletedOrders(apiOnly=False)
            )
            executions, executions_whole = await self._executions()
        whole = open_whole and completed_whole and executions_whole
        return BrokerState(asked_at, opened, completed, executions, whole)

    def open_order(
        self, number: int, contract: ib_async.Contract, order: ib_async.Order, state: ib_async.OrderState
    ) -> None:
        if self._is_preview(number, state) or order.whatIf:
            return
        self._wire.used(order.orderId)  # whoever placed it: ours must exceed every id that TWS has shown us
        if order.clientId == self._wire.settings.client_id and order.orderId > 0:
            if order.orderRef:
                self._references[order.orderId] = order.orderRef
            if order.parentId:
                self._parents[order.orderId] = order.parentId
        report = translate.open_order(order, state, self._now())
        if report is not None:
            event = OrderReported(report, order.account, translate.contract(contract), told(order))
            self._wire.requests.add(_OPEN, event)
            self._emit(event)

    def open_orders_end(self) -> None:
        self._wire.requests.finish(_OPEN)

    def completed_order(self, contract: ib_async.Contract, order: ib_async.Order, state: ib_async.OrderState) -> None:
        report = translate.completed_order(order, state, self._now())
        if report is not None:
            event = OrderReported(report, order.account, translate.contract(contract))
            self._wire.requests.add(_COMPLETED, event)

    def completed_orders_end(self) -> None:
        self._wire.requests.finish(_COMPLETED)

    def status(self, number: int, status: str, filled: float, average: float, perm_id: int, client_id: int) -> None:
        ours = translate.STATUSES.get(status)
        self._wire.used(number)
        if ours is None:
            return
        reference = self._references.get(number, "") if client_id == self._wire.settings.client_id else ""
        self._emit(
            OrderReported(
                Reported(
                    status=ours,
                    broker=BrokerIds(number, perm_id, client_id, reference),
                    filled_qty=decimal(filled) or translate.ZERO,
                    avg_fill_price=decimal(average) if filled else None,
                    at=self._now(),
                )
            )
        )

    def execution(self, number: int, contract: ib_async.Contract, execution: ib_async.Execution) -> None:
        event = translate.executed(contract, execution)
        if event is not None and not self._wire.requests.add(number, event):  # what was asked for is told by the answer
            self._emit(event)

    def executions_end(self, number: int) -> None:
        self._wire.requests.finish(number)

    def commission(self, report: ib_async.CommissionReport) -> None:
        self._emit(translate.commissioned(report, self._now()))

    def message(self, number: int, code: Code, text: str) -> bool:
        reference = self._references.get(number)
        if reference is None:
            return False
        if code.number == _CANCELLED and not text.partition(":")[2].strip():
            return True  # the order's status says the same, and this message adds no reason
        broker = BrokerIds(order_id=number, client_id=self._wire.settings.client_id, reference=reference)
        kind = _KINDS.get(code.effect, MessageKind.NOTE)
        self._emit(OrderMessage(broker, kind, Warned(code.number, text, self._now())))
        return True

    def _is_preview(self, number: int, state: ib_async.OrderState) -> bool:
        """The answer to a preview is an openOrder that carries margin figures (TWS API, "Checking Margin Changes")."""
        if decimal(state.initMarginChange) is None or not self._wire.requests.add(number, state):
            return False
        return self._wire.requests.finish(number)

    def _mine(self, theirs: BrokerOrder) -> bool:
        return theirs.client_id == self._wire.settings.client_id and theirs.order_id > 0

    def _own(self, order: Order) -> BrokerOrder:
        """The names of the order under this client id: no other client may touch it (TWS API, "Client ID")."""
        if not any(theirs.order_id or theirs.perm_id for theirs in order.broker):
            raise NotHeardOf(order.id, order.status)
        mine = self._wire.settings.client_id
        for broker in reversed(order.broker):
            if self._mine(broker):
                return broker
        raise BrokerRefused(
            None,
            f"Order {order.id} was not placed by client id {mine}.",
            advice="Run the service with the client id that placed it, or change it where it was placed.",
        )

    async def _collect(self, name: str, ask: Callable[[Client], None]) -> tuple[list[OrderReported], bool]:
        client = await self._wire.turn(Lane.SESSION)
        with self._wire.requests.open(name, name) as request:
            ask(client)
            return await self._answer(request)

    async def _executions(self) -> tuple[list[Executed], bool]:
        client = await self._wire.turn(Lane.SESSION)
        number = client.getReqId()
        with self._wire.requests.open(number, "executions") as request:
            client.reqExecutions(number, ib_async.ExecutionFilter())
            return await self._answer(request)

    async def _answer(self, request: Request) -> tuple[list[Any], bool]:
        try:
            return list(await request.all(self._wire.settings.request_timeout)), True
        except (BrokerSilent, BrokerRefused):
            return list(request.items), False
