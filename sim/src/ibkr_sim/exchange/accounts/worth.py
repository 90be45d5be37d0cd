"""What accounts were worth day by day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.model import DayEnd


class Worth:
    """Keeps one figure for each account and day. `read` gives an account's net liquidation value."""

    def __init__(self, accounts: Iterable[str], zone: str, read: Callable[[str], Decimal]) -> None:
        self._zone, self._read = ZoneInfo(zone), read
        self._days: dict[str, list[DayEnd]] = {account: [] for account in accounts}

    @property
    def days(self) -> dict[str, list[DayEnd]]:
        """By account."""
        return self._days

    def of(self, account: str) -> Sequence[DayEnd]:
        """Raises KeyError for an unknown account."""
        return tuple(self._days[account])

    def note(self, now: datetime) -> None:
        """Close the day before the one that `now` lies in."""
        yesterday = now.astimezone(self._zone).date() - timedelta(days=1)
        for account, days in self._days.items():
            days.append(DayEnd(yesterday, self._read(account)))
