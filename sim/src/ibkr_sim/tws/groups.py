"""The display groups of TWS: windows of one colour show one contract, and clients may follow or lead them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

GROUPS: Final = tuple(range(1, 8))
NOTHING: Final = "none"
_CONTRACT: Final = re.compile(r"\d{1,10}@[A-Z0-9.]{1,20}|none|combo")


@dataclass(frozen=True, slots=True)
class _Follower:
    group: int
    tell: Callable[[str], None]


class DisplayGroups:
    """Shared by all clients; a follower is a client's request."""

    def __init__(self) -> None:
        self._shown = dict.fromkeys(GROUPS, NOTHING)
        self._followers: dict[tuple[int, int], _Follower] = {}

    def follow(self, client_id: int, request_id: int, group: int, tell: Callable[[str], None]) -> bool:
        """Tell what a group shows, now and whenever it changes; False for a group that does not exist."""
        if group not in self._shown:
            return False
        self._followers[client_id, request_id] = _Follower(group, tell)
        tell(self._shown[group])
        return True

    def show(self, client_id: int, request_id: int, contract: str) -> bool:
        """Change what the group of a follower shows; False for no follower, or what is no contract."""
        leader = self._followers.get((client_id, request_id))
        if leader is None or not _CONTRACT.fullmatch(contract):
            return False
        self._shown[leader.group] = contract
        for follower in self._followers.values():
            if follower.group == leader.group:
                follower.tell(contract)
        return True

    def leave(self, client_id: int, request_id: int) -> bool:
        return self._followers.pop((client_id, request_id), None) is not None

    def part(self, client_id: int) -> None:
        """The client has gone."""
        for key in [key for key in self._followers if key[0] == client_id]:
            del self._followers[key]
