"""An order to its acknowledgement: through REST, and straight through ib_async, in turn on the same gateway."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import ib_async

from bench.processes import demo
from bench.report import Report, Row, percentile

_WARM_UP = 20
_BODY = {"symbol": "AAPL", "side": "BUY", "qty": 1, "type": "LIMIT", "limit": 100, "tif": "DAY"}


async def measure(report: Report, count: int) -> None:
    async with demo() as running, aiohttp.ClientSession(running.url) as http:
        ib = ib_async.IB()
        await ib.connectAsync("127.0.0.1", running.tws_port, clientId=7)
        try:
            [contract] = await ib.qualifyContractsAsync(ib_async.Stock("AAPL", "SMART", "USD"))
            assert isinstance(contract, ib_async.Contract)
            account = ib.managedAccounts()[0]
            through_rest, direct = await _in_turn(http, ib, contract, account, count)
        finally:
            ib.disconnect()
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
    http: aiohttp.ClientSession, ib: ib_async.IB, contract: ib_async.Contract, account: str, count: int
) -> tuple[list[float], list[float]]:
    through_rest: list[float] = []
    direct: list[float] = []
    for number in range(count + _WARM_UP):
        rest_took = await _rest(http)
        direct_took = await _direct(ib, contract, account)
        if number >= _WARM_UP:
            through_rest.append(rest_took)
            direct.append(direct_took)
        await asyncio.sleep(0.06)  # both together stay inside IBKR's 50 messages a second
    return through_rest, direct


async def _rest(http: aiohttp.ClientSession) -> float:
    began = time.perf_counter()
    async with http.post("/orders", json=_BODY) as answer:
        order = await answer.json()
        took = (time.perf_counter() - began) * 1000
    assert answer.status == 201, order
    async with http.delete(f"/orders/{order['id']}") as answer:
        assert answer.status == 200, await answer.text()
    return took


async def _direct(ib: ib_async.IB, contract: ib_async.Contract, account: str) -> float:
    order = ib_async.LimitOrder("BUY", 1, 100.0, tif="DAY", account=account)
    began = time.perf_counter()
    trade = ib.placeOrder(contract, order)
    await asyncio.wait_for(trade.statusEvent, 5)
    took = (time.perf_counter() - began) * 1000
    ib.cancelOrder(order)
    await asyncio.wait_for(trade.cancelledEvent, 5)
    return took
