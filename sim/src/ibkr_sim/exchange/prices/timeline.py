"""Steps of simulated time, and the midnights between them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Timeline:
    """Counts equal steps from `origin`; knows at which step a new day of the exchange begins."""

    def __init__(self, origin: datetime, step: timedelta, zone: str) -> None:
        self.origin = origin
        self._step = step
        self._zone = ZoneInfo(zone)
        self._origin_microseconds = (origin - EPOCH) // _MICROSECOND
        self._step_microseconds = step // _MICROSECOND

    def step_at(self, moment: datetime) -> int:
        return (moment - self.origin) // self._step

    def first_at(self, moment: datetime) -> int:
        """The first step at that moment, or after it."""
        return -((self.origin - moment) // self._step)

    def time_of(self, step: int) -> datetime:
        return self.origin + step * self._step

    def microsecond_of(self, step: int) -> int:
        """Microseconds since 1970."""
        return self._origin_microseconds + step * self._step_microseconds

    def minute_of(self, step: int) -> int:
        """Minutes since 1970."""
        return (self._origin_microseconds + step * self._step_microseconds) // 60_000_000

    def first_of_minute(self, minute: int) -> int:
        """The first step in it, or after it."""
        return -((self._origin_microseconds - minute * 60_000_000) // self._step_microseconds)

    def date_of(self, moment: datetime) -> date:
        """The exchange's day that a moment belongs to."""
        return moment.astimezone(self._zone).date()

    def next_day(self, step: int) -> int:
        """The first step after `step` that lies on a later day."""
        tomorrow = self.time_of(step).astimezone(self._zone).date() + timedelta(days=1)
        midnight = datetime.combine(tomorrow, time.min, self._zone).astimezone(UTC)
        return -((self.origin - midnight) // self._step)
