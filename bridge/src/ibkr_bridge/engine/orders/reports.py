"""What the broker says about orders: found by its names, applied by the state machine, never guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace

import structlog

from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.domain.events import Changed, ChangeRefused, Commissioned, Established, Executed, Reported
from ibkr_bridge.domain.fills import corrected_by
from ibkr_bridge.domain.order import Order, OrderStatus
from ibkr_bridge.domain.transitions import apply
from ibkr_bridge.engine.book import OrderBook
from ibkr_bridge.engine.orders.commissions import Unclaimed
from ibkr_bridge.engine.orders.forks import Forks
from ibkr_bridge.engine.orders.losses import answer_lost
from ibkr_bridge.engine.orders.questions import Questions
from ibkr_bridge.engine.recorder import Recorder
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.upstream import BrokerState, MessageKind, OrderMessage, OrderReported, Upstream

log = structlog.get_logger()
_ABSENT = "not among IBKR's open orders, completed orders and executions"
_GRACE = 0.5
"""How long after a refusal the broker's own report may take, in seconds, before we look for the order."""


class Reports:
    def __init__(
        self,
        upstream: Upstream,
        clock: Clock,
        settings: EngineSettings,
        *,
        book: OrderBook,
        recorder: Recorder,
        forks: Forks,
        questions: Questions,
        stranger: Callable[[Executed], None],
        looked: Callable[[BrokerState], None],
    ) -> None:
        """`stranger` hears of executions of other orders than ours, `looked` of each look once it is taken in."""
        self._upstream = upstream
        self._clock = clock
        self._settings = settings
        self._forks = forks
        self._questions = questions
        self._stranger = stranger
        self._looked = looked
        self._book = book
        self._recorder = recorder
        self._unclaimed = Unclaimed()
        self._tasks: set[asyncio.Task[None]] = set()

    async def remember(self, orders: Sequence[Order]) -> None:
        """Orders of an earlier life of this service. What it had begun and not heard of is unknown until asked."""
        self._upstream.remember(orders)
        for order in orders:
            self._book.put(order)
            if order.status in (OrderStatus.RECEIVED, OrderStatus.SENT):
                await self._lose(order, "the service was restarted before IBKR had answered")
            self._forks.look_at(order.id)
            self._questions.wait(order)

    def reported(self, event: OrderReported) -> None:
        order = self._book.named(event.report.broker)
        if order is None:
            self._foreign(event)
            return
        self._recorder.record(order.id, self._explained(order, event.report))
        latest = self._book.get(order.id) or order
        if event.terms is not None and _speaks_for(latest, event) and not latest.terms.repeats(event.terms):
            self._recorder.record(order.id, Changed(latest.terms.amended(event.terms), event.report.at))
        self._forks.look_at(order.id)

    def _foreign(self, event: OrderReported) -> None:
        """An order that is not ours is shown as the broker tells it, and kept nowhere."""
        report = event.report
        known = self._book.stranger(report.broker.perm_id)
        if known is None and event.contract is not None and event.terms is not None and report.broker.perm_id:
            known = Order(
                id=f"ibkr-{report.broker.perm_id}",
                account=event.account or "",
                contract=event.contract,
                terms=event.terms,
                status=report.status,
                created_at=report.at,
                updated_at=report.at,
                foreign=True,
            )
        if known is not None:
            told = known if event.terms is None else replace(known, terms=event.terms)
            self._book.put_foreign(report.broker.perm_id, apply(told, report))

    def executed(self, event: Executed) -> None:
        order = self._book.named(event.broker)
        if order is None:
            self._stranger(event)
            return
        known = corrected_by(order, event)
        if known is not None:
            event = replace(event, corrects=known.exec_id, corrected_qty=known.qty)
        self._recorder.record(order.id, event)
        self._forks.look_at(order.id)
        commission = self._unclaimed.claim(event.exec_id)
        if commission is not None:
            self._recorder.record(order.id, commission)

    def commissioned(self, event: Commissioned) -> None:
        """A commission may come before its execution: it is kept until then."""
        order = self._book.executed(event.exec_id)
        if order is None:
            self._unclaimed.keep(event)
        else:
            self._recorder.record(order.id, event)

    def message(self, event: OrderMessage) -> None:
        order = self._book.named(event.broker)
        if order is None:
            return
        self._recorder.record(order.id, event.message)
        if event.kind is MessageKind.NOTE:
            return
        self._book.refused(order.id, event.message)
        if event.kind is MessageKind.REFUSED and order.status in (OrderStatus.RECEIVED, OrderStatus.SENT):
            self._own(self._confirm_refusal(order, event))
        elif event.kind is MessageKind.REFUSED:
            self._recorder.record(order.id, ChangeRefused(event.message.text, event.message.at))
        else:
            self._own(self._look(order))

    def lost(self, why: str) -> None:
        """The way to the broker broke: what had no word yet may or may not have arrived."""
        for order in self._book.unfinished():
            if order.status is OrderStatus.SENT:
                self._lose(order, f"{why}, before IBKR had answered")

    def compare(self, state: BrokerState) -> list[Order]:
        """Take in all that the broker shows; what it ought to show and does not becomes unknown, and is returned."""
        absent = self._take_in(state)
        for order in absent:
            told = _ABSENT in {evidence.text for evidence in order.evidence}
            if order.status is not OrderStatus.UNKNOWN or not told:
                self._lose(order, _ABSENT)
        return [self._book.get(order.id) or order for order in absent]

    def _take_in(self, state: BrokerState) -> list[Order]:
        """The orders that a complete state ought to show and does not."""
        for executed in state.executions:
            self.executed(executed)
        seen = {executed.broker.perm_id for executed in state.executions}
        for reported in (*state.open, *state.completed):
            self.reported(reported)
            seen.add(reported.report.broker.perm_id)
        self._looked(state)
        if not state.complete:
            return []
        return [
            order
            for order in self._book.unfinished()
            if order.status is not OrderStatus.RECEIVED
            and order.updated_at < state.asked_at
            and not seen & {ids.perm_id for ids in order.broker}
        ]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _confirm_refusal(self, order: Order, event: OrderMessage) -> None:
        """A refusal alone moves nothing: look whether the broker has the order, and only then believe it."""
        await self._clock.sleep(_GRACE)
        latest = self._book.get(order.id)
        if latest is None or latest.status not in (OrderStatus.RECEIVED, OrderStatus.SENT):
            return
        if order.id not in {absent.id for absent in await self._look(order)}:
            return
        message = event.message
        text = f"IBKR refused it ({message.code}) and shows no such order"
        verdict = Established(OrderStatus.REJECTED, text, self._clock.now(), message.text, message.code)
        self._recorder.record(order.id, verdict)

    async def _look(self, order: Order) -> list[Order]:
        """Ask the broker for everything it shows, and tell which orders it ought to show and does not."""
        try:
            return self._take_in(await self._upstream.broker_state())
        except BridgeError as problem:
            log.warning("orders could not be compared", order=order.id, code=problem.code, detail=problem.detail)
            return []

    def _explained(self, order: Order, report: Reported) -> Reported:
        """A rejection carries no reason of its own: the message before it did."""
        refusal = self._book.refusal(order.id)
        if report.status is not OrderStatus.REJECTED or report.reason is not None or refusal is None:
            return report
        return replace(report, reason=refusal.text, reason_code=refusal.code)

    def _lose(self, order: Order, text: str) -> asyncio.Future[int]:
        return self._recorder.record(order.id, answer_lost(text, self._clock.now(), self._settings))

    def _own(self, work: Coroutine[None, None, object]) -> None:
        async def run() -> None:
            await work

        task = asyncio.create_task(run(), name="order report")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _speaks_for(order: Order, event: OrderReported) -> bool:
    """Of a fork, the one that is to stay has the terms."""
    live = order.live_at_broker
    return len(order.broker) < 2 or not live or live[0].perm_id == event.report.broker.perm_id
