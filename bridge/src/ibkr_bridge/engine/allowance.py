"""How often something that costs money may be done in a day."""

from __future__ import annotations

from datetime import date

from ibkr_bridge.domain.errors import SnapshotNotAllowed
from ibkr_bridge.ports.clock import Clock


class SnapshotAllowance:
    """A number for each day of UTC, counted from the start of the service."""

    def __init__(self, clock: Clock, most: int) -> None:
        self._clock = clock
        self._most = most
        self._day: date | None = None
        self._taken = 0

    def take(self) -> None:
        """Raises SnapshotNotAllowed."""
        today = self._clock.now().date()
        if today != self._day:
            self._day, self._taken = today, 0
        if self._taken >= self._most:
            raise SnapshotNotAllowed(self._most)
        self._taken += 1

    def give_back(self) -> None:
        """What was taken last did not leave the house."""
        self._taken = max(0, self._taken - 1)
