"""Questions that the broker asks before it takes an order, and the policy that answers them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    ALLOW = "allow"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Question:
    """`ids` are IBKR's message ids ("o163"), the same for the same warning; one question may hold several."""

    ids: tuple[str, ...]
    text: str


Decide = Callable[[Question], bool]
"""True confirms. A question that is not confirmed is declined upstream at once, so that it blocks nobody."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is answered without asking anybody: by message id."""

    verdicts: Mapping[str, Verdict] = field(default_factory=dict)

    def confirms(self, question: Question, also: frozenset[str] = frozenset()) -> bool:
        """Whether every id of it is allowed, or among those that the caller has confirmed; refused stays refused."""
        return bool(question.ids) and all(self._allows(name, also) for name in question.ids)

    def refuses(self, question: Question) -> bool:
        """Whether no caller may confirm it."""
        return any(self.verdicts.get(name) is Verdict.REFUSE for name in question.ids)

    def _allows(self, name: str, also: frozenset[str]) -> bool:
        verdict = self.verdicts.get(name)
        return verdict is Verdict.ALLOW or (verdict is None and name in also)
