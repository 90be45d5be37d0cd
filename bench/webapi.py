"""An order to its acknowledgement at the Web API's door: through REST, and straight to the gateway, in turn."""

from __future__ import annotations

import asyncio
import time

from bench.http import Http
from bench.processes import demo
from bench.report import Report, Row, percentile

_WARM_UP = 3
_PAUSE = 0.6
"""Seconds between two pairs: IBKR's gateway takes ten requests a second, from everybody together."""
_BODY = {"symbol": "AAPL", "side": "BUY", "qty": 1, "type": "LIMIT", "limit": 265, "tif": "DAY"}
_TICKET = {"conid": 265598, "side": "BUY", "quantity": 1, "orderType": "LMT", "price": 265, "tif": "DAY"}


async def measure(report: Report, count: int) -> None:
    async with demo("webapi") as running:
        assert running.webapi_port is not None
        service, gateway = Http(running.url), Http(f"http://127.0.0.1:{running.webapi_port}")
        await service.connect()
        await gateway.connect()
        try:
            await service.call("GET", "/market/quote/AAPL")  # without market data IBKR asks a question first
            _status, health = await service.call("GET", "/health")
            path = f"/v1/api/iserver/account/{health['ibkr']['accounts'][0]}/orders"
            through_rest, direct = await _in_turn(service, gateway, path, count)
        finally:
            await gateway.close()
            await service.close()
    for share in (50, 99):
        what = f"order at the Web API's door, p{share}"
        report.add(Row(what, percentile(through_rest, share), "ms", "the gateway directly", percentile(direct, share)))


async def _in_turn(service: Http, gateway: Http, path: str, count: int) -> tuple[list[float], list[float]]:
    through_rest: list[float] = []
    direct: list[float] = []
    while len(direct) < count + _WARM_UP:
        through_rest.append(await _timed(service, "/orders", _BODY, 201))
        direct.append(await _timed(gateway, path, {"orders": [_TICKET]}, 200))
        await asyncio.sleep(_PAUSE)
    return through_rest[_WARM_UP:], direct[_WARM_UP:]


async def _timed(http: Http, path: str, body: object, expected: int) -> float:
    began = time.perf_counter()
    status, answer = await http.call("POST", path, body)
    took = (time.perf_counter() - began) * 1000
    assert status == expected, answer
    assert expected == 201 or "order_id" in answer[0], answer
    return took
