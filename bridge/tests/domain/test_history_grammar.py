"""The words in which IBKR's users write sizes and durations are understood, and others are taught."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibkr_bridge.domain.bars import SIZES, Bar, Duration, bar_size, duration, whole
from ibkr_bridge.domain.errors import InvalidRequest

OF_TWS = (
    *("1 secs", "5 secs", "10 secs", "15 secs", "30 secs", "1 min", "2 mins", "3 mins", "5 mins", "10 mins"),
    *("15 mins", "20 mins", "30 mins", "1 hour", "2 hours", "3 hours", "4 hours", "8 hours", "1 day", "1W", "1M"),
    *("1 week", "1 month"),
)
OF_THE_WEB_API = ("1min", "2min", "3min", "5min", "10min", "15min", "30min", "1h", "2h", "3h", "4h", "8h", "1d", "1w")


@pytest.mark.parametrize("text", [*OF_TWS, *OF_THE_WEB_API, *SIZES, "5Secs", "1_min", " 1 MIN "])
def test_every_word_for_a_size_is_understood(text: str) -> None:
    assert bar_size(text) in SIZES.values()


def test_a_capital_m_alone_is_a_month_and_a_small_one_a_minute() -> None:
    assert bar_size("1m") == bar_size("1 min") == SIZES["1m"]
    assert bar_size("1M") == bar_size("1 month") == bar_size("1mo") == SIZES["1M"]
    assert duration("6M") == Duration(6, "M")
    assert duration("6m") == Duration(360, "S")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1Y", Duration(1, "Y")),
        ("1 Y", Duration(1, "Y")),
        ("30 D", Duration(30, "D")),
        ("30d", Duration(30, "D")),
        ("2 W", Duration(2, "W")),
        ("1800 S", Duration(1800, "S")),
        ("90m", Duration(5400, "S")),
        ("2 hours", Duration(7200, "S")),
    ],
)
def test_every_word_for_a_duration_is_understood(text: str, meant: Duration) -> None:
    assert duration(text) == meant


@pytest.mark.parametrize("text", ["", "7m", "1", "m", "1x", "0 min", "-1m", "1 1 m", "1.5h", "1" * 30, "١m"])
def test_any_other_size_is_refused_with_the_grammar(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        bar_size(text)
    assert "1m, 2m, 3m" in refused.value.advice


@pytest.mark.parametrize("text", ["", "D", "0 D", "-1 D", "1 fortnight", "99999999 Y", "400 D"])
def test_any_other_duration_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        duration(text)
    assert refused.value.advice


@given(st.text(max_size=30))
def test_no_text_is_more_than_refused(text: str) -> None:
    for read in (bar_size, duration):
        with suppress(InvalidRequest):
            read(text)


moments = st.integers(0, 2_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(moments, st.integers(1, 120))
def test_months_are_those_of_the_calendar(end: datetime, count: int) -> None:
    start = Duration(count, "M").before(end)
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == count
    assert start.day <= end.day
    assert Duration(12, "M").before(end) == Duration(1, "Y").before(end)


def test_a_month_less_than_the_31st_of_march_is_the_last_of_february() -> None:
    assert Duration(1, "M").before(datetime(2024, 3, 31, 12, tzinfo=UTC)) == datetime(2024, 2, 29, 12, tzinfo=UTC)
    assert Duration(1, "M").before(datetime(2026, 1, 31, tzinfo=UTC)) == datetime(2025, 12, 31, tzinfo=UTC)
    assert Duration(2, "W").before(datetime(2026, 1, 15, tzinfo=UTC)) == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_bar_is_whole_when_its_time_is_over() -> None:
    one, at = Decimal(1), datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
    bar = Bar(at, one, one, one, one)
    assert not whole(bar, SIZES["1m"], at + timedelta(seconds=59))
    assert whole(bar, SIZES["1m"], at + timedelta(seconds=60))
    friday = Bar(datetime(2026, 3, 6, tzinfo=UTC), one, one, one, one)
    assert not whole(friday, SIZES["1w"], datetime(2026, 3, 8, 12, tzinfo=UTC))
    assert whole(friday, SIZES["1w"], datetime(2026, 3, 9, tzinfo=UTC))
    assert not whole(friday, SIZES["1M"], datetime(2026, 3, 31, tzinfo=UTC))
    assert whole(friday, SIZES["1M"], datetime(2026, 4, 1, tzinfo=UTC))
