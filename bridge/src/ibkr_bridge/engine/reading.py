"""What the journal says, or a clear word that it cannot be read: nobody guesses what it may hold."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from ibkr_bridge.domain.errors import JournalAway

T = TypeVar("T")


async def read(asked: Awaitable[T]) -> T:
    """Raises JournalAway."""
    try:
        return await asked
    except OSError as problem:
        advice = getattr(problem, "advice", "") or "See the service's log and disk."
        raise JournalAway(f"The journal cannot be read: {problem}", advice=advice) from problem
