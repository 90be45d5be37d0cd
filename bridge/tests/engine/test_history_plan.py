"""However a broker counts a duration back, the pieces of a stretch bring each bar of it exactly once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibkr_bridge.domain.bars import SIZES, Bar, BarSize, Duration
from ibkr_bridge.engine.history.plan import Ask, Span, chapters, pieces, reaching, walk
from ibkr_bridge.upstream.tws.history import LIMITS as TWS
from ibkr_bridge.upstream.webapi.history import LIMITS as WEB

NEW_YORK = ZoneInfo("America/New_York")
ONE = Decimal(1)
MINUTE, HOUR, DAY = (SIZES[name] for name in ("1m", "1h", "1d"))
Broker = Callable[[Ask], Sequence[Bar]]


def bar(at: datetime) -> Bar:
    return Bar(at, ONE, ONE, ONE, ONE)


def sessions(first: date, days: int, holidays: frozenset[int], *, half: int = 3) -> list[list[datetime]]:
    """Minutes of trading days in New York, without weekends and holidays; one day in so many ends early."""
    told = []
    for number in range(days):
        day = first + timedelta(days=number)
        if day.weekday() >= 5 or number in holidays:
            continue
        opens = datetime.combine(day, time(9, 30), NEW_YORK).astimezone(UTC)
        told.append([opens + timedelta(minutes=minute) for minute in range(0, 60 if number % half else 30, 5)])
    return told


def by_the_clock(times: Sequence[datetime], most: int | None = None) -> Broker:
    """Counts a duration back in hours and days of the clock; tells the newest of too many."""

    def answer(ask: Ask) -> Sequence[Bar]:
        begin = bisect_left(times, ask.end - ask.duration.length)
        found = times[begin : bisect_left(times, ask.end)]
        return [bar(at) for at in (found[-most:] if most else found)][::-1]

    return answer


def by_trading_days(days: Sequence[Sequence[datetime]]) -> Broker:
    """Counts days back in trading days, the one that is cut off at the end included; seconds in bars."""

    def answer(ask: Ask) -> Sequence[Bar]:
        if ask.duration.unit == "S":
            every = [at for day in days for at in day if at < ask.end]
            return [bar(at) for at in every[-(ask.duration.count // ask.bar.seconds) :]]
        count = ask.duration.length // timedelta(days=1)
        begun = [day for day in days if day[0] < ask.end][-count:]
        return [bar(at) for day in begun for at in day if at < ask.end]

    return answer


def walked(span: Span, size: BarSize, longest: Duration, broker: Broker) -> tuple[list[Bar], int]:
    """Bars in the order told, and how many questions it took."""
    told: list[Bar] = []
    asked = 0
    for chapter in chapters(span, longest):
        going = walk(chapter, size, longest)
        ask = next(going)
        while True:
            asked += 1
            assert asked < 5000, "it does not come to an end"
            assert ask.duration.length <= longest.length or ask.bar == HOUR
            try:
                ask = going.send(broker(ask))
            except StopIteration as done:
                told += done.value
                break
    return told, asked


def fetched(span: Span, size: BarSize, longest: Duration, broker: Broker) -> tuple[list[datetime], int]:
    told, asked = walked(span, size, longest, broker)
    return [row.time for row in told], asked


moments = st.integers(0, 50 * 86_400).map(lambda after: datetime(2026, 2, 20, tzinfo=UTC) + timedelta(seconds=after))
holiday_sets = st.frozensets(st.integers(0, 60), max_size=25)


@given(start=moments, length=st.timedeltas(timedelta(minutes=1), timedelta(days=45)), holidays=holiday_sets)
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("longest", [Duration(1, "D"), Duration(2, "D"), Duration(1, "W")], ids=str)
@pytest.mark.parametrize("counting", ["clock", "trading days", "clock, cut at 7"])
def test_every_bar_comes_once_and_in_order_over_weekends_holidays_half_days_and_the_change_of_clocks(
    start: datetime, length: timedelta, holidays: frozenset[int], longest: Duration, counting: str
) -> None:
    days = sessions(date(2026, 2, 18), 60, holidays)
    times = [at for day in days for at in day]
    broker = (
        by_trading_days(days) if counting == "trading days" else by_the_clock(times, 7 if "7" in counting else None)
    )
    span = Span(start, start + length)
    told, _asked = fetched(span, MINUTE, longest, broker)
    assert told == [at for at in times if span.start <= at < span.end]


@given(start=moments, length=st.timedeltas(timedelta(seconds=30), timedelta(days=4)), holidays=holiday_sets)
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("counting", ["clock", "trading days"])
def test_small_bars_find_their_way_over_a_night_without_a_question_for_each_of_its_hours(
    start: datetime, length: timedelta, holidays: frozenset[int], counting: str
) -> None:
    days = sessions(date(2026, 2, 18), 60, holidays)
    times = [at for day in days for at in day]
    broker = by_trading_days(days) if counting == "trading days" else by_the_clock(times)
    span = Span(start, start + length)
    told, asked = fetched(span, SIZES["30s"], Duration(1800, "S"), broker)
    assert told == [at for at in times if span.start <= at < span.end]
    assert asked <= 12 * (length // timedelta(days=1) + 2)


def test_a_bar_that_a_cut_goes_through_is_told_whole() -> None:
    """Bars of eight hours that begin at five: every chapter's end lies in one, and IBKR tells it as far as that."""
    size, longest = SIZES["8h"], Duration(1, "D")
    times = [datetime(2026, 2, 1, 5, tzinfo=UTC) + number * size.length for number in range(200)]

    def broker(ask: Ask) -> Sequence[Bar]:
        found = by_the_clock(times)(ask)
        return [Bar(row.time, ONE, ONE, ONE, ONE, volume=_hours(min(size.length, ask.end - row.time))) for row in found]

    told, _asked = walked(Span(times[3], times[-3]), size, longest, broker)
    assert [row.time for row in told] == times[3:-3]
    assert {row.volume for row in told} == {Decimal(8)}


def _hours(length: timedelta) -> Decimal:
    return Decimal(length // timedelta(hours=1))


@pytest.mark.parametrize("minutes", [0, 1, 59])
def test_a_stretch_that_ends_where_a_day_of_trading_begins_has_the_day_before(minutes: int) -> None:
    days = sessions(date(2026, 2, 18), 30, frozenset(), half=1000)
    span = Span(days[2][0], days[7][0] - timedelta(seconds=minutes))
    told, _asked = fetched(span, MINUTE, Duration(1, "D"), by_trading_days(days))
    assert told == [at for day in days[2:7] for at in day]


@given(moments, st.timedeltas(timedelta(seconds=1), timedelta(days=4000)), st.sampled_from([*TWS.longest.values()]))
def test_chapters_cover_a_span_exactly_once_and_in_order(start: datetime, length: timedelta, longest: Duration) -> None:
    span = Span(start, start + length)
    told = list(chapters(span, longest)) if length < longest.length * 2000 else []
    if not told:
        return
    assert told[0].start == span.start
    assert told[-1].end == span.end
    assert all(before.end == after.start for before, after in pairwise(told))
    assert all(chapter.start < chapter.end for chapter in told)
    assert pieces(span, longest) >= 1


@given(st.timedeltas(timedelta(seconds=1), timedelta(days=4000)), st.sampled_from([*TWS.longest]))
def test_a_piece_reaches_as_far_as_it_must_and_no_further_than_ibkr_allows(length: timedelta, name: str) -> None:
    longest = TWS.longest[name]
    duration = reaching(length, SIZES[name], longest)
    assert duration.length <= longest.length
    assert duration.length >= min(length, longest.length)


def test_daily_bars_of_years_are_whole_at_the_seams() -> None:
    days = [datetime(2010, 1, 4, tzinfo=UTC) + timedelta(days=number) for number in range(5000)]
    days = [day for day in days if day.weekday() < 5]
    span = Span(days[10], days[-5])
    asked: list[Ask] = []

    def broker(ask: Ask) -> Sequence[Bar]:
        asked.append(ask)
        return by_the_clock(days)(ask)

    told, _count = fetched(span, DAY, TWS.longest["1d"], broker)
    assert told == [day for day in days if span.start <= day < span.end]
    seams = {ask.end for ask in asked}
    assert all(end not in days or end - timedelta(days=1) in told or end > span.end for end in seams)


def test_a_contract_without_data_comes_to_an_end() -> None:
    span = Span(datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    for longest in (Duration(1, "D"), Duration(1, "Y")):
        told, asked = fetched(span, MINUTE if longest.unit == "D" else DAY, longest, lambda _ask: ())
        assert told == []
        assert asked < 1000


@pytest.mark.parametrize("limits", [TWS, WEB], ids=["tws", "webapi"])
def test_every_size_a_door_names_is_one_that_ibkr_knows(limits: object) -> None:
    assert set(getattr(limits, "longest")) <= set(SIZES)  # noqa: B009
