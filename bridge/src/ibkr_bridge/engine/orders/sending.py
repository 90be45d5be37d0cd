"""From an intent that is kept to the broker's word on it: sent once, then waited for, never sent again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import (
    BrokerAway,
    BrokerRefused,
    BrokerSilent,
    GuardDenied,
    JournalAway,
    NotHeardOf,
    OrderFinished,
    QuestionAsked,
    UnknownOrder,
)
from ibkr_bridge.domain.events import (
    Answerer,
    CancelRequested,
    ChangeRefused,
    ChangeRequested,
    Denied,
    Established,
    OrderEvent,
    Reported,
    Sent,
)
from ibkr_bridge.domain.identity import reference
from ibkr_bridge.domain.order import BrokerIds, Order, OrderStatus, Preview
from ibkr_bridge.domain.questions import Decide, Question
from ibkr_bridge.domain.terms import Terms
from ibkr_bridge.engine.book import OrderBook
from ibkr_bridge.engine.guarding.outlook import Market, Outlook
from ibkr_bridge.engine.orders.losses import answer_lost
from ibkr_bridge.engine.orders.questions import Questions
from ibkr_bridge.engine.recorder import Recorder
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.guards.chain import GUARDS, SWITCHES
from ibkr_bridge.guards.verdict import Denial, Guard, Intent
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.upstream import Capabilities, Permit, Upstream, Word

_REASON_GRACE = 0.2
"""How long a rejection may wait for the message that says why, in seconds."""


_FORKED = "IBKR made a second order of the change; it is being cancelled, and the order keeps its terms."


class Sending:
    """What was begun is finished, also when the caller has gone; each method then tells how the order stands."""

    def __init__(
        self,
        upstream: Upstream,
        clock: Clock,
        settings: EngineSettings,
        *,
        book: OrderBook,
        recorder: Recorder,
        questions: Questions,
        outlook: Outlook,
    ) -> None:
        self._upstream = upstream
        self._clock = clock
        self._settings = settings
        self._book = book
        self._recorder = recorder
        self._questions = questions
        self._outlook = outlook
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def door(self) -> Capabilities:
        """What this way to the broker can carry."""
        return self._upstream.capabilities

    async def place(
        self, orders: Sequence[Order], kept: Sequence[asyncio.Future[int]], guards: tuple[Guard, ...] = GUARDS
    ) -> Order:
        """A new order and its children, or the orders of a group, once `kept` says that the intents are.

        `guards` have let them pass. Raises JournalAway, BrokerAway, GuardDenied: nothing was sent.
        """
        permit = self._permit([(order, order.terms) for order in orders], guards)
        return await self._owned(self._carry(orders, kept, permit), orders[0])

    async def place_confirmed(self, order: Order, guards: tuple[Guard, ...] = GUARDS) -> Order:
        """Anew, with the caller's yes to the broker's questions. Raises as `place`."""
        orders = self.family(order)
        permit = self._permit([(member, member.terms) for member in orders], guards)
        return await self._owned(self._carry_again(orders, permit), order)

    async def change(self, order: Order, terms: Terms, confirmed: frozenset[str]) -> Order:
        """Raises JournalAway, BrokerAway, GuardDenied, BrokerRefused, QuestionAsked, OrderFinished."""
        return await self._owned(self._send_change(order, terms, confirmed), order)

    async def cancel(self, order: Order) -> Order:
        """One that is on its way is cancelled as soon as the broker can know it.

        Raises BrokerAway, BrokerRefused, OrderFinished, NotHeardOf; UnknownOrder: its intent was never kept.
        """
        return await self._owned(self._send_cancel(order), order)

    async def decline(self, order: Order) -> Order:
        """The caller's no to the broker's questions. It waits for no journal: nothing is live, and nothing will be."""
        for member in self.family(order):
            self._questions.decline(member, Answerer.CALLER)
        return self._book.get(order.id) or order

    def family(self, order: Order) -> list[Order]:
        """The order, and those that wait for the same answer: its children, or the others of its group."""
        children = (self._book.get(child) for child in order.children)
        alike = [child for child in children if child is not None and child.status is order.status]
        return [order, *alike, *(mate for mate in self._book.mates(order) if mate.status is order.status)]

    def refused(self, questions: Sequence[Question]) -> Question | None:
        """The first that the policy lets no caller confirm."""
        return self._questions.refused(questions)

    async def preview(self, account: str, contract: Contract, terms: Terms) -> Preview:
        return await self._upstream.preview(account, contract, terms)

    async def first_word(self, order: Order) -> Order:
        """The order once the broker has said anything of it, or as it stands when the time is up."""
        return await self._until(order, _heard, self._settings.first_word_timeout)

    def unheard(self, order: Order) -> Order:
        """The order, of which a byte may have left by now, as one whose fate is unknown."""
        self._lost(order.id, "on its way, and no word from IBKR")
        return self._book.get(order.id) or order

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _permit(self, asked: Sequence[tuple[Order, Terms]], guards: tuple[Guard, ...]) -> Permit:
        """Asks the kill switch again about each order with its terms, as everything stands by then."""
        switches = tuple(guard for guard in guards if guard in SWITCHES)

        def permit() -> None:
            for order, terms in asked:
                now = self._book.get(order.id) or order
                intent = Intent(now.account, now.contract, terms, replaces=now)
                legs = tuple(Market() for _leg in now.contract.legs)
                if (denial := self._outlook.denial([intent], Market(legs=legs), switches)) is not None:
                    raise denied(denial)

        return permit

    async def _carry(self, orders: Sequence[Order], kept: Sequence[asyncio.Future[int]], permit: Permit) -> None:
        """Once the intents are kept, send them, then wait for the broker's first word."""
        try:
            await asyncio.gather(*kept)
        except OSError:
            raise JournalAway from None
        await self._send(orders, self._questions.decide(orders[0]), permit)

    async def _carry_again(self, orders: Sequence[Order], permit: Permit) -> None:
        try:
            async with asyncio.timeout(self._settings.first_word_timeout):
                await asyncio.gather(*(self._questions.confirm(order) for order in orders))
        except TimeoutError:  # a yes that is kept much later must send nothing any more
            for order in orders:
                self._questions.asked(order, order.questions)
            raise JournalAway from None
        latest = [self._book.get(order.id) or order for order in orders]
        await self._send(orders, self._questions.decide(orders[0], frozenset(latest[0].confirmed)), permit)

    async def _send(self, orders: Sequence[Order], decide: Decide, permit: Permit) -> None:
        """Put the orders to the broker and hear its first word on each: taken, refused, a question, or none."""
        if await self._in_time(self._place(orders, decide, permit)):
            await asyncio.gather(*(self._hear(order) for order in orders))
            return
        now = self._book.get(orders[0].id) or orders[0]
        if now.status is OrderStatus.DENIED:  # found out just in time, and only the journal still writes
            permit()
            raise BrokerAway(now.reason or "The order was not sent.")
        for order in orders:
            if not _heard(self._book.get(order.id) or order):
                self._lost(order.id, "sent, and no word from IBKR")

    async def _place(self, orders: Sequence[Order], decide: Decide, permit: Permit) -> None:
        names = [reference(order.id, attempt=order.attempt) for order in orders]
        try:
            words = await self._put(orders, names, decide, permit)
        except (BrokerAway, GuardDenied) as unsent:
            await asyncio.gather(*(self._not_sent(order, unsent) for order in orders))
            raise
        except QuestionAsked as asked:
            await asyncio.gather(*(self._questions.asked(order, asked.questions) for order in orders))
        except (BrokerRefused, BrokerSilent) as word:
            self._take(orders, names, [word] * len(orders))
        else:
            self._take(orders, names, words)

    async def _put(
        self, orders: Sequence[Order], names: Sequence[str], decide: Decide, permit: Permit
    ) -> Sequence[Word]:
        if len(orders) == 1:
            return [await self._upstream.place(orders[0], names[0], decide, permit)]
        return await self._upstream.place_all(orders, names, decide, permit)

    def _take(self, orders: Sequence[Order], names: Sequence[str], words: Sequence[Word]) -> None:
        now = self._clock.now()
        for order, name, word in zip(orders, names, words, strict=True):
            if isinstance(word, BrokerRefused):
                self._recorder.record(order.id, self._refused(name, word))
            elif isinstance(word, BrokerSilent):
                self._recorder.record(order.id, Sent(BrokerIds(reference=name), now))
                self._recorder.record(order.id, answer_lost(word.detail, now, self._settings))
            else:
                self._recorder.record(order.id, Sent(word, now))

    async def _not_sent(self, order: Order, why: BrokerAway | GuardDenied) -> None:
        """Its client order id is free again; one that had been confirmed waits for an answer as before."""
        latest = self._book.get(order.id) or order
        if order.questions:
            await self._questions.asked(order, order.questions)
        elif latest.status is OrderStatus.UNKNOWN:  # its caller was told so, and keeps the id
            text = f"nothing was sent: {why.detail}"
            await self._record(order.id, Established(OrderStatus.NEVER_ARRIVED, text, self._clock.now()))
        else:
            await self._record(order.id, Denied(why.code, why.detail, self._clock.now()))
            self._book.release(order)

    def _refused(self, name: str, refusal: BrokerRefused) -> Reported:
        return Reported(
            OrderStatus.REJECTED,
            BrokerIds(reference=name),
            Decimal(0),
            None,
            self._clock.now(),
            refusal.text or refusal.detail,
            refusal.ibkr_code,
        )

    async def _hear(self, order: Order) -> None:
        heard = await self.first_word(order)
        if heard.status is OrderStatus.REJECTED and heard.reason is None:
            heard = await self._until(order, lambda order: order.reason is not None, _REASON_GRACE)
        if not _heard(heard):
            self._lost(order.id, "sent, and no word from IBKR")

    async def _send_change(self, order: Order, terms: Terms, confirmed: frozenset[str]) -> None:
        try:
            await self._record(order.id, ChangeRequested(terms, self._clock.now()))
        except OSError:
            raise JournalAway from None
        refusal = self._book.refusal(order.id)
        if not await self._in_time(self._modify(order, terms, confirmed)):
            now = self._book.get(order.id) or order
            if now.status.terminal:
                raise OrderFinished(order.id, now.status)
            self._lost(order.id, "change sent, and no word from IBKR")
            return
        await self._until(
            order,
            lambda now: (
                now.terms == terms
                or now.status.terminal
                or len(now.broker) > len(order.broker)
                or self._book.refusal(order.id) is not refusal
            ),
            self._settings.first_word_timeout,
        )
        now = self._book.get(order.id) or order
        if now.terms == terms:
            return
        if len(now.broker) > len(order.broker):
            raise BrokerRefused(None, _FORKED, advice="See GET /orders/{id}; change it again when one order is left.")
        if now.status.terminal:
            raise OrderFinished(order.id, now.status)
        latest = self._book.refusal(order.id)
        if latest is not None and latest is not refusal:
            raise BrokerRefused(latest.code, latest.text)
        self._lost(order.id, "change sent, and no word from IBKR")

    async def _modify(self, order: Order, terms: Terms, confirmed: frozenset[str]) -> None:
        decide, permit = self._questions.decide(order, confirmed), self._permit([(order, terms)], GUARDS)
        try:
            await self._upstream.modify(order, terms, decide, permit)
        except (QuestionAsked, BrokerRefused, GuardDenied) as refused:
            self._recorder.record(order.id, ChangeRefused(refused.detail, self._clock.now()))
            raise

    async def _send_cancel(self, order: Order) -> None:
        self._recorder.record(order.id, CancelRequested(self._clock.now()))
        known = await self._until(order, _settled_or_named, self._settings.first_word_timeout)
        if self._book.get(order.id) is None:
            raise UnknownOrder(order.id)
        refusal = self._book.refusal(order.id)
        if not known.status.terminal:
            await self._in_time(self._cancel(known))
        ended = await self._until(
            order,
            lambda order: order.status.terminal or self._book.refusal(order.id) is not refusal,
            self._settings.first_word_timeout,
        )
        if ended.status.terminal and ended.status is not OrderStatus.CANCELLED:
            raise OrderFinished(order.id, ended.status)
        latest = self._book.refusal(order.id)
        if not ended.status.terminal and latest is not None and latest is not refusal:
            raise BrokerRefused(latest.code, latest.text)

    async def _cancel(self, order: Order) -> None:
        try:
            await self._upstream.cancel(order)
        except (BrokerAway, NotHeardOf) as unsent:  # whoever asked may have been told that it was on its way
            text = f"The cancel was not sent: {unsent.detail}"
            self._recorder.record(order.id, ChangeRefused(text, self._clock.now()))
            raise

    async def _in_time(self, work: Coroutine[None, None, None]) -> bool:
        """Whether it ended in time and with an answer; what has not goes on, and records later what became of it."""
        task = self._own(work, "order on its way")
        await asyncio.wait({task}, timeout=self._settings.first_word_timeout)
        if not task.done():
            return False
        try:
            task.result()
        except BrokerSilent:
            return False
        return True

    def _lost(self, order_id: str, what: str) -> None:
        seconds = self._settings.first_word_timeout
        # Not awaited: the caller is told what is true even while the journal cannot be written.
        lost = answer_lost(f"{what} within {seconds:g} s", self._clock.now(), self._settings)
        self._recorder.record(order_id, lost)

    async def _record(self, order_id: str, event: OrderEvent) -> None:
        await self._recorder.record(order_id, event)

    async def _until(self, order: Order, true: Callable[[Order], bool], seconds: float) -> Order:
        """The order once `true` holds of it, or as it stands when the time is up."""
        latest = self._book.get(order.id) or order
        try:
            async with asyncio.timeout(seconds):
                while not true(latest):
                    told = await self._book.next(order.id)
                    latest = self._book.get(order.id) or told  # more may have happened before we woke
        except TimeoutError:
            latest = self._book.get(order.id) or latest
        return latest

    async def _owned(self, work: Coroutine[None, None, None], order: Order) -> Order:
        await asyncio.shield(self._own(work, f"order {order.id}"))
        return self._book.get(order.id) or order

    def _own(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # raised to the caller if it is still there


def denied(denial: Denial) -> GuardDenied:
    return GuardDenied(
        denial.guard,
        denial.detail,
        limit=denial.limit,
        value=denial.value,
        advice=denial.advice,
        retry_at=denial.retry_at,
    )


def _heard(order: Order) -> bool:
    return order.status not in (OrderStatus.RECEIVED, OrderStatus.SENT)


def _settled_or_named(order: Order) -> bool:
    """It has a number by which it can be cancelled, or there is nothing to wait for."""
    named = any(theirs.order_id or theirs.perm_id for theirs in order.broker)
    return named or order.status.terminal or order.status is OrderStatus.AWAITING_ANSWER
