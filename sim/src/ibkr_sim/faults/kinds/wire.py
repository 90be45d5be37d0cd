"""Faults of the connection itself: cut in the middle of a word, late, or cut while something happens."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from ibkr_sim.exchange.model import Order, OrderRequest
from ibkr_sim.faults.fault import Fault
from ibkr_sim.faults.moments import Moment, Vanished
from ibkr_sim.faults.ports import Client, Kind, Message


class When(StrEnum):
    ANY = "any"
    BEFORE = "before"
    AFTER = "after"


@dataclass(eq=False)
class Cut(Fault):
    """The connection ends after so many bytes, also in the middle of a frame; once per strike.

    `when` is `any` time, or with an order: `before` it is taken (then it never is) or `after` (counting its answers).
    """

    bytes: int = 0
    when: When = When.ANY
    _left: dict[Client, int] = field(default_factory=dict, init=False)

    def own_moment(self) -> Moment | None:
        return None if self.when is When.ANY else Moment.ORDER

    def begin(self, client: Client | None) -> None:
        for one in [client] if client is not None else self.stage.clients:
            self._start(one)

    def placing(self, client: Client, request: OrderRequest) -> bool:
        if self.when is When.BEFORE:
            client.cut()
            raise Vanished
        self._start(client, wait=True)
        return False

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        left = self._left.get(client)
        if left is None:
            return (message,)
        self._left[client] = left - len(message.frame)
        if self._left[client] > 0:
            return (message,)
        client.cut(message.frame[:left])
        self._left[client] = 0
        return ()

    def left(self, client: Client) -> None:
        self._left.pop(client, None)

    def _start(self, client: Client, *, wait: bool = False) -> None:
        self._left[client] = max(self.bytes, 0)
        if not self.bytes and not wait:
            client.cut()


@dataclass(eq=False)
class FillInOutage(Fault):
    """The order is accepted, the connection breaks, and the order fills before the client is back.

    A client that only listens never hears of the fill (LEAN IB#249, #189). At the Web API's door the request and
    every WebSocket of the session break.
    """

    acts_on: ClassVar[Moment | None] = Moment.ORDER
    _due: set[tuple[Client, int]] = field(default_factory=set, init=False)
    _orders: dict[Client, int] = field(default_factory=dict, init=False)

    def placing(self, client: Client, request: OrderRequest) -> bool:
        self._due.add((client, request.order_id))
        return True

    def placed(self, client: Client, request: OrderRequest, order: Order | None) -> None:
        due = (client, request.order_id) in self._due
        self._due.discard((client, request.order_id))
        if due and order is not None:
            self._orders[client] = order.perm_id
            for one in self.stage.clients:
                if one.name == client.name:
                    one.cut()

    def left(self, client: Client) -> None:
        perm_id = self._orders.pop(client, None)
        if perm_id is not None:
            self.stage.backstage.fill(perm_id)


@dataclass(eq=False)
class Delay(Fault):
    """Every message, or every one of a kind, comes so many simulated or real seconds late, in the same order."""

    seconds: Decimal = Decimal(1)
    real: bool = False
    kind: Kind | None = None
    _kept: deque[tuple[Client, Message]] = field(default_factory=deque, init=False)

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        if self.kind not in (None, message.kind):
            return (message,)
        self._kept.append((client, message))
        self.stage.after(self.seconds, self._tell, real=self.real)
        return ()

    def end(self) -> None:
        while self._kept:
            self._tell()

    def _tell(self) -> None:
        if self._kept:
            self.stage.pass_on(*self._kept.popleft())
