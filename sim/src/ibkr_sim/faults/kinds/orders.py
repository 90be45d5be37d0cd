"""Faults of an order on its way in: lost answers, vanished orders, notices that look like refusals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.model import Order, OrderRequest, Rejected, Status
from ibkr_sim.faults.fault import TWS, Fault
from ibkr_sim.faults.moments import Moment, Vanished
from ibkr_sim.faults.ports import Client, Door, Kind, Message

TIF_PRESET, ORDER_MESSAGE, REJECTED, NOT_CANCELLABLE = 10349, 399, 201, 10148
OPENING = time(9, 30)


@dataclass(eq=False)
class AnswerLost(Fault):
    """The order is taken, and no message about it leaves until the client connects anew.

    Lists on the same connection lack it too (ib_async#66, LEAN IB#93: no callback at all, though the order works).
    At the Web API's door the request hangs, WebSockets that are open say nothing of the order, and lists have it.
    """

    acts_on: ClassVar[Moment | None] = Moment.ORDER
    _order_ids: set[tuple[Client, int]] = field(default_factory=set, init=False)
    _perm_ids: set[tuple[Client, int]] = field(default_factory=set, init=False)
    _callers: set[Client] = field(default_factory=set, init=False)
    _sockets: list[tuple[Client, OrderRequest]] = field(default_factory=list, init=False)

    def placing(self, client: Client, request: OrderRequest) -> bool:
        self._order_ids.add((client, request.order_id))
        self._callers.add(client)
        self._sockets += [(one, request) for one in self.stage.clients if one.name == client.name]
        return False

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        if message.kind is Kind.ANSWER:
            return () if client in self._callers else (message,)
        if message.topic and self._concerns(client, message):
            return ()
        if (client, message.order_id) in self._order_ids:
            # Commissions and completed orders carry no order id; what came before them has told the other one.
            if message.perm_id:
                self._perm_ids.add((client, message.perm_id))
            return ()
        return () if (client, message.perm_id) in self._perm_ids else (message,)

    def left(self, client: Client) -> None:
        self._order_ids = {row for row in self._order_ids if row[0] is not client}
        self._perm_ids = {row for row in self._perm_ids if row[0] is not client}
        self._callers.discard(client)
        self._sockets = [row for row in self._sockets if row[0] is not client]

    def _concerns(self, client: Client, message: Message) -> bool:
        """Whether a frame is about an order of which this WebSocket must not hear."""
        if message.perm_id is None:
            return False
        order = self.stage.market.order(message.perm_id)
        if order is not None and any(one is client and asked is order.request for one, asked in self._sockets):
            self._perm_ids.add((client, message.perm_id))
        return (client, message.perm_id) in self._perm_ids


@dataclass(eq=False)
class SilentDrop(Fault):
    """The order vanishes: never taken, never answered, in no list.

    IBKR's paper servers do this to some orders of a burst (LEAN IB#93). At the Web API's door the request hangs.
    """

    acts_on: ClassVar[Moment | None] = Moment.ORDER

    def placing(self, client: Client, request: OrderRequest) -> bool:
        raise Vanished


class Place(StrEnum):
    FIRST = "first"
    LAST = "last"


@dataclass(eq=False)
class TifPreset(Fault):
    """10349 with the order's id, before its first status or behind its last; the order lives.

    Clients that take every code for a refusal show it as cancelled (ib_async#191, #217, pysystemtrade#1580).
    """

    acts_on: ClassVar[Moment | None] = Moment.ORDER
    doors: ClassVar[frozenset[Door]] = TWS
    place: Place = Place.LAST
    _due: set[tuple[Client, int]] = field(default_factory=set, init=False)

    def placing(self, client: Client, request: OrderRequest) -> bool:
        if self.place is Place.FIRST:
            self._tell(client, request)
        else:
            self._due.add((client, request.order_id))
        return False

    def placed(self, client: Client, request: OrderRequest, order: Order | None) -> None:
        due = (client, request.order_id) in self._due
        self._due.discard((client, request.order_id))
        if due and order is not None:
            self._tell(client, request)

    def _tell(self, client: Client, request: OrderRequest) -> None:
        text = "Order TIF was set to DAY based on order preset."
        self.stage.say(client, request.order_id, TIF_PRESET, text)


@dataclass(eq=False)
class OrderHeld(Fault):
    """399: the order lives as PreSubmitted and trades with nobody until it is released.

    That is after so many simulated seconds, or with 0 when the fault is cleared. ib_async shows such an order as
    ValidationError until its next status. At the Web API's door nothing says 399.
    """

    acts_on: ClassVar[Moment | None] = Moment.ORDER
    seconds: Decimal = Decimal(0)
    _due: set[tuple[Client, int]] = field(default_factory=set, init=False)
    _held: list[int] = field(default_factory=list, init=False)

    def placing(self, client: Client, request: OrderRequest) -> bool:
        self._due.add((client, request.order_id))
        return True

    def placed(self, client: Client, request: OrderRequest, order: Order | None) -> None:
        due = (client, request.order_id) in self._due
        self._due.discard((client, request.order_id))
        if not due or order is None:
            return
        self._held.append(order.perm_id)
        self.stage.say(client, request.order_id, ORDER_MESSAGE, self._text(request))
        if self.seconds:
            self.stage.after(self.seconds, lambda: self._release(order.perm_id))

    def end(self) -> None:
        for perm_id in self._held:
            self.stage.backstage.release(perm_id)

    def _release(self, perm_id: int) -> None:
        self.stage.backstage.release(perm_id)

    def _text(self, request: OrderRequest) -> str:
        contract = self.stage.market.contract(request.conid)
        where = f"{contract.symbol} {contract.primary_exchange}" if contract else str(request.conid)
        opening = next_opening(self.stage.market.now(), contract.time_zone if contract else "US/Eastern")
        return (
            f"Order Message:\n{request.side} {request.quantity:f} {where}\n"
            f"Warning: your order will not be placed at the exchange until {opening}"
        )


def next_opening(now: datetime, zone: str) -> str:
    """The coming 9:30 of that zone, as IBKR writes it."""
    local = now.astimezone(ZoneInfo(zone))
    day = local.date() if local.time() < OPENING else local.date() + timedelta(days=1)
    return f"{day:%Y-%m-%d} {OPENING:%H:%M:%S} {zone}"


@dataclass(eq=False)
class StatusMissing(Fault):
    """An order that fills at once gets no orderStatus at all: executions and commissions alone tell of it.

    Documented by IBKR for fast market orders; LEAN#851, pysystemtrade#188. One that rests has its status.
    """

    acts_on: ClassVar[Moment | None] = Moment.ORDER
    doors: ClassVar[frozenset[Door]] = TWS
    _client: Client | None = field(default=None, init=False)
    _kept: list[Message] = field(default_factory=list, init=False)

    def placing(self, client: Client, request: OrderRequest) -> bool:
        self._client = client
        return False

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        if client is not self._client:
            return (message,)
        self._kept.append(message)
        return ()

    def placed(self, client: Client, request: OrderRequest, order: Order | None) -> None:
        if client is not self._client:
            return
        kept, self._kept, self._client = self._kept, [], None
        silent = order is not None and order.status is Status.FILLED
        for message in kept:
            if not (silent and message.kind is Kind.STATUS and message.order_id == request.order_id):
                self.stage.pass_on(client, message)


@dataclass(eq=False)
class InactiveReject(Fault):
    """201: the order is refused and never taken; the status Inactive follows, or does not.

    At the Web API's door the answer is 200 with an error in it.
    """

    acts_on: ClassVar[Moment | None] = Moment.ORDER
    status: bool = True
    reason: str = "YOUR ORDER IS NOT ACCEPTED"
    _silenced: set[tuple[Client, int]] = field(default_factory=set, init=False)

    def placing(self, client: Client, request: OrderRequest) -> bool:
        if not self.status:
            self._silenced.add((client, request.order_id))
        raise Rejected(REJECTED, f"Order rejected - reason:{self.reason}")

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        if message.kind is Kind.STATUS and (client, message.order_id) in self._silenced:
            return ()
        return (message,)


@dataclass(eq=False)
class RefusedCancel(Fault):
    """10148 to a cancel although the order lives and stays in the book (ib_async then shows it as cancelled).

    At the Web API's door the answer is 400.
    """

    acts_on: ClassVar[Moment | None] = Moment.CANCEL

    def cancelling(self, client: Client, order: Order) -> None:
        identity = order.request.order_id or order.perm_id
        text = f"OrderId {identity} that needs to be cancelled can not be cancelled, state: {order.status}."
        raise Rejected(NOT_CANCELLABLE, text)


@dataclass(eq=False)
class ModifyForks(Fault):
    """A change leaves the old order live and places a second one: one order id, two permIds, both can fill.

    Seen when connectivity was lost during a modify (nautilus_trader#4564); the hidden one filled six hours later.
    At the Web API's door the answer names the old order, and the other one is in the lists under the same order_ref.
    """

    acts_on: ClassVar[Moment | None] = Moment.MODIFY

    def modifying(self, client: Client, perm_id: int, request: OrderRequest) -> Order | None:
        return self.stage.market.place(request)
