"""What a caller writes of times, kinds and formats, and how bars are written for him."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibkr_bridge.api.columns.formats import FORMATS, writer
from ibkr_bridge.api.columns.text import CsvWriter, JsonWriter, LinesWriter
from ibkr_bridge.api.rest.market.history_words import kind, moment
from ibkr_bridge.domain.bars import Bar, What
from ibkr_bridge.domain.errors import InvalidRequest

AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
TINY = Bar(AT, Decimal("1E-8"), Decimal("150.10"), Decimal(0), Decimal("-0.5"), wap=Decimal("1E+3"))


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T14:30:00Z",
        "2026-03-02T09:30:00-05:00",
        "2026-03-02T14:30",
        "20260302-14:30:00",
        "20260302 14:30:00",
        "20260302  14:30:00",
        "20260302 09:30:00 US/Eastern",
        "20260302 09:30:00 America/New_York",
    ],
)
def test_every_way_to_write_a_time_means_the_same_moment(text: str) -> None:
    assert moment(text, "start") == AT


def test_a_date_is_its_midnight_in_utc() -> None:
    assert moment("2026-03-02", "end") == moment("20260302", "end") == AT.replace(hour=0, minute=0)
    assert moment(None, "end") is None


@given(st.text(max_size=40))
def test_what_is_no_time_is_refused_with_how_to_write_one(text: str) -> None:
    try:
        found = moment(text, "start")
    except InvalidRequest as refused:
        told = refused
    else:
        assert found is None or found.tzinfo is UTC
        return
    assert "2026-03-02T14:30:00Z" in told.advice


def test_kinds_are_named_as_either_door_names_them() -> None:
    assert kind("trades") is kind("Last") is What.TRADES
    assert kind("Bid_Ask") is kind("bid-ask") is What.BID_ASK
    assert kind("") is None


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html, application/json;q=0.9, */*;q=0.1", "application/json"),
        ("text/csv", "text/csv"),
        ("TEXT/CSV; charset=utf-8", "text/csv"),
        ("text/*", "text/csv"),
        ("application/json;q=0.2, application/x-ndjson", "application/x-ndjson"),
        ("application/x-ndjson, application/json", "application/x-ndjson"),
        ("application/vnd.apache.parquet", "application/vnd.apache.parquet"),
    ],
)
def test_the_format_is_the_one_that_is_wanted_most(accept: str, expected: str) -> None:
    chosen = writer(accept)
    assert not isinstance(chosen, dict)
    assert chosen.media_type.partition(";")[0] == expected


@pytest.mark.parametrize("accept", ["image/png", "application/json;q=0", "application/json;q=x", ";;;"])
def test_what_we_have_not_is_refused_with_what_we_have(accept: str) -> None:
    refused = writer(accept)
    assert isinstance(refused, dict)
    assert (refused["status"], refused["code"]) == (406, "format.unknown")
    assert all(name in str(refused["advice"]) for name in FORMATS)


def test_digits_are_written_as_they_are_and_what_is_missing_is_missing() -> None:
    lines = LinesWriter().bars([TINY])
    assert lines == (
        b'{"time":"2026-03-02T14:30:00Z","open":0.00000001,"high":150.10,"low":0,"close":-0.5,'
        b'"volume":null,"wap":1000,"count":null}\n'
    )
    assert CsvWriter().bars([TINY]) == b"2026-03-02T14:30:00Z,0.00000001,150.10,0,-0.5,,1000,\r\n"


@given(st.lists(st.integers(0, 3), max_size=5))
def test_json_is_whole_however_many_parts_it_came_in(parts: list[int]) -> None:
    told = JsonWriter()
    text = told.begin({"bar": "1m"}) + b"".join(told.bars([TINY] * count) for count in parts) + told.end({"count": 1})
    found = json.loads(text)
    assert (found["bar"], len(found["bars"]), found["count"]) == ("1m", sum(parts), 1)
