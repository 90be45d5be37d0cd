"""Numbers in and out, digit for digit."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibkr_bridge.api.json import decode, encode, exact
from ibkr_bridge.api.numbers import read

FINITE = st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("-1e15"), max_value=Decimal("1e15"))


@given(FINITE)
def test_a_decimal_is_written_plainly_and_read_back_the_same(value: Decimal) -> None:
    text = encode({"n": exact(value)})
    assert b"e" not in text.lower()
    assert json.loads(text, parse_float=Decimal, parse_int=Decimal)["n"] == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=Decimal(1), max_value=Decimal("1e12")))
def test_a_number_reaches_decimal_as_it_was_written(value: Decimal) -> None:
    assert read(decode(format(value, "f"))) == value
    assert str(read(decode(f'"{value:f}"'))) == format(value, "f")


def test_what_is_not_finite_is_missing() -> None:
    assert encode([exact(Decimal("NaN")), exact(Decimal("Infinity")), exact(None)]) == b"[null,null,null]"


def test_times_are_written_in_utc_with_z() -> None:
    assert encode(datetime(2026, 11, 20, 15, 30, tzinfo=UTC)) == b'"2026-11-20T15:30:00Z"'


@pytest.mark.parametrize("value", [True, False, [], {}, "", " 1", "1_000", "١", "NaN", "0x10", "1e5", 10**15, "-"])
def test_what_is_no_number_of_a_sensible_size_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="number"):
        read(value)


@pytest.mark.parametrize("text", ["1e400000000", "1e-400000000", "-1e21"])
def test_a_short_text_for_a_vast_number_costs_nothing(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        read(decode(text))


def test_an_exponent_of_a_sensible_number_is_understood() -> None:
    assert read(decode("1.5e2")) == 150
    assert read(decode("15e-1")) == Decimal("1.5")


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_bytes_are_json_or_a_json_error(text: bytes | str) -> None:
    try:
        decode(text)
    except json.JSONDecodeError:
        return
    json.loads(text)
