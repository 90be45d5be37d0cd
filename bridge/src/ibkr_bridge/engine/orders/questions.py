"""The broker's questions: answered by policy, else shown, and over when nobody answers in time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from ibkr_bridge.domain.events import Answered, Answerer, Asked
from ibkr_bridge.domain.order import Order, OrderStatus
from ibkr_bridge.domain.questions import Decide, Question
from ibkr_bridge.engine.book import OrderBook
from ibkr_bridge.engine.recorder import Recorder
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.ports.clock import Clock

log = structlog.get_logger()


class Questions:
    def __init__(self, clock: Clock, settings: EngineSettings, *, book: OrderBook, recorder: Recorder) -> None:
        self._clock = clock
        self._settings = settings
        self._book = book
        self._recorder = recorder
        self._waiting: dict[str, asyncio.Task[None]] = {}

    def decide(self, order: Order, confirmed: frozenset[str] = frozenset()) -> Decide:
        """Answers by policy and by what the caller has confirmed; each yes is on record."""

        def answer(question: Question) -> bool:
            if not self._settings.policy.confirms(question, confirmed):
                return False
            by = Answerer.POLICY if self._settings.policy.confirms(question) else Answerer.CALLER
            self._recorder.record(order.id, Answered(question, confirmed=True, by=by, at=self._clock.now()))
            return True

        return answer

    def refused(self, questions: Sequence[Question]) -> Question | None:
        """The first that no caller may confirm."""
        return next((question for question in questions if self._settings.policy.refuses(question)), None)

    def asked(self, order: Order, questions: tuple[Question, ...]) -> asyncio.Future[int]:
        """Nothing is live until somebody says yes."""
        now = self._clock.now()
        until = now + timedelta(seconds=self._settings.answer_timeout)
        kept = self._recorder.record(order.id, Asked(questions, now, until))
        self.wait(self._book.get(order.id) or order)
        return kept

    def wait(self, order: Order) -> None:
        """Let the question of this order run out, also one of an earlier life."""
        if order.status is not OrderStatus.AWAITING_ANSWER or order.deadline is None:
            return
        self.settled(order.id)
        left = (order.deadline - self._clock.now()).total_seconds()
        self._waiting[order.id] = asyncio.create_task(self._run_out(order.id, max(left, 0)), name="question")

    def confirm(self, order: Order) -> asyncio.Future[int]:
        """The caller's yes: once it is kept, the order may be put to the broker anew."""
        return self._answer(order, Answerer.CALLER, confirmed=True)

    def decline(self, order: Order, by: Answerer) -> asyncio.Future[int]:
        """The caller's no, or nobody's answer: the order ends, and nothing of it was ever live."""
        return self._answer(order, by, confirmed=False)

    def _answer(self, order: Order, by: Answerer, *, confirmed: bool) -> asyncio.Future[int]:
        self.settled(order.id)
        question = Question(
            tuple(name for question in order.questions for name in question.ids),
            " ".join(question.text for question in order.questions),
        )
        return self._recorder.record(order.id, Answered(question, confirmed, by, self._clock.now()))

    def settled(self, order_id: str) -> None:
        waiting = self._waiting.pop(order_id, None)
        if waiting is not None and waiting is not asyncio.current_task():
            waiting.cancel()

    async def close(self) -> None:
        tasks = list(self._waiting.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run_out(self, order_id: str, seconds: float) -> None:
        await self._clock.sleep(seconds)
        order = self._book.get(order_id)
        if order is not None and order.status is OrderStatus.AWAITING_ANSWER:
            log.info("a question of IBKR was not answered in time", order=order_id)
            self.decline(order, Answerer.TIME)
