"""The whole simulator in one process: a clock, an exchange, and the doors that open on it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ibkr_sim.clock import Clock
from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.settings import ExchangeSettings
from ibkr_sim.faults.faults import Faults
from ibkr_sim.faults.injection import FaultOrder
from ibkr_sim.faults.ports import Door
from ibkr_sim.keeping.file import State, load
from ibkr_sim.keeping.keeper import Keeper
from ibkr_sim.listening import LateServer
from ibkr_sim.tws.door import TwsDoor
from ibkr_sim.tws.settings import TwsSettings
from ibkr_sim.webapi.settings import WebApiSettings

if TYPE_CHECKING:
    from ibkr_sim.control.server import ControlServer
    from ibkr_sim.webapi.door import WebApiDoor


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """Everything has a default that suits a trial on one machine."""

    exchange: ExchangeSettings = field(default_factory=ExchangeSettings)
    tws: TwsSettings = field(default_factory=TwsSettings)
    webapi: WebApiSettings | None = None
    """None leaves the Web API's door closed."""
    control_host: str = "127.0.0.1"
    control_port: int | None = 4080
    """None leaves the control port closed, 0 takes any free one."""
    nonce: str | None = None
    """The secret by which the control port proves that it belongs to the process that was given it."""
    start: datetime | None = None
    """Simulated time at the opening; now, if not given."""
    speed: float = 1.0
    """Simulated seconds per real second; 0 stands still."""
    faults: tuple[FaultOrder, ...] = ()
    """Injected before the first client comes."""
    state: Path | None = None
    """The file in which orders, ids, positions, cash and executions survive; None keeps nothing."""


class Simulator:
    """Open inside `async with`. Raises OSError on entering when a port is taken."""

    def __init__(self, settings: SimulatorSettings, clock: Clock | None = None, *, early: bool = False) -> None:
        """Raises InvalidFault for a fault that does not exist, OSError and StateUnreadable for the state's file.

        `early` enters as soon as every port accepts connections. What the Web API and the control port need is loaded
        meanwhile, and `run_until` tells what went wrong with it.
        """
        self._settings = settings
        kept = None if settings.state is None else load(settings.state)
        self.clock = clock or Clock(_opening(settings, kept), settings.speed)
        self.exchange = Exchange(settings.exchange, self.clock, kept["exchange"] if kept else None)
        opens_webapi = settings.webapi is not None and settings.webapi.port is not None
        doors = (Door.TWS, Door.WEBAPI) if opens_webapi else (Door.TWS,)
        self.faults = Faults(self.exchange, self.exchange.backstage, doors)
        self.door = TwsDoor(self.exchange, settings.tws, self.faults)
        if kept:
            known = [*self.exchange.completed_orders(), *self.exchange.open_orders()]
            self.door.order_ids.recall(kept["order_ids"], known)
        for order in settings.faults:
            self.faults.check(order)
        self._early = early
        self._exits = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._webapi: LateServer[WebApiDoor] | None = None
        self._control: LateServer[ControlServer] | None = None

    @property
    def webapi(self) -> WebApiDoor | None:
        """The Web API's door, once it is loaded and until it is closed."""
        return None if self._webapi is None else self._webapi.server

    @property
    def webapi_url(self) -> str | None:
        """The base of every path, `http://127.0.0.1:5000/v1/api`; None where there is no door."""
        settings = self._settings.webapi
        return None if settings is None or self._webapi is None else settings.url(self._webapi.port)

    @property
    def webapi_port(self) -> int | None:
        """None where there is no door."""
        return None if self._webapi is None else self._webapi.port

    @property
    def tws_port(self) -> int:
        return self.door.port

    @property
    def control_port(self) -> int | None:
        """None where there is none."""
        return None if self._control is None else self._control.port

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            self._listen(starting)
            if self._webapi is not None and (self._settings.faults or not self._early):
                await self._webapi.load()  # a fault may concern it
            for order in self._settings.faults:
                self.faults.order(order)
            await self.door.start()
            starting.push_async_callback(self.door.close)
            if self._settings.state is not None:
                keeper = Keeper(self._settings.state, self._state)
                starting.push_async_callback(keeper.close)
                starting.callback(self.exchange.subscribe(keeper.hear))
                self._run(starting, keeper.run(), "state")
            self._run(starting, self.exchange.run(), "exchange")
            self._run(starting, self.faults.run(), "faults")
            if self._early:
                self._run(starting, self._open_late(), "opening")
            else:
                await self._open_late()
            self._exits = starting.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    async def run_until(self, stop: asyncio.Event) -> None:
        """Raises what ends a part of the simulator before that: NotOpened for a server that cannot be loaded."""
        stopping = asyncio.create_task(stop.wait(), name="stop")
        waiting: set[asyncio.Task[Any]] = {stopping, *self._tasks}
        try:
            while not stopping.done():
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            await _stop(stopping)

    def _state(self) -> State:
        return {"exchange": self.exchange.remember(), "order_ids": self.door.order_ids.highest}

    def _listen(self, starting: AsyncExitStack) -> None:
        settings = self._settings
        if settings.webapi is not None and settings.webapi.port is not None:
            address = (settings.webapi.host, settings.webapi.port)
            self._webapi = LateServer("the Web API", address, "ibkr_sim.webapi.door", self._make_webapi)
            starting.push_async_callback(self._webapi.close)
        if settings.control_port is not None:
            address = (settings.control_host, settings.control_port)
            self._control = LateServer("the control port", address, "ibkr_sim.control.server", self._make_control)
            starting.push_async_callback(self._control.close)

    async def _open_late(self) -> None:
        # One after the other: who can order a fault at the control port finds every door that it may concern.
        for late in (self._webapi, self._control):
            if late is not None:
                await late.open()

    def _make_webapi(self, module: Any) -> WebApiDoor:
        door: WebApiDoor = module.WebApiDoor(
            self.exchange, self._settings.webapi, self.faults, lambda: bool(self.door.guests)
        )
        return door

    def _make_control(self, module: Any) -> ControlServer:
        server: ControlServer = module.ControlServer(
            self.exchange,
            self.clock,
            self.door,
            self.faults,
            self._settings.nonce,
            self.webapi_port,
            lambda: [] if self.webapi is None else self.webapi.peers,
        )
        return server

    def _run(self, starting: AsyncExitStack, part: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(part, name=name)
        self._tasks.append(task)
        starting.push_async_callback(_stop, task)


def _opening(settings: SimulatorSettings, kept: State | None) -> datetime | None:
    """When the clock begins: as it is told, else with what is replayed; never before what was kept."""
    begins = [row.begins for row in settings.exchange.replay]
    chosen = settings.start or (min(begins) if begins else None)
    if chosen is None or kept is None:
        return chosen
    before: datetime = kept["exchange"]["now"]
    return max(chosen, before)


async def _stop(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
