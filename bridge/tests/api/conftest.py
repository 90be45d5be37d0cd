"""The real service on a real socket, over a real simulator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import yarl

from ibkr_bridge.config.settings import (
    ApiSettings,
    GuardSettings,
    JournalSettings,
    Settings,
    TradingSettings,
    TwsSettings,
)
from ibkr_bridge.domain.world import World
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.runtime.service import running
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings as DoorSettings

PATIENCE = 30.0
Socket = aiohttp.ClientWebSocketResponse


@dataclass
class Caller:
    """A client of the service, and what no client can see behind it."""

    url: str
    http: aiohttp.ClientSession
    engine: Engine
    simulator: Simulator
    account: str = "DU9912345"

    async def get(self, path: str | yarl.URL, **options: Any) -> tuple[int, Any]:
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        return await self.call("POST", path, json=body, **options)

    async def call(self, method: str, path: str | yarl.URL, **options: Any) -> tuple[int, Any]:
        url = self.url + path if isinstance(path, str) else path
        async with self.http.request(method, url, **options) as answer:
            return answer.status, await answer.json(content_type=None)

    async def text(self, path: str) -> str:
        async with self.http.get(self.url + path) as answer:
            return await answer.text()

    def socket(self, path: str, **options: Any) -> Any:
        return self.http.ws_connect(self.url + path, **options)

    async def hear(self, socket: Socket, **wanted: Any) -> dict[str, Any]:
        """The next message that has these members."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message: dict[str, Any] = await socket.receive_json()
                if all(message.get(name) == value for name, value in wanted.items()):
                    return message


Calling = Callable[..., AbstractAsyncContextManager[Caller]]


@asynccontextmanager
async def _calling(*, read_only: bool = False, **api: Any) -> AsyncIterator[Caller]:
    door = SimulatorSettings(tws=DoorSettings(port=0), control_port=None)
    async with Simulator(door) as simulator:
        settings = Settings(
            api=ApiSettings(port=0, **api),
            tws=TwsSettings(port=simulator.tws_port, account=Caller.account, market_data_type="live"),
            trading=TradingSettings(read_only=read_only, world=World.SIMULATED),
            journal=JournalSettings(url="memory"),
            guards=GuardSettings.wide_open(),
        )
        async with running(settings) as service, aiohttp.ClientSession() as http:
            yield Caller(service.url, http, service.engine, simulator)


@pytest.fixture
def calling() -> Calling:
    """A service with settings of its own, inside an `async with`."""
    return _calling


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[Caller]:
    """One service for the tests of a file that leave no trace in it; they need loop_scope="module"."""
    async with _calling() as caller:
        yield caller


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with _calling() as caller:
        yield caller
