"""What a combo would cost by the quotes of its legs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from ibkr_bridge.domain.contract import Contract, Leg
from ibkr_bridge.domain.terms import Side
from ibkr_bridge.engine.guarding.net_prices import NetPrices, net_prices
from ibkr_bridge.guards.verdict import Price

AAPL = Contract(265598, "AAPL", "STK", "SMART", "USD")
MSFT = replace(AAPL, conid=272093, symbol="MSFT")
PAIR = (Leg(AAPL, Side.BUY, 2), Leg(MSFT, Side.SELL, 1))


def price(value: str, age: float = 0.0, stale: str | None = None) -> Price:
    return Price(Decimal(value), age, stale)


def test_a_bought_leg_pays_the_ask_and_a_sold_one_gets_the_bid() -> None:
    net = net_prices(PAIR, [(price("10.0"), price("10.1")), (price("30.0", 5), price("30.2", 7, "quiet"))])
    assert net == NetPrices(bid=price("-10.2", 7, "quiet"), ask=price("-9.8", 5), gross=price("50.4", 7, "quiet"))


def test_nothing_is_known_of_a_combo_one_of_whose_legs_has_no_quote() -> None:
    assert net_prices(PAIR, [(price("10"), price("10")), (None, price("30"))]) == NetPrices()


def test_shares_with_options_have_no_price_of_one_unit() -> None:
    option = replace(MSFT, sec_type="OPT", multiplier=Decimal(100))
    covered = (Leg(AAPL, Side.BUY, 100), Leg(option, Side.SELL, 1))
    assert net_prices(covered, [(price("10"), price("10")), (price("1"), price("1"))]) == NetPrices()
