from __future__ import annotations

from decimal import Decimal

import ib_async
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.order import OrderStatus
from ibkr_bridge.domain.terms import OrderType, Side, Terms, TimeInForce
from ibkr_bridge.upstream.tws import translate
from ibkr_bridge.upstream.tws.codes import TABLE, Effect, code_of
from ibkr_bridge.upstream.tws.numbers import decimal
from ibkr_bridge.upstream.tws.terms import told

UNSET = 1.7976931348623157e308


@pytest.mark.parametrize("unset", [UNSET, "1.7976931348623157E308", "", None, float("nan"), float("inf"), "text"])
def test_unset_is_nothing_not_a_number(unset: object) -> None:
    assert decimal(unset) is None


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4))
def test_a_number_written_on_the_wire_comes_back_as_it_was(number: Decimal) -> None:
    assert decimal(float(str(number))) == number


@given(
    st.sampled_from(Side),
    st.sampled_from(OrderType),
    st.sampled_from(TimeInForce),
    st.decimals(min_value="0.0001", max_value=10**8, places=4),
    st.booleans(),
)
def test_terms_survive_the_way_to_an_ib_async_order_and_back(
    side: Side, order_type: OrderType, tif: TimeInForce, number: Decimal, outside: bool
) -> None:
    terms = Terms(
        side,
        number,
        order_type,
        number if order_type.needs_limit else None,
        number if order_type.needs_stop else None,
        tif,
        outside,
    )
    sent = translate.order_sent("DU1", terms, "ref")
    sent.totalQuantity, sent.lmtPrice, sent.auxPrice = (
        float(text or UNSET) for text in (str(sent.totalQuantity), str(sent.lmtPrice), str(sent.auxPrice))
    )
    assert told(sent) == terms


def test_the_time_in_force_is_always_written() -> None:
    assert translate.order_sent("DU1", Terms(Side.BUY, Decimal(1), OrderType.MARKET), "r").tif == "DAY"


@pytest.mark.parametrize(
    ("exchange", "primary", "sent"), [("ARCA", "NASDAQ", "ARCA"), ("", "CME", "CME"), ("", "", "SMART")]
)
def test_an_exchange_is_always_sent(exchange: str, primary: str, sent: str) -> None:
    contract = Contract(7, "ES", "FUT", exchange, "USD", primary_exchange=primary)
    assert translate.contract_sent(contract).exchange == sent


def test_no_number_is_written_with_an_exponent() -> None:
    terms = Terms(Side.BUY, Decimal("1E+7"), OrderType.LIMIT, Decimal("0.00000001"))
    sent = translate.order_sent("DU1", terms, "r")
    assert (sent.totalQuantity, sent.lmtPrice) == ("10000000", "0.00000001")


def test_every_status_of_ibkr_has_a_word_of_ours() -> None:
    theirs = set(ib_async.OrderStatus.DoneStates | ib_async.OrderStatus.ActiveStates)
    assert theirs - {"ValidationError", "ApiUpdate"} <= set(translate.STATUSES)
    assert translate.STATUSES["Inactive"] is OrderStatus.REJECTED


def test_informational_messages_about_live_orders_are_notes() -> None:
    for number in (399, 404, 2109, 10349, 10311, 202, 10167):
        assert code_of(number).effect is Effect.NOTE, number


def test_an_unheard_of_code_is_a_refusal_but_a_system_code_is_not() -> None:
    assert code_of(98765).effect is Effect.REFUSED
    assert code_of(2199).effect is Effect.NOTE


def test_every_row_has_its_meaning_and_its_source() -> None:
    assert all(row.meaning and row.source and number == row.number for number, row in TABLE.items())
