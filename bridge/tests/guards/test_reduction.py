"""What the kill switch orders by itself is judged by what it does, not by the state of trading."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.terms import OrderType, Side, Terms
from ibkr_bridge.domain.world import World
from ibkr_bridge.guards.chain import REDUCING, judge
from ibkr_bridge.guards.verdict import Intent, TradingState, View

AAPL = Contract(265598, "AAPL", "STK", "SMART", "USD")
CLOSING = Intent("DU9912345", AAPL, Terms(Side.SELL, Decimal(10), OrderType.LIMIT, Decimal(150)))
HOLDING = View(
    read_only=False,
    expected_world=World.SIMULATED,
    allow_live=False,
    pinned_account=None,
    session_accounts=("DU9912345",),
    now=datetime(2026, 3, 2, 15, tzinfo=UTC),
    position=Decimal(10),
)


@pytest.mark.parametrize("state", TradingState)
def test_whatever_the_state_of_trading_a_closing_order_may_bring_a_position_to_zero(state: TradingState) -> None:
    assert judge(CLOSING, replace(HOLDING, state=state), REDUCING) is None


@pytest.mark.parametrize("state", TradingState)
@pytest.mark.parametrize("position", [Decimal(9), Decimal(0), Decimal(-10)])
def test_whatever_the_state_of_trading_a_closing_order_does_nothing_else(
    state: TradingState, position: Decimal
) -> None:
    denial = judge(CLOSING, replace(HOLDING, state=state, position=position), REDUCING)
    assert denial is not None
    assert denial.guard == "halt"
