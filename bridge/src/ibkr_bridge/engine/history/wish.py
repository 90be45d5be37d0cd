"""From a caller's wish to what is asked: the kind of data, the stretch of time, and whether IBKR has it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ibkr_bridge.domain.bars import BarSize, Duration, What
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import InvalidRequest, NotSupported
from ibkr_bridge.engine.history.plan import Span
from ibkr_bridge.ports.history import HistoryLimits

USUAL: Final = Duration(1, "D")


@dataclass(frozen=True, slots=True)
class Wish:
    """`what` None is what the contract has; `end` None is the present. Either `start` or `duration`, or neither."""

    query: ContractQuery
    bar: BarSize
    what: What | None = None
    rth: bool = True
    start: datetime | None = None
    end: datetime | None = None
    duration: Duration | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """A duration that IBKR counts back by itself, in one piece."""

    duration: Duration
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Days:
    """So many trading days, in several pieces: IBKR has to say first when the first of them was."""

    count: int
    end: datetime


Stretch = Counted | Days | Span


def kind(wish: Wish, contract: Contract, limits: HistoryLimits) -> What:
    """Currencies have no trades. Raises NotSupported for what this door has not."""
    what = wish.what or (What.MIDPOINT if contract.sec_type == "CASH" else What.TRADES)
    if what not in limits.kinds:
        known = ", ".join(sorted(limits.kinds))
        raise NotSupported(f"This door has no bars of {what}.", advice=f"Ask for what= one of {known}.")
    if wish.bar.name not in limits.longest:
        known = ", ".join(limits.longest)
        raise NotSupported(f"This door has no bars of {wish.bar}.", advice=f"Ask for bar= one of {known}.")
    return what


def stretch(wish: Wish, what: What, now: datetime, limits: HistoryLimits) -> Stretch:
    """Raises InvalidRequest."""
    end = None if wish.end is None or wish.end >= now else wish.end
    _check(wish, end or now, now)
    if wish.start is None:
        duration = wish.duration or USUAL
        found = _back(duration, end, now, wish.bar, limits)
    else:
        found = Span(wish.start, end or now)
    if what is What.ADJUSTED_LAST and (end is not None or not isinstance(found, Counted)):
        raise InvalidRequest(
            f"IBKR adjusts prices from the present back, {wish.bar} bars for {limits.longest[wish.bar.name]} at most.",
            field="what",
            advice="Leave start and end out and shorten duration, or ask for what=TRADES.",
        )
    _check_age(wish, found, now, limits)
    return found


def _back(duration: Duration, end: datetime | None, now: datetime, bar: BarSize, limits: HistoryLimits) -> Stretch:
    """Alone, a duration is IBKR's to count; what takes several pieces begins by the calendar, or on a trading day."""
    fits = duration.length <= limits.longest[bar.name].length
    if fits and (limits.points is None or duration.length <= limits.points * bar.length):
        return Counted(duration, end)
    if duration.unit == "D":
        return Days(duration.count, end or now)
    return Span(duration.before(end or now), end or now)


def _check(wish: Wish, end: datetime, now: datetime) -> None:
    if wish.start is not None and wish.duration is not None:
        raise InvalidRequest("start and duration say the same thing twice.", field="start", advice="Give one of them.")
    if wish.start is not None and wish.start >= end:
        when = "the end" if end < now else "the present"
        raise InvalidRequest(f"start is not before {when}.", field="start", advice="Give a start before the end.")


def _check_age(wish: Wish, found: Stretch, now: datetime, limits: HistoryLimits) -> None:
    """TWS API, "Historical Data Limitations": small bars are kept for six months."""
    oldest = now - timedelta(seconds=limits.small_kept)
    match found:
        case Span(start=start):
            begins = start
        case Counted(duration=duration, end=end):
            begins = (end or now) - duration.length
        case Days(count=count, end=until):
            begins = until - timedelta(days=count)
    if wish.bar.seconds <= limits.small and begins < oldest:
        raise InvalidRequest(
            f"IBKR keeps bars of {wish.bar} for six months, and this begins before that.",
            field="start" if wish.start is not None else "duration",
            advice=f"Begin at {oldest:%Y-%m-%d} or later, or ask for bar=1m.",
        )
