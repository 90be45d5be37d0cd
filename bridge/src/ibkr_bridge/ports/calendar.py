"""When exchanges are open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class MarketHours:
    """One exchange at one moment; times in UTC."""

    exchange: str
    calendar: str
    """The calendar library's name for it, an ISO 10383 code such as XNYS."""
    time_zone: str
    open: bool
    at: datetime
    session_open: datetime | None
    session_close: datetime | None
    """Of the session under way; None while closed."""
    next_open: datetime
    next_close: datetime


class Calendar(Protocol):
    async def hours(self, exchange: str, at: datetime) -> MarketHours:
        """Raises UnknownExchange for a name that no calendar knows."""
