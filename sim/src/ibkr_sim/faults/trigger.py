"""When a fault strikes: `now`, `order:3`, `message/49:2`, `cancel~0.2`, `request:/tickle`, `time:23:45`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from ibkr_sim.faults.moments import Moment

_COUNTED: Final = re.compile(
    r"(?P<moment>[a-z]+)(?:/(?P<subject>[\w@+]{1,40}))?(?::(?P<nth>\d{1,9})|~(?P<chance>[01]?\.?\d{0,9}))?"
)
_REQUEST: Final = re.compile(
    r"(?P<moment>request):(?P<subject>/[\w/*.+-]{0,200})(?::(?P<nth>\d{1,9})|~(?P<chance>[01]?\.?\d{0,9}))?"
)
_NUMBERED: Final = frozenset({Moment.MESSAGE, Moment.FRAME, Moment.REQUEST})
_DAILY: Final = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
_DAYS_ZONE: Final = "America/New_York"
"""By whose clock IBKR's days and nights go."""
_RELATIVE: Final = re.compile(r"\+(\d{1,9}(?:\.\d{1,6})?)")
HELP: Final = (
    "now, order:3, modify, cancel:2, message/49:2, execution, snapshot, enter, leave, order~0.2, time:+30, "
    "time:23:45 (every day, in New York), bytes:500; "
    "at the Web API's door also reply, request:5, request:/iserver/account/*/orders:2, request~0.1, frame/sor:3"
)


class InvalidFault(ValueError):
    """A fault, trigger or option that does not exist or makes no sense."""


@dataclass(frozen=True, slots=True)
class Trigger:
    moment: Moment
    subject: str = ""
    """Number, topic or path of what counts, `*` standing for anything; empty counts all."""
    nth: int = 1
    """It strikes at this one; for `bytes`, after so many."""
    chance: float | None = None
    """Instead of counting: each time with this probability."""
    at: datetime | None = None
    after: timedelta | None = None
    daily: time | None = None
    """Simulated time, for `time`: a moment, from now, or an hour of every day in New York."""

    @property
    def endless(self) -> bool:
        """Whether it strikes again and again unless a number of times is named."""
        return self.chance is not None or self.daily is not None

    def due(self, now: datetime) -> datetime | None:
        """When `time` comes next; None for all that does not go by the clock."""
        if self.daily is not None:
            return _next(self.daily, now)
        return now + self.after if self.after is not None else self.at


def parse(text: str) -> Trigger:
    """Raises InvalidFault."""
    if text.startswith("time:"):
        return _timed(text.removeprefix("time:"))
    match = _REQUEST.fullmatch(text) or _COUNTED.fullmatch(text)
    if match is None or match["moment"] not in set(Moment) - {Moment.TIME}:
        raise InvalidFault(f"{text[:60]!r} is no trigger; write {HELP}")
    moment = Moment(match["moment"])
    subject = match["subject"] or ""
    if subject and moment not in _NUMBERED:
        raise InvalidFault("only messages, frames and requests are told apart: message/49, frame/sor, request:/tickle")
    try:
        chance = None if match["chance"] is None else float(match["chance"])
    except ValueError:
        chance = -1.0
    if chance is not None and (moment in {Moment.NOW, Moment.BYTES} or not 0 < chance <= 1):
        raise InvalidFault("a probability lies above 0, up to 1, and stands behind what can happen often: order~0.2")
    nth = int(match["nth"] or 1)
    if nth < 1:
        raise InvalidFault("counting begins with 1")
    return Trigger(moment, subject, nth, chance)


def _timed(text: str) -> Trigger:
    if match := _RELATIVE.fullmatch(text):
        return Trigger(Moment.TIME, after=timedelta(seconds=float(match[1])))
    if _DAILY.fullmatch(text):
        return Trigger(Moment.TIME, daily=time.fromisoformat(text))
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidFault("a time is +30 (simulated seconds from now), 23:45 (every day) or 2026-03-02T15:30:00Z")
    return Trigger(Moment.TIME, at=at)


def _next(hour: time, now: datetime) -> datetime:
    here = now.astimezone(ZoneInfo(_DAYS_ZONE))
    today = datetime.combine(here.date(), hour, here.tzinfo)
    return today if today > here else datetime.combine(here.date() + timedelta(days=1), hour, here.tzinfo)


class Watch:
    """Counts what a trigger waits for. The same seed and the same events give the same strikes."""

    def __init__(self, trigger: Trigger, times: int, random: Random) -> None:
        """`times` bounds the strikes; 0 for no bound."""
        self._trigger, self._times, self._random = trigger, times, random
        self._seen = 0
        self.struck = 0

    @property
    def spent(self) -> bool:
        return bool(self._times) and self.struck >= self._times

    def notice(self, moment: Moment, subject: str = "", amount: int = 1) -> bool:
        """Whether it strikes now: at the n-th and those that follow it, or by chance."""
        trigger = self._trigger
        if moment is not trigger.moment or not (trigger.subject == "" or fnmatchcase(subject, trigger.subject)):
            return False
        self._seen += amount
        # Drawn for every event, so that what follows does not depend on how often it may strike.
        due = self._seen >= trigger.nth if trigger.chance is None else self._random.random() < trigger.chance
        if not due or self.spent:
            return False
        self.struck += 1
        return True
