"""Watchlists: named rows of contracts (Web API: "Watchlists")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Watchlist:
    """A row is a conid, or None for a blank one."""

    id: str
    name: str
    rows: tuple[int | None, ...]
    changed: datetime


class Watchlists:
    """One user's, by id; `count` numbers the answers about them."""

    def __init__(self) -> None:
        self._lists: dict[str, Watchlist] = {}
        self._answers = 0

    def count(self) -> str:
        self._answers += 1
        return str(self._answers)

    def all(self) -> Sequence[Watchlist]:
        return list(self._lists.values())

    def find(self, list_id: str) -> Watchlist | None:
        return self._lists.get(list_id)

    def save(self, watchlist: Watchlist) -> None:
        """One of the same id is overwritten."""
        self._lists[watchlist.id] = watchlist

    def delete(self, list_id: str) -> bool:
        """False where there was none."""
        return self._lists.pop(list_id, None) is not None
