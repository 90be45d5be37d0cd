"""Every event survives its way to the disk and back, to the last digit."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibkr_bridge.domain.events import Commissioned, OrderEvent
from ibkr_bridge.domain.order import Order
from ibkr_bridge.storage import codec
from ibkr_bridge.storage.errors import JournalNewer

st.register_type_strategy(int, st.integers(-(2**63), 2**63 - 1))
st.register_type_strategy(str, st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
st.register_type_strategy(Decimal, st.decimals(allow_nan=False))
st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(fold=0)))


@pytest.mark.parametrize("kind", get_args(OrderEvent), ids=lambda kind: kind.__name__)
def test_every_event_is_read_as_it_was_written(kind: type[OrderEvent]) -> None:
    @given(event=st.from_type(kind))
    @settings(max_examples=25, deadline=None)
    def there_and_back(event: Any) -> None:
        body = codec.encode(event)
        again = codec.event(codec.kind_of(event), body)
        assert repr(again) == repr(event)  # also the zeros behind the point, which == passes over
        assert codec.encode(again) == body
        assert "\n" not in body
        assert "\x00" not in body

    there_and_back()


@given(order=st.from_type(Order))
@settings(max_examples=50, deadline=None)
def test_an_order_is_read_as_it_was_written(order: Order) -> None:
    assert repr(codec.order(codec.encode(order))) == repr(order)


def test_every_event_has_a_tag() -> None:
    assert set(codec.KINDS.values()) == set(get_args(OrderEvent))


def test_fields_of_a_later_program_are_passed_over() -> None:
    event = Commissioned("1.01", Decimal("1.00"), "USD", None, datetime(2026, 3, 2, tzinfo=UTC))
    body = json.loads(codec.encode(event)) | {"venue_fee": "0.10", "parts": [1, {"a": None}]}
    assert codec.event("commissioned", json.dumps(body)) == event


def test_numbers_and_times_are_text_that_people_can_read() -> None:
    event = Commissioned("1.01", Decimal("1.50"), "USD", None, datetime(2026, 3, 2, 14, 30, 0, 5, tzinfo=UTC))
    body = json.loads(codec.encode(event))
    assert body["amount"] == "1.50"
    assert body["at"] == "2026-03-02T14:30:00.000005Z"


def test_an_event_of_a_later_program_is_refused_by_name() -> None:
    with pytest.raises(JournalNewer, match="teleported"):
        codec.event("teleported", "{}")
