"""The cache behind `/portfolio/{account}/positions`, which may lag behind the books."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from ibkr_sim.exchange.model import Contract, Position

Rows = Sequence[tuple[Position, Contract]]


class PositionCache:
    def __init__(self) -> None:
        self._kept: dict[str, tuple[datetime, Rows]] = {}

    def rows(self, account: str, now: datetime, lag: timedelta, read: Callable[[], Rows]) -> Rows:
        """What was read last, unless it is older than `lag`."""
        kept = self._kept.get(account)
        if kept is None or now - kept[0] >= lag:
            kept = self._kept[account] = now, read()
        return kept[1]

    def forget(self, account: str) -> None:
        self._kept.pop(account, None)
