"""How one order's fills are shared by several accounts."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ibkr_sim.exchange.trading.allocation import divided

ACCOUNTS = ("A", "B", "C", "D")
WEIGHTS = st.lists(st.integers(0, 1_000), min_size=1, max_size=4).filter(any)
FILLS = st.lists(st.integers(1, 5_000), min_size=1, max_size=8)
INCREMENTS = st.sampled_from([Decimal(1), Decimal(100), Decimal("0.001")])


def shares(*weights: int) -> tuple[tuple[str, Decimal], ...]:
    return tuple((account, Decimal(weight)) for account, weight in zip(ACCOUNTS, weights, strict=False))


def test_what_does_not_divide_goes_to_the_first_one_each() -> None:
    six = tuple((str(place), Decimal(1)) for place in range(6))
    assert [int(size) for _account, size in divided(six, {}, Decimal(400), Decimal(1))] == [67, 67, 67, 67, 66, 66]


def test_one_unit_goes_to_who_is_furthest_behind() -> None:
    held = {"A": Decimal(1)}
    assert divided(shares(1, 1), held, Decimal(1), Decimal(1)) == [("B", Decimal(1))]


def test_an_account_without_weight_gets_nothing() -> None:
    assert divided(shares(0, 5), {}, Decimal(7), Decimal(1)) == [("B", Decimal(7))]


@given(WEIGHTS, FILLS, INCREMENTS)
def test_every_fill_is_given_away_whole_and_in_the_end_everybody_has_a_fair_share(
    weights: list[int], fills: list[int], increment: Decimal
) -> None:
    owners, held = shares(*weights), dict[str, Decimal]()
    for fill in fills:
        parts = divided(owners, held, fill * increment, increment)
        assert sum(size for _account, size in parts) == fill * increment
        assert all(size > 0 and size % increment == 0 for _account, size in parts)
        for account, size in parts:
            held[account] = held.get(account, Decimal(0)) + size
    total = sum(fills) * increment
    for account, weight in owners:
        fair = total * weight / sum(weights)
        assert abs(held.get(account, Decimal(0)) - fair) < 2 * increment
