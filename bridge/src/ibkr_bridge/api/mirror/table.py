"""Every path of the mirror, and which entry answers a call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ibkr_bridge.api.mirror.entry import Entry
from ibkr_bridge.api.mirror.resources import contracts, marketdata, monitoring, orders, others, portfolio, session

_RESOURCES: Final = {
    "Session": session,
    "Orders": orders,
    "How orders stand": monitoring,
    "Prices": marketdata,
    "Contracts": contracts,
    "Portfolio": portfolio,
    "The rest": others,
}


def chapters() -> Mapping[str, list[Entry]]:
    """Every entry, by what it is about."""
    return {title: resource.entries() for title, resource in _RESOURCES.items()}


@dataclass(frozen=True, slots=True)
class Found:
    """`entry` is None where the path is known and the method is not."""

    entry: Entry | None
    arguments: Mapping[str, str]


class Table:
    """A path without names in it goes before one with them."""

    def __init__(self) -> None:
        self._plain: dict[str, list[Entry]] = {}
        self._patterns: list[tuple[re.Pattern[str], Entry]] = []
        for entry in (entry for chapter in chapters().values() for entry in chapter):
            if "{" in entry.path:
                self._patterns.append((entry.pattern(), entry))
            else:
                self._plain.setdefault(entry.path, []).append(entry)

    def find(self, method: str, path: str) -> Found | None:
        """None for a path that nobody answers."""
        found: list[tuple[Entry, dict[str, str]]]
        found = [(entry, {}) for entry in self._plain.get(path, [])] or [
            (entry, match.groupdict()) for pattern, entry in self._patterns if (match := pattern.fullmatch(path))
        ]
        if not found:
            return None
        fitting = (Found(entry, arguments) for entry, arguments in found if method in entry.methods.split())
        return next(fitting, Found(None, {}))
