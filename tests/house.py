"""A house for each test: simulator, a wire that can be tapped, and the service, all on free ports, by either door."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp

from ibkr_bridge.config.settings import (
    ApiSettings,
    GuardSettings,
    JournalSettings,
    Settings,
    TradingSettings,
    TwsSettings,
    UpstreamSettings,
)
from ibkr_bridge.config.webapi import WebApiSettings
from ibkr_bridge.domain.world import World
from ibkr_bridge.ports.journal import Journal
from ibkr_bridge.runtime.service import Service, running
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings as DoorSettings
from ibkr_sim.webapi.settings import WebApiSettings as WebDoorSettings

DEADLINE = 30.0


@dataclass
class Tap:
    """A piece of wire between the service and the gateway that a test can hold, cut and whisper into."""

    target: int
    muted: bool = False
    """What the gateway says is swallowed."""
    deaf: bool = False
    """What the service says is swallowed."""
    closed: bool = False
    """Connections are accepted and dropped at once, as while a gateway restarts behind a relay."""
    port: int = 0
    connections: int = 0
    said: list[list[str]] = field(default_factory=list)
    """The service's messages, field by field, since its connection began."""
    _pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.closed:
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        pair = (writer, far_writer)
        self._pairs.add(pair)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(reader, far_writer, lambda: self.deaf, self._note()))
                tasks.create_task(self._pump(far_reader, writer, lambda: self.muted, lambda _data: None))
        finally:
            self._pairs.discard(pair)

    def _note(self) -> Callable[[bytes], None]:
        """Collects the frames of one connection, after its four letters of greeting."""
        self.said, gathered = [], bytearray()

        def note(data: bytes) -> None:
            gathered.extend(data)
            if gathered.startswith(b"API\0"):
                del gathered[:4]
            while len(gathered) >= 4 and len(gathered) >= 4 + (size := int.from_bytes(gathered[:4], "big")):
                self.said.append(bytes(gathered[4 : 4 + size]).decode().split("\0"))
                del gathered[: 4 + size]

        return note

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        swallow: Callable[[], bool],
        note: Callable[[bytes], None],
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                note(data)
                if not swallow():
                    writer.write(data)
        writer.close()

    def cut(self) -> None:
        for pair in self._pairs:
            for writer in pair:
                writer.close()

    def whisper(self, *fields: object) -> None:
        """Send a message to the service as if the gateway had."""
        payload = "".join(f"{text}\0" for text in fields).encode()
        for near, _far in self._pairs:
            near.write(struct.pack(">I", len(payload)) + payload)

    def message(self, number: int, code: int, text: str) -> None:
        """An error message of server version 166 and later."""
        self.whisper(4, 2, number, code, text, "")


@dataclass
class House:
    simulator: Simulator
    tap: Tap
    service: Service
    http: aiohttp.ClientSession
    account: str

    async def call(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        async with self.http.request(method, path, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def until(self, true: Callable[[], Awaitable[Any]]) -> Any:
        """What `true` answers once it is neither None nor False."""
        async with asyncio.timeout(DEADLINE):
            while not (found := await true()):  # noqa: ASYNC110  what a client can see, it must poll
                await asyncio.sleep(0.02)
            return found

    async def until_order(self, order_id: str, status: str) -> dict[str, Any]:
        async def look() -> dict[str, Any] | None:
            _code, order = await self.call("GET", f"/orders/{order_id}")
            return order if order["status"] == status else None

        found: dict[str, Any] = await self.until(look)
        return found

    async def until_ready(self, *, ready: bool = True) -> None:
        async def look() -> bool:
            return ((await self.call("GET", "/readyz"))[0] == 200) is ready

        await self.until(look)


async def told(socket: Any, kind: str, **members: object) -> dict[str, Any]:
    """The next message of this type with these members."""
    async with asyncio.timeout(DEADLINE):
        while True:
            found: dict[str, Any] = await socket.receive_json()
            if found["type"] == kind and all(found.get(name) == value for name, value in members.items()):
                return found


def sent(home: House, number: str) -> list[list[str]]:
    """What the service has said on this connection under this message id."""
    return [message for message in home.tap.said if message[0] == number]


@asynccontextmanager
async def house(
    first_word_timeout: float = 10.0,
    request_timeout: float = 10.0,
    guards: GuardSettings | None = None,
    journal: Journal | None = None,
    door: Literal["tws", "webapi"] = "tws",
    pinned: bool = True,
    regulatory_snapshots: int = 0,
    **trading: Any,
) -> AsyncIterator[House]:
    async with Simulator(_simulated(door)) as simulator:
        tap = Tap(_port(simulator, door))
        server = await asyncio.start_server(tap.serve, "127.0.0.1", 0)
        tap.port = server.sockets[0].getsockname()[1]
        account = simulator.exchange.accounts[0]
        settings = Settings(
            api=ApiSettings(port=0),
            upstream=UpstreamSettings(door=door),
            tws=TwsSettings(port=tap.port, account=account if pinned else None, request_timeout=request_timeout),
            webapi=WebApiSettings(
                url=f"http://127.0.0.1:{tap.port}/v1/api", regulatory_snapshots_per_day=regulatory_snapshots
            ),
            trading=TradingSettings(
                **{
                    "read_only": False,
                    "world": World.SIMULATED,
                    "first_word_timeout": first_word_timeout,
                    "reset_windows": (),
                    **trading,
                }
            ),
            journal=JournalSettings(url="memory"),
            guards=guards or GuardSettings.wide_open(),
        )
        try:
            async with running(settings, journal=journal) as service, aiohttp.ClientSession(service.url) as http:
                yield House(simulator, tap, service, http, account)
        finally:
            tap.cut()
            server.close()


def _simulated(door: str) -> SimulatorSettings:
    """Messages a second are counted where they arrive; on a loop that both sides share a pause makes two bursts one."""
    web = WebDoorSettings(port=0, auto_login=True) if door == "webapi" else None
    return SimulatorSettings(tws=DoorSettings(port=0, most_messages=0), webapi=web, control_port=None)


def _port(simulator: Simulator, door: str) -> int:
    if door == "tws":
        return simulator.tws_port
    assert simulator.webapi_port is not None
    return simulator.webapi_port
