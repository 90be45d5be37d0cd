"""From the command to the first fill, and what the service then weighs."""

from __future__ import annotations

import asyncio
import time

import aiohttp

from bench.processes import demo, resident_megabytes
from bench.report import Report, Row

_BODY = {"symbol": "AAPL", "side": "BUY", "qty": 1, "type": "MARKET"}


async def measure(report: Report) -> None:
    async with demo() as running, aiohttp.ClientSession(running.url) as http:
        async with http.post("/orders", json=_BODY) as answer:
            order = await answer.json()
        async with asyncio.timeout(10):
            while order["status"] != "filled":
                await asyncio.sleep(0.005)
                async with http.get(f"/orders/{order['id']}") as answer:
                    order = await answer.json()
        seconds = time.perf_counter() - running.began
        megabytes = resident_megabytes(running.pid)
    report.add(Row("warm start to first fill", seconds, "s", target="below 3 s", met=seconds < 3))
    if megabytes is not None:
        report.add(
            Row("service memory after the first fill", megabytes, "MB", target="below 120 MB", met=megabytes < 120)
        )
