"""The real service on a real socket, over a real simulator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings as DoorSettings

from ibkr_bridge.config.settings import ApiSettings, LogSettings, Settings, TradingSettings, TwsSettings
from ibkr_bridge.domain.world import World
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.runtime.service import running

ACCOUNT = "DU9912345"
PATIENCE = 10.0


@dataclass
class Caller:
    """A client of the service, and the engine behind it for what no client can see."""

    url: str
    http: aiohttp.ClientSession
    engine: Engine
    simulator: Simulator
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **options: Any) -> tuple[int, Any]:
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        return await self.call("POST", path, json=body, **options)

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        async with self.http.request(method, self.url + path, **options) as answer:
            return answer.status, await answer.json(content_type=None)

    @asynccontextmanager
    async def socket(self, path: str, **options: Any) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        async with self.http.ws_connect(self.url + path, **options) as socket:
            yield socket


async def heard(socket: aiohttp.ClientWebSocketResponse, **wanted: Any) -> dict[str, Any]:
    """The next message that has these members."""
    async with asyncio.timeout(PATIENCE):
        while True:
            message: dict[str, Any] = await socket.receive_json()
            if all(message.get(name) == value for name, value in wanted.items()):
                return message


@asynccontextmanager
async def calling(read_only: bool = False, account: str | None = ACCOUNT, **api: Any) -> AsyncIterator[Caller]:
    door = SimulatorSettings(tws=DoorSettings(port=0), control_port=None)
    async with Simulator(door) as simulator:
        settings = Settings(
            api=ApiSettings(port=0, log_requests=False, **api),
            tws=TwsSettings(port=simulator.tws_port, account=account, market_data_type="live"),
            trading=TradingSettings(read_only=read_only, world=World.SIMULATED),
            log=LogSettings(level="error"),
        )
        async with running(settings) as service, aiohttp.ClientSession() as http:
            yield Caller(service.url, http, service.engine, simulator)


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with calling() as caller:
        yield caller
