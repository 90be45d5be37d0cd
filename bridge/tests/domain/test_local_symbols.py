"""Names of options and futures, read and written."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ibkr_bridge.domain.local_symbols import FutureName, OptionName, future_name, of_option, option_name


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("AAPL  261218C00260000", OptionName("AAPL", date(2026, 12, 18), "C", Decimal(260))),
        ("SPY   261218P00600500", OptionName("SPY", date(2026, 12, 18), "P", Decimal("600.5"))),
        ("SPXW  270129C10000000", OptionName("SPXW", date(2027, 1, 29), "C", Decimal(10_000))),
        ("AAPL1 261218C00260125", OptionName("AAPL1", date(2026, 12, 18), "C", Decimal("260.125"))),
        ("F     261218C00000500", OptionName("F", date(2026, 12, 18), "C", Decimal("0.5"))),
    ],
)
def test_an_options_name_is_read_and_written_alike(text: str, option: OptionName) -> None:
    assert option_name(text) == option
    assert str(option) == text
    assert option_name(" ".join(text.split()).lower()) == option


@pytest.mark.parametrize(
    "text", ["", "AAPL", "AAPL  261399C00260000", "AAPL  261218X00260000", "TOOLONG261218C00260000"]
)
def test_what_is_no_options_name_is_none(text: str) -> None:
    assert option_name(text) is None


@pytest.mark.parametrize(
    ("text", "future"),
    [
        ("ESZ6", FutureName("ES", 12, "6")),
        ("6EH27", FutureName("6E", 3, "27")),
        ("zcf7", FutureName("ZC", 1, "7")),
        ("MESM6", FutureName("MES", 6, "6")),
    ],
)
def test_a_futures_name_is_read(text: str, future: FutureName) -> None:
    assert future_name(text) == future


def test_a_futures_year_is_its_last_digit_or_two() -> None:
    assert FutureName("ES", 12, "6").means(2026)
    assert not FutureName("ES", 12, "6").means(2027)
    assert FutureName("ES", 12, "27").means(2027)
    assert not FutureName("ES", 12, "27").means(2037)


@pytest.mark.parametrize("text", ["", "ES", "ESA6", "Z6", "ESZ2026"])
def test_what_is_no_futures_name_is_none(text: str) -> None:
    assert future_name(text) is None


def test_an_option_of_which_a_part_is_missing_has_no_name() -> None:
    day, strike = date(2026, 12, 18), Decimal("262.5")
    assert of_option("AAPL", day, "C", strike) == "AAPL  261218C00262500"
    for parts in (
        ("", day, "C", strike),
        ("AAPL", None, "C", strike),
        ("AAPL", day, "?", strike),
        ("AAPL", day, "C", None),
    ):
        assert of_option(*parts) == ""
