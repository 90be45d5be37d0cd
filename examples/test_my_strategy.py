"""A strategy's tests on the simulator: pytest examples/test_my_strategy.py

The fixture `ibkr_sim` comes with the package ibkr-sim. Each test has an exchange of its own, whose clock stands still.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING

import ib_async
import pytest

if TYPE_CHECKING:
    from ibkr_sim.testing.running import RunningSimulator

AAPL = ib_async.Stock("AAPL", "SMART", "USD")


async def buy(ib: ib_async.IB, quantity: int, limit: float) -> ib_async.Trade:
    """The strategy: buy at a limit, and wait for TWS's first word."""
    [contract] = await ib.qualifyContractsAsync(AAPL)
    assert isinstance(contract, ib_async.Contract)
    trade = ib.placeOrder(contract, ib_async.LimitOrder("BUY", quantity, limit, tif="DAY", outsideRth=True))
    await asyncio.wait_for(trade.statusEvent, 5)
    return trade


async def test_a_limit_order_waits_for_its_price(ibkr_sim: RunningSimulator) -> None:
    ib = ib_async.IB()
    await ib.connectAsync(ibkr_sim.host, ibkr_sim.port, clientId=1)
    try:
        trade = await buy(ib, 10, limit=100)
        ibkr_sim.advance(3600)
        assert trade.isActive()
        assert ibkr_sim.ledger()["executions"] == []
    finally:
        ib.disconnect()


@pytest.mark.ibkr_sim(seed=7)
async def test_a_lost_answer_does_not_mean_a_lost_order(ibkr_sim: RunningSimulator) -> None:
    ibkr_sim.inject("answer_lost", "order:1")
    ib = ib_async.IB()
    await ib.connectAsync(ibkr_sim.host, ibkr_sim.port, clientId=1)
    try:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(buy(ib, 10, limit=1000), 1)
        (execution, _commission) = ibkr_sim.ask(lambda exchange: exchange.executions())[0]
        assert execution.shares == Decimal(10)
    finally:
        ib.disconnect()
