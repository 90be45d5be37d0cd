"""What is left of a seed once it has been judged; small enough to travel between processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from faults.books import Complaint, Wrong, complaints
from faults.doors import Door
from faults.records import Outcome


@dataclass(frozen=True, slots=True)
class Verdict:
    """`asked` is the number of orders that callers wanted; `story` is for people."""

    seed: int
    door: Door
    asked: int
    complaints: tuple[Complaint, ...]
    struck: frozenset[str]
    story: tuple[str, ...]


def verdict(outcome: Outcome) -> Verdict:
    found = tuple(complaints(outcome))
    return Verdict(outcome.seed, outcome.door, len(outcome.asked.places), found, outcome.faults, tuple(_story(outcome)))


def _story(outcome: Outcome) -> Iterable[str]:
    yield from outcome.happened
    for order in sorted(outcome.beliefs.orders, key=lambda order: order.id):
        yield f"{order.id} {order.client_order_id} {order.side} {order.status} {order.filled} of {order.qty}"
        answers = outcome.asked.places.get(order.client_order_id or "", [])
        yield f"  placed: {', '.join(_said(answer.status, answer.code) for answer in answers)}"
        for wish in outcome.asked.wishes.get(order.id, []):
            yield f"  {wish.method} {wish.body or ''}: {_said(wish.status, wish.code)}"


def _said(status: int, code: str) -> str:
    return f"{status} {code}".strip() if status else "no answer"


@dataclass(frozen=True, slots=True)
class Tally:
    """Many verdicts in figures."""

    seeds: int
    bad: int
    asked: int
    wrong: Counter[Wrong]
    struck: frozenset[str]


def tally(verdicts: Iterable[Verdict]) -> Tally:
    rows = list(verdicts)
    return Tally(
        seeds=len(rows),
        bad=sum(bool(row.complaints) for row in rows),
        asked=sum(row.asked for row in rows),
        wrong=Counter(complaint.wrong for row in rows for complaint in row.complaints),
        struck=frozenset().union(*(row.struck for row in rows)),
    )
