"""Trades on the simulator with ib_async, as on a paper account: python examples/ib_async_on_simulator.py [port]

Start the simulator first: `ibkr-sim serve`, or the demo, which prints the port of its TWS socket.
"""

from __future__ import annotations

import asyncio
import sys

import ib_async

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 4002


async def trade() -> None:
    ib = ib_async.IB()
    await ib.connectAsync("127.0.0.1", PORT, clientId=7)
    try:
        account = ib.managedAccounts()[0]
        [contract] = await ib.qualifyContractsAsync(ib_async.Stock("AAPL", "SMART", "USD"))
        assert isinstance(contract, ib_async.Contract)
        order = ib_async.MarketOrder("BUY", 10)
        filled = ib.placeOrder(contract, order)
        async with asyncio.timeout(10):
            while not filled.isDone():
                await filled.statusEvent
        print(f"{account}: {filled.orderStatus.status} at {filled.orderStatus.avgFillPrice}")
        await ib.reqPositionsAsync()
        for position in ib.positions():
            print(f"{position.account} holds {position.position:g} {position.contract.symbol}")
    finally:
        ib.disconnect()


if __name__ == "__main__":
    asyncio.run(trade())
