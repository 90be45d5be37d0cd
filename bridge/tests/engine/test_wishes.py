from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from ibkr_bridge.domain.contract import ContractQuery, LegQuery
from ibkr_bridge.domain.errors import InvalidRequest
from ibkr_bridge.domain.order import PlaceOrder
from ibkr_bridge.domain.terms import OrderType, Side, Terms
from ibkr_bridge.engine.orders.coherence import sensible
from ibkr_bridge.engine.orders.wishes import fingerprint

TERMS = Terms(Side.BUY, Decimal(10), OrderType.LIMIT, Decimal("150.5"))
WISH = PlaceOrder(ContractQuery("AAPL"), TERMS)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (replace(TERMS, qty=Decimal(0)), "qty"),
        (replace(TERMS, limit=None), "limit"),
        (replace(TERMS, stop=Decimal(1)), "stop"),
        (replace(TERMS, type=OrderType.MARKET), "limit"),
        (replace(TERMS, type=OrderType.STOP_LIMIT), "stop"),
    ],
)
def test_terms_that_make_no_sense_name_the_field(terms: Terms, field: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        sensible(terms)
    assert refusal.value.facts["errors"] == [{"field": field, "message": refusal.value.detail}]


def test_the_same_wish_written_otherwise_is_the_same_wish() -> None:
    again = replace(WISH, terms=replace(TERMS, qty=Decimal("1E+1"), limit=Decimal("150.50")), client_order_id="x")
    assert fingerprint(again) == fingerprint(WISH)


@pytest.mark.parametrize(
    "other",
    [
        replace(WISH, account="DU1"),
        replace(WISH, contract=ContractQuery("MSFT")),
        replace(WISH, terms=replace(TERMS, qty=Decimal(11))),
        replace(WISH, terms=replace(TERMS, limit=Decimal(151))),
        replace(WISH, terms=replace(TERMS, outside_rth=True)),
    ],
)
def test_another_wish_has_another_fingerprint(other: PlaceOrder) -> None:
    assert fingerprint(other) != fingerprint(WISH)


def test_a_combo_of_other_legs_is_another_wish() -> None:
    legs = (LegQuery(ContractQuery("AAPL"), Side.BUY, 1), LegQuery(ContractQuery("MSFT"), Side.SELL, 1))
    combo = replace(WISH, contract=ContractQuery(sec_type="BAG", legs=legs))
    other = replace(WISH, contract=replace(combo.contract, legs=(replace(legs[0], ratio=2), legs[1])))
    assert fingerprint(other) != fingerprint(combo)
