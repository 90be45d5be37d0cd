"""The moments of one connected client, each of which passes every fault that concerns it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from ibkr_sim.exchange.model import Commission, Executed, Execution, Order, OrderRequest
from ibkr_sim.exchange.port import Market
from ibkr_sim.faults.fault import Fault
from ibkr_sim.faults.injection import Injection
from ibkr_sim.faults.moments import HttpAnswer, Moment, Reply, Request, Snapshot
from ibkr_sim.faults.ports import Backstage, Client, Kind, Message

Row = TypeVar("Row")
Event = TypeVar("Event")


class Registry(Protocol):
    """Where the faults are kept."""

    @property
    def market(self) -> Market: ...
    @property
    def backstage(self) -> Backstage: ...
    @property
    def injections(self) -> Sequence[Injection]: ...
    def active(self, client: Client | None) -> list[Injection]: ...
    def notice(self, moment: Moment, client: Client | None, subject: str = "", amount: int = 1) -> None: ...
    def fired(
        self, moment: Moment, client: Client, applies: Callable[[Fault], bool] = ..., subject: str = ""
    ) -> list[Fault]: ...
    def leave(self, client: Client, *, counts: bool = True) -> None: ...
    def skew(self, client: Client | None = None) -> timedelta: ...


class Visit:
    """What a door calls for a client: its orders go in through this, its messages leave through it."""

    def __init__(self, registry: Registry, client: Client, *, counts: bool = True) -> None:
        self._registry, self._client, self._counts = registry, client, counts
        self._market = registry.market

    @property
    def gone(self) -> bool:
        return self._client.gone

    def left(self) -> None:
        """The connection has ended."""
        self._registry.leave(self._client, counts=self._counts)

    def now(self) -> datetime:
        """The time that this client is told."""
        return self._market.now() + self._registry.skew(self._client)

    def ask(self, request: Request) -> None:
        """Handle a message: at once, later, or never."""
        if request.path:
            minded = self._registry.fired(
                Moment.REQUEST, self._client, lambda fault: fault.minds(request), request.subject
            )
            for fault in minded:
                fault.requested(request)
        else:
            self._registry.notice(Moment.MESSAGE, self._client, request.subject)
        self.ask_on(request)

    def ask_on(self, request: Request, after: Injection | None = None) -> None:
        """As `ask`, from behind the fault that had kept it."""
        if all(row.fault.asked(request) for row in self._behind(after)):
            request.proceed()

    def instead(self, request: Request) -> HttpAnswer | None:
        """What a request over HTTP is told in place of being handled."""
        told = (row.fault.instead(request) for row in self._registry.active(self._client))
        return next((answer for answer in told if answer is not None), None)

    def answering(self, request: Request, answer: HttpAnswer) -> HttpAnswer:
        """What it is told once it has been handled."""
        for row in self._registry.active(self._client):
            answer = row.fault.answering(request, answer)
        return answer

    @property
    def binary(self) -> bool:
        """Whether a WebSocket speaks in binary frames."""
        return any(row.fault.binary for row in self._registry.active(self._client))

    def send(self, frame: bytes) -> None:
        """Let a message leave: at once, later, several times or never."""
        if not self._registry.injections:
            self._client.deliver(frame)
            return
        message = self._client.describe(frame)
        if message.topic:
            self._registry.notice(Moment.FRAME, self._client, message.topic)
        if message.kind is Kind.EXECUTION and not message.asked:
            for fault in self._registry.fired(Moment.EXECUTION, self._client):
                fault.executing(self._client, message)
        self.send_on(message)

    def send_on(self, message: Message, after: Injection | None = None) -> None:
        """As `send`, from behind the fault that had kept it."""
        messages: list[Message] = [message]
        for row in self._behind(after):
            messages = [kept for one in messages for kept in row.fault.leaving(self._client, one)]
        for one in messages:
            self._client.deliver(one.frame)
            self._registry.notice(Moment.BYTES, self._client, amount=len(one.frame))

    def reply(self, reply: Reply) -> None:
        """A question about an order is being answered. Raises Overruled."""
        for fault in self._registry.fired(Moment.REPLY, self._client):
            fault.replying(reply)
        for row in self._registry.active(self._client):
            row.fault.replied(reply)

    def place(self, request: OrderRequest, *, held: bool = False) -> Order:
        """Raises Rejected as the exchange does, and Vanished. One that is held waits for the exchange's `release`."""
        acting = self._registry.fired(Moment.ORDER, self._client)
        order: Order | None = None
        try:
            aside = [fault.placing(self._client, request) for fault in acting]
            if any(aside):
                with self._registry.backstage.aside():
                    order = self._market.place(request)
            else:
                order = self._market.hold(request) if held else self._market.place(request)
            return order
        finally:
            for row in self._registry.active(self._client):
                row.fault.placed(self._client, request, order)

    def modify(self, perm_id: int, request: OrderRequest) -> Order:
        """The order as it is known from now on. Raises Rejected, Vanished."""
        for fault in self._registry.fired(Moment.MODIFY, self._client):
            instead = fault.modifying(self._client, perm_id, request)
            if instead is not None:
                return instead  # one change forks once, however often that was ordered
        return self._market.modify(perm_id, request)

    def cancel(self, order: Order) -> Order:
        """Raises Rejected, Vanished."""
        for fault in self._registry.fired(Moment.CANCEL, self._client):
            fault.cancelling(self._client, order)
        return self._market.cancel(order.perm_id)

    def executions(self) -> tuple[Sequence[tuple[Execution, Commission]], bool]:
        """The day's executions as this client is told of them, and whether their end is told."""
        rows, ended = self.snapshot(Snapshot.EXECUTIONS, self._market.executions())
        skew = self._registry.skew(self._client)
        return [(_shifted(execution, skew), commission) for execution, commission in rows], ended

    def seen(self, event: Event) -> Event | Executed:
        """An event of the exchange as this client is told of it."""
        skew = self._registry.skew(self._client)
        if skew and isinstance(event, Executed):
            return Executed(_shifted(event.execution, skew), event.order)
        return event

    def snapshot(self, snapshot: Snapshot, rows: Sequence[Row]) -> tuple[Sequence[Row], bool]:
        """What is told of a list, and whether its end is told."""
        ended = True
        for row in self._registry.active(self._client):
            rows = row.fault.visible(self._client, snapshot, rows)
        for fault in self._registry.fired(Moment.SNAPSHOT, self._client, lambda fault: fault.applies(snapshot)):
            rows, told = fault.listing(self._client, snapshot, rows)
            ended = ended and told
        return rows, ended

    def _behind(self, after: Injection | None) -> Iterable[Injection]:
        rows = self._registry.injections
        first = rows.index(after) + 1 if after in rows else 0
        return [row for row in rows[first:] if row.active and row.concerns(self._client)]


def _shifted(execution: Execution, skew: timedelta) -> Execution:
    return execution if not skew else replace(execution, time=execution.time + skew)
