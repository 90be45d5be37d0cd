"""A broker that stays while services come and go, and an ear for what each of them says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ibkr_bridge.config.settings import (
    ApiSettings,
    GuardSettings,
    JournalSettings,
    Settings,
    TradingSettings,
    TwsSettings,
)
from ibkr_bridge.domain.world import World
from ibkr_bridge.runtime import compose
from ibkr_bridge.runtime.service import running
from ibkr_bridge.upstream.tws.wire import TwsSettings as WireSettings
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings as DoorSettings
from tests.house import House, Tap

DEADLINE = 10.0
FIRST_WORD = 0.4
PLACE_ORDER = b"3\0"


@dataclass
class Scissors:
    """A piece of wire that lets only so many bytes of the next order through, and then ends."""

    target: int
    after: int | None = None
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._up(reader, far_writer))
                tasks.create_task(self._down(far_reader, writer))
        finally:
            writer.close()

    async def _up(self, reader: asyncio.StreamReader, far: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if self.after is not None and data[4:6] == PLACE_ORDER:
                    data, self.after = data[: self.after], None
                    far.write(data)
                    break
                far.write(data)
        far.close()

    async def _down(self, far: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await far.read(65536):
                writer.write(data)
        writer.close()


@dataclass
class Ear:
    """What a socket of the service has said so far."""

    socket: aiohttp.ClientWebSocketResponse
    heard: list[dict[str, Any]] = field(default_factory=list)

    async def until(self, true: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The next message of which `true` holds; what came before it is kept in `heard`."""
        async with asyncio.timeout(DEADLINE):
            while True:
                message: dict[str, Any] = await self.socket.receive_json()
                self.heard.append(message)
                if true(message):
                    return message

    async def all(self) -> list[dict[str, Any]]:
        """Everything that was said until now."""
        await self.socket.send_json({"type": "ping"})
        await self.until(lambda message: "pong" in (message.get("event"), message.get("type")))
        return self.heard

    async def status(self, order_id: str, status: str) -> list[str]:
        """The order's states from the beginning until this one, each change once."""
        if status not in self.states(order_id):
            await self.until(lambda message: _state(message, order_id) == status)
        return self.states(order_id)

    def states(self, order_id: str) -> list[str]:
        states: list[str] = []
        for message in self.heard:
            state = _state(message, order_id)
            if state is not None and states[-1:] != [state]:
                states.append(state)
        return states

    async def sessions(self) -> list[tuple[str, str | None]]:
        """State and code of the session, as told since the first message."""
        told = [message["data"] for message in await self.all() if message["event"] == "connectionChanged"]
        return [(data["state"], data["code"]) for data in told[1:]]


def _state(message: dict[str, Any], order_id: str) -> str | None:
    if message["event"] != "orderStatus" or message["data"]["id"] != order_id:
        return None
    return str(message["data"]["status"])


@dataclass
class Broker:
    """What outlives a service: a simulator, the wires to it, a journal on disk."""

    simulator: Simulator
    tap: Tap
    scissors: Scissors
    folder: Path

    @property
    def account(self) -> str:
        return self.simulator.exchange.accounts[0]

    def settings(self, port: int, **trading: Any) -> Settings:
        return Settings(
            api=ApiSettings(port=0),
            tws=TwsSettings(port=port, account=self.account, request_timeout=1, connect_timeout=0.5),
            trading=TradingSettings(
                **{
                    "read_only": False,
                    "world": World.SIMULATED,
                    "first_word_timeout": FIRST_WORD,
                    "inquiry_interval": 0.1,
                    "tws_time_zone": "America/New_York",
                    **trading,
                }
            ),
            guards=GuardSettings.wide_open(),
            journal=JournalSettings(
                url=f"sqlite:///{self.folder / 'journal.sqlite'}",
                audit_key_file=self.folder / "audit.key",
                audit_mark=self.folder / "audit.mark",
            ),
        )

    @asynccontextmanager
    async def served(self, port: int | None = None, **trading: Any) -> AsyncIterator[House]:
        """A service on this broker and this journal, at the end of the block stopped."""
        settings = self.settings(port or self.simulator.tws_port, **trading)
        async with running(settings) as service, aiohttp.ClientSession(service.url) as http:
            yield House(self.simulator, self.tap, service, http, self.account)


@asynccontextmanager
async def listening(home: House, path: str = "/ws/ib") -> AsyncIterator[Ear]:
    async with home.http.ws_connect(path) as socket:
        ear = Ear(socket)
        if path == "/ws/ib":
            await ear.until(lambda message: message["event"] == "connectionChanged")
        yield ear


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rules in less time: silence is noticed, and connections are tried again, within tenths of a second."""
    hurried = partial(WireSettings, keepalive=0.3, retry_first=0.02, retry_most=0.1)
    monkeypatch.setattr(compose, "TwsSettings", hurried)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    async with Simulator(SimulatorSettings(tws=DoorSettings(port=0), control_port=None)) as simulator:
        tap, scissors = Tap(simulator.tws_port), Scissors(simulator.tws_port)
        servers = []
        for wire in (tap, scissors):
            server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
            wire.port = server.sockets[0].getsockname()[1]
            servers.append(server)
        try:
            yield Broker(simulator, tap, scissors, tmp_path)
        finally:
            tap.cut()
            for server in servers:
                server.close()
