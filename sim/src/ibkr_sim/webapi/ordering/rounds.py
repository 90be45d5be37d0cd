"""Questions that wait for an answer, each with the orders that hang on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ibkr_sim.webapi.ordering.questions import Question
from ibkr_sim.webapi.ordering.tickets import Ticket


@dataclass(frozen=True, slots=True)
class Round:
    """`asked` is before the caller now, `left` comes after it. `order_id` names the order that is to be changed."""

    id: str
    session: str
    account: str
    tickets: tuple[Ticket, ...]
    asked: tuple[Question, ...]
    left: tuple[Question, ...]
    order_id: int | None = None


class Rounds:
    """`name` makes a new reply id. `together` puts all questions under one id."""

    def __init__(self, name: Callable[[], str], *, one_at_a_time: bool, together: bool) -> None:
        self._name, self._one_at_a_time, self._together = name, one_at_a_time, together
        self._waiting: dict[str, Round] = {}

    def begin(
        self,
        session: str,
        account: str,
        tickets: Sequence[Ticket],
        questions: Sequence[Question],
        order_id: int | None = None,
    ) -> Round | None:
        """The first question, if there is any; earlier ones of the session may go stale by it."""
        if self._one_at_a_time:
            self._waiting = {key: row for key, row in self._waiting.items() if row.session != session}
        return self._ask(session, account, tuple(tickets), tuple(questions), order_id)

    def take(self, reply_id: str, session: str) -> Round | None:
        """Take out what was asked; None when it is stale, or somebody else's."""
        found = self._waiting.get(reply_id)
        if found is None or found.session != session:
            return None
        return self._waiting.pop(reply_id)

    def proceed(self, answered: Round) -> Round | None:
        """The next question of a round; None when all have been answered."""
        return self._ask(answered.session, answered.account, answered.tickets, answered.left, answered.order_id)

    def forget(self, session: str) -> None:
        self._waiting = {key: row for key, row in self._waiting.items() if row.session != session}

    def _ask(
        self,
        session: str,
        account: str,
        tickets: tuple[Ticket, ...],
        questions: tuple[Question, ...],
        order_id: int | None,
    ) -> Round | None:
        if not questions:
            return None
        now, later = (questions, ()) if self._together else (questions[:1], questions[1:])
        fresh = Round(self._name(), session, account, tickets, now, later, order_id)
        self._waiting[fresh.id] = fresh
        return fresh
