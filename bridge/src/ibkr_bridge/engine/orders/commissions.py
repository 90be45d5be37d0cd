"""Commissions that were told before their executions: kept until these come, as many as could be ours."""

from __future__ import annotations

from ibkr_bridge.domain.events import Commissioned

MOST_KEPT = 10_000


class Unclaimed:
    """By the name of the execution. IBKR tells those of other programs as well, and nobody ever claims these.

    What looks like another's may be ours of an earlier life, which the journal has yet to tell: so age alone decides.
    """

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._kept: dict[str, Commissioned] = {}

    def keep(self, event: Commissioned) -> None:
        """The oldest makes room for the newest."""
        self._kept.pop(event.exec_id, None)
        self._kept[event.exec_id] = event
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]

    def claim(self, exec_id: str) -> Commissioned | None:
        """Its execution has come."""
        return self._kept.pop(exec_id, None)
