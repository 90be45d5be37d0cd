"""What a session has asked for already: IBKR's first answers are thin, and some paths must come before others."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Line:
    """Market data of one contract that a session has asked for."""

    server_id: str
    fields: Counter[str] = field(default_factory=Counter)
    """How often each was asked for."""


@dataclass(slots=True)
class Progress:
    """Forgotten with every ssodh/init, and at midnight (Web API: "Pre-Flight Requests")."""

    accounts_asked: bool = False
    portfolio_asked: bool = False
    asked: set[str] = field(default_factory=set)
    """Names of whatever answers thinly at first, and was asked for once."""
    searched: set[str] = field(default_factory=set)
    """Symbols looked up by secdef/search without `name`."""
    lines: dict[int, Line] = field(default_factory=dict)
    streamed: set[int] = field(default_factory=set)
    """Conids whose market data come over the WebSocket."""
    suppressed: frozenset[str] = frozenset()
    orders_filtered: bool = False
    """Whether filters have put the topic `sor` to silence."""
    scans: int = 0
    """Scanners that the service of historical data has run so far."""
    statuses: int = 0
    """Requests for the status of an order so far."""

    def has_line(self, conid: int) -> bool:
        """Whether market data of it are asked for, in either way."""
        return conid in self.lines or conid in self.streamed

    def first(self, name: str) -> bool:
        """Whether this is the first time that `name` is asked for."""
        if name in self.asked:
            return False
        self.asked.add(name)
        return True
