"""Calls that callers of IBKR's own paths make, and how many of them reach IBKR."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import aiohttp
import structlog

from bench.report import Report, Row
from ibkr_bridge.config.settings import ApiSettings, JournalSettings, Settings, TradingSettings, UpstreamSettings
from ibkr_bridge.config.webapi import WebApiSettings
from ibkr_bridge.domain.world import World
from ibkr_bridge.runtime.service import running
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings
from ibkr_sim.webapi.settings import WebApiSettings as DoorSettings

_CALLERS: Final = 50
_ROUNDS: Final = 5
_PAUSE: Final = 1.0
"""Seconds between two rounds, as a program that polls leaves them."""
_PATHS: Final = (
    "/iserver/marketdata/snapshot?conids=265598,756733&fields=31,84,86",
    "/iserver/contract/265598/info",
    "/trsrv/stocks?symbols=AAPL",
    "/portfolio/{account}/summary",
    "/portfolio/{account}/positions/0",
    "/iserver/account/orders",
)
"""What programs that trade ask for again and again."""
_REQUEST: Final = b" HTTP/1.1\r\n"


@dataclass(slots=True)
class Counted:
    """HTTP requests on their way to the gateway, the session's own among them."""

    target: int
    requests: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        with suppress(OSError):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(reader, far_writer, count=True))
                tasks.create_task(self._pump(far_reader, writer, count=False))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, count: bool) -> None:
        rest = b""
        while data := await reader.read(65536):
            if count:
                rest += data
                self.requests += rest.count(_REQUEST)
                rest = rest[-len(_REQUEST) + 1 :]
            writer.write(data)
        writer.close()


async def measure(report: Report) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    async with _house() as (url, account, counted), _crowd(url) as http:
        paths = [path.format(account=account) for path in _PATHS]
        callers = [await _introduced(http) for _caller in range(_CALLERS)]
        before = counted.requests
        for _round in range(_ROUNDS):
            await asyncio.gather(*(_ask(http, path, caller) for path in paths for caller in callers))
            await asyncio.sleep(_PAUSE)
        reached = counted.requests - before
    asked = _CALLERS * _ROUNDS * len(_PATHS)
    report.add(Row(f"calls of {_CALLERS} callers that reach IBKR", reached, "", "calls made", asked))
    report.add(Row("calls spared by coalescing", 100 * (1 - reached / asked), "%"))


def _crowd(url: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar())


async def _introduced(http: aiohttp.ClientSession) -> dict[str, str]:
    """The cookie of a caller of its own."""
    async with http.post("/tickle") as answer:
        return {name: morsel.value for name, morsel in answer.cookies.items()}


async def _ask(http: aiohttp.ClientSession, path: str, caller: dict[str, str]) -> None:
    async with http.get(path, cookies=caller) as answer:
        assert answer.status == 200, await answer.text()
        await answer.read()


@asynccontextmanager
async def _house() -> AsyncIterator[tuple[str, str, Counted]]:
    door = SimulatorSettings(tws=TwsSettings(port=0), webapi=DoorSettings(port=0, auto_login=True), control_port=None)
    async with Simulator(door) as simulator:
        assert simulator.webapi_port is not None
        counted = Counted(simulator.webapi_port)
        relay = await asyncio.start_server(counted.serve, "127.0.0.1", 0)
        settings = Settings(
            api=ApiSettings(port=0),
            upstream=UpstreamSettings(door="webapi"),
            webapi=WebApiSettings(url=f"http://127.0.0.1:{relay.sockets[0].getsockname()[1]}/v1/api"),
            trading=TradingSettings(world=World.SIMULATED),
            journal=JournalSettings(url="memory"),
        )
        async with relay, running(settings) as service:
            yield service.url, simulator.exchange.accounts[0], counted
