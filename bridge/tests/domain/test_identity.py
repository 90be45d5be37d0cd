from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ibkr_bridge.domain.identity import order_id, order_of, reference

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@given(st.binary(min_size=10, max_size=10), st.integers(1, 10**9))
def test_ids_sort_by_the_time_they_were_made(entropy: bytes, later: int) -> None:
    first = order_id(NOW, b"\xff" * 10)
    second = order_id(NOW + timedelta(milliseconds=later), entropy)
    assert first < second
    assert len(second) == 26


@given(st.binary(min_size=10, max_size=10))
def test_a_reference_leads_back_to_its_order_and_fits_the_wire(entropy: bytes) -> None:
    order = order_id(NOW, entropy)
    assert order_of(reference(order, 1, 2)) == order
    assert len(reference(order, 99, 99)) <= 64


def test_somebody_elses_reference_is_nobodys_order() -> None:
    for text in ("", "my-bot-17", "01KAH", order_id(NOW, bytes(10)), f"{order_id(NOW, bytes(10))}.x"):
        assert order_of(text) is None
