"""Opening hours out of trading intervals: pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ibkr_bridge.ports.calendar import MarketHours


@dataclass(frozen=True, slots=True)
class Interval:
    """Trading from `open` to just before `close`; UTC. A lunch break parts a session into two."""

    open: datetime
    close: datetime


@dataclass(frozen=True, slots=True)
class Timetable:
    """The intervals of one calendar, in order, for a stretch of days."""

    calendar: str
    time_zone: str
    intervals: Sequence[Interval]

    def covers(self, at: datetime) -> bool:
        """Whether there is an interval behind and one ahead, so that nothing is missed."""
        return bool(self.intervals) and self.intervals[0].close <= at < self.intervals[-1].open

    def hours(self, exchange: str, at: datetime) -> MarketHours:
        index = bisect_right(self.intervals, at, key=lambda interval: interval.open)
        latest, following = self.intervals[index - 1], self.intervals[index]
        is_open = at < latest.close
        return MarketHours(
            exchange=exchange,
            calendar=self.calendar,
            time_zone=self.time_zone,
            open=is_open,
            at=at,
            session_open=latest.open if is_open else None,
            session_close=latest.close if is_open else None,
            next_open=following.open,
            next_close=latest.close if is_open else following.close,
        )
