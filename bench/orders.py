"""An order to its acknowledgement: through REST, and straight through ib_async, in turn on the same gateway."""

from __future__ import annotations

import asyncio
import time

import ib_async

from bench.http import Http
from bench.processes import demo
from bench.report import Report, Row, percentile

_WARM_UP = 20
_BLOCK = 10
"""Orders each way between two pauses: with their cancels they stay inside IBKR's 50 messages a second."""
_BODY = {"symbol": "AAPL", "side": "BUY", "qty": 1, "type": "LIMIT", "limit": 100, "tif": "DAY"}


async def measure(report: Report, count: int) -> None:
    async with demo() as running:
        http, ib = Http(running.url), ib_async.IB()
        await http.connect()
        await ib.connectAsync("127.0.0.1", running.tws_port, clientId=7)
        try:
            [contract] = await ib.qualifyContractsAsync(ib_async.Stock("AAPL", "SMART", "USD"))
            assert isinstance(contract, ib_async.Contract)
            account = ib.managedAccounts()[0]
            through_rest, direct = await _in_turn(http, ib, contract, account, count)
        finally:
            ib.disconnect()
            await http.close()
    for share, allowed in ((50, 2.0), (99, 5.0)):
        rest, plain = percentile(through_rest, share), percentile(direct, share)
        report.add(
            Row(
                f"order to acknowledgement, p{share}",
                rest,
                "ms",
                "ib_async directly",
                plain,
                f"at most {allowed:g} ms more",
                rest - plain <= allowed,
            )
        )


async def _in_turn(
    http: Http, ib: ib_async.IB, contract: ib_async.Contract, account: str, count: int
) -> tuple[list[float], list[float]]:
    through_rest: list[float] = []
    direct: list[float] = []
    while len(direct) < count + _WARM_UP:
        began = time.perf_counter()
        placed, trades = [], []
        for _ in range(_BLOCK):
            took, order_id = await _rest(http)
            through_rest.append(took)
            placed.append(order_id)
            took, trade = await _direct(ib, contract, account)
            direct.append(took)
            trades.append(trade)
        await _clear_away(http, placed, ib, trades)
        await asyncio.sleep(max(0.0, began + 1 - time.perf_counter()))
    return through_rest[_WARM_UP:], direct[_WARM_UP:]


async def _rest(http: Http) -> tuple[float, str]:
    began = time.perf_counter()
    status, order = await http.call("POST", "/orders", _BODY)
    took = (time.perf_counter() - began) * 1000
    assert status == 201, order
    return took, order["id"]


async def _direct(ib: ib_async.IB, contract: ib_async.Contract, account: str) -> tuple[float, ib_async.Trade]:
    order = ib_async.LimitOrder("BUY", 1, 100.0, tif="DAY", account=account)
    began = time.perf_counter()
    trade = ib.placeOrder(contract, order)
    await asyncio.wait_for(trade.statusEvent, 5)
    return (time.perf_counter() - began) * 1000, trade


async def _clear_away(http: Http, placed: list[str], ib: ib_async.IB, trades: list[ib_async.Trade]) -> None:
    for order_id in placed:
        status, order = await http.call("DELETE", f"/orders/{order_id}")
        assert status == 200, order
    for trade in trades:
        ib.cancelOrder(trade.order)
        await asyncio.wait_for(trade.cancelledEvent, 5)
