"""Steps of simulated time, and the midnights between them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


class Timeline:
    """Counts equal steps from `origin`; knows at which step a new day of the exchange begins."""

    def __init__(self, origin: datetime, step: timedelta, zone: str) -> None:
        self.origin = origin
        self._step = step
        self._zone = ZoneInfo(zone)

    def step_at(self, moment: datetime) -> int:
        return (moment - self.origin) // self._step

    def time_of(self, step: int) -> datetime:
        return self.origin + step * self._step

    def next_day(self, step: int) -> int:
        """The first step after `step` that lies on a later day."""
        tomorrow = self.time_of(step).astimezone(self._zone).date() + timedelta(days=1)
        midnight = datetime.combine(tomorrow, time.min, self._zone).astimezone(UTC)
        return -((self.origin - midnight) // self._step)
