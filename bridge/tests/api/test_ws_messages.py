"""Messages of the WebSockets as bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ibkr_bridge.api.ws.messages import encode
from ibkr_bridge.domain.account import Pnl, Seen
from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.events import CancelRequested, ChangeRefused, OrderUpdate, Warned
from ibkr_bridge.domain.order import BrokerOrder, Order, OrderStatus
from ibkr_bridge.domain.quote import Quote
from ibkr_bridge.domain.terms import OrderType, Side, Terms
from ibkr_bridge.engine.topics import QuoteTick

AT = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
AAPL = Contract(265598, "AAPL", "STK", "SMART", "USD")
TERMS = Terms(Side.BUY, Decimal("1E+2"), OrderType.LIMIT, Decimal("150.10"))
ORDER = Order(
    "1", "DU9912345", AAPL, TERMS, OrderStatus.WORKING, AT, AT, broker=(BrokerOrder(0, 0, 42), BrokerOrder(8, 9))
)


def test_a_quote_says_its_type_first_and_its_numbers_plainly() -> None:
    tick = QuoteTick(AAPL, Quote(AAPL.conid, bid=Decimal("1E+2"), ask=Decimal("0.0000001"), updated_at=AT))
    (frame,) = encode("quotes.265598", tick).frames
    assert frame.startswith(b'{"type":"quote","symbol":"AAPL",')
    assert b'"bid":100,"ask":0.0000001,"last":null' in frame


def test_a_quote_without_a_price_is_no_message() -> None:
    assert encode("", QuoteTick(AAPL, Quote(AAPL.conid, volume=Decimal(0)))).frames == ()


def test_a_stale_quote_is_a_notice_and_no_price() -> None:
    told = encode("", QuoteTick(AAPL, Quote(AAPL.conid, bid=Decimal(1)), "away"))
    assert (told.frames, told.condition) == ((), "stale")
    assert json.loads(told.notice)["reason"] == "away"


def test_an_order_has_our_names_and_ibkrs() -> None:
    (frame,) = encode("orders", OrderUpdate(6, CancelRequested(AT), ORDER)).frames
    message = json.loads(frame)
    assert (message["event"], message["seq"], message["data"]["status"]) == ("orderStatus", 6, "working")
    assert (message["data"]["orderId"], message["data"]["permId"], message["data"]["remaining"]) == (8, 9, 100)
    first = {"order_id": None, "perm_id": None, "client_id": 42, "reference": "", "status": None, "filled_qty": 0}
    assert message["data"]["broker"][0] == first
    assert b'"limit":150.10' in frame


def test_a_refused_change_is_a_message_and_not_a_state() -> None:
    update = OrderUpdate(7, ChangeRefused("too late", AT), ORDER)
    (frame,) = encode("orders", update).frames
    assert json.loads(frame) == {
        "event": "orderMessage",
        "data": {"order_id": "1", "code": None, "text": "too late"},
        "seq": 7,
    }


def test_a_warning_is_a_message_about_an_order_and_not_a_state() -> None:
    (frame,) = encode("orders", OrderUpdate(8, Warned(399, "held until the open", AT), ORDER)).frames
    assert json.loads(frame)["data"] == {"order_id": "1", "code": 399, "text": "held until the open"}


def test_missing_profit_and_loss_is_null() -> None:
    (frame,) = encode("pnl", Seen(Pnl("DU9912345", None, Decimal("-1.50"), None), AT)).frames
    assert b'"daily_pnl":null,"unrealized_pnl":-1.50,"realized_pnl":null' in frame


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(TypeError):
        encode("orders", object())
