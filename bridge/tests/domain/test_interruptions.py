"""Interruptions that are known in advance: when the next one begins."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ibkr_bridge.domain.interruptions import next_one, reset, restart

EVERY_NIGHT = reset("23:45-00:45 America/New_York")
FRIDAYS = reset("Fri 23:00-03:00 America/New_York")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_next_reset_is_the_first_to_begin() -> None:
    coming = next_one((EVERY_NIGHT, FRIDAYS), at("2026-03-06T20:00"))  # a Friday
    assert coming is not None
    assert (coming.start, coming.end) == (at("2026-03-07T04:00"), at("2026-03-07T08:00"))


def test_a_reset_is_at_the_same_hour_of_its_place_in_summer_and_winter() -> None:
    winter, summer = (next_one((EVERY_NIGHT,), at(f"2026-{month}-10T12:00")) for month in ("02", "07"))
    assert winter is not None
    assert summer is not None
    assert (winter.start, summer.start) == (at("2026-02-11T04:45"), at("2026-07-11T03:45"))


def test_one_that_has_begun_is_not_the_next_one() -> None:
    coming = next_one((EVERY_NIGHT,), at("2026-02-11T04:45:01"))
    assert coming is not None
    assert coming.start == at("2026-02-12T04:45")


def test_a_gateway_restarts_every_day_at_its_hour() -> None:
    coming = next_one((restart("23:59", "Europe/Zurich"),), at("2026-02-11T12:00"))
    assert coming is not None
    assert coming.start == at("2026-02-11T22:59")
    assert "restart" in coming.why


def test_nothing_is_coming_where_nothing_is_known() -> None:
    assert next_one((), at("2026-02-11T12:00")) is None


@pytest.mark.parametrize("text", ["", "23:45", "23:45-00:45", "24:00-01:00 Europe/Zurich", "23:00-01:00 Mars/Base"])
def test_what_is_no_time_and_place_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"Europe/Zurich|America/New_York|hour"):
        reset(text)
