"""The whole simulator in one process: a clock, an exchange, and the doors that open on it."""

from __future__ import annotations

import asyncio
import importlib
import socket
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ibkr_sim.clock import Clock
from ibkr_sim.control.listening import listen
from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.settings import ExchangeSettings
from ibkr_sim.faults.faults import Faults
from ibkr_sim.faults.injection import FaultOrder
from ibkr_sim.faults.ports import Door
from ibkr_sim.keeping.file import State, load
from ibkr_sim.keeping.keeper import Keeper
from ibkr_sim.tws.door import TwsDoor
from ibkr_sim.tws.settings import TwsSettings
from ibkr_sim.webapi.settings import WebApiSettings

if TYPE_CHECKING:
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

    def __init__(self, settings: SimulatorSettings, clock: Clock | None = None) -> None:
        """Raises InvalidFault for a fault that does not exist, OSError and StateUnreadable for the state's file."""
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
        self._exits = AsyncExitStack()
        self._listener: socket.socket | None = None
        self.webapi: WebApiDoor | None = None
        """The Web API's door while it is open."""

    @property
    def webapi_port(self) -> int | None:
        """None while the Web API's door is closed."""
        return None if self.webapi is None else self.webapi.port

    @property
    def tws_port(self) -> int:
        return self.door.port

    @property
    def control_port(self) -> int | None:
        """None when the control port is closed."""
        return None if self._listener is None else int(self._listener.getsockname()[1])

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            webapi = await self._make_webapi(self._settings.webapi)
            for order in self._settings.faults:
                self.faults.order(order)
            await self.door.start()
            starting.push_async_callback(self.door.close)
            if webapi is not None:
                await webapi.start()
                self.webapi = webapi
                starting.push_async_callback(self._close_webapi)
            if self._settings.control_port is not None:
                self._listener = listen(self._settings.control_host, self._settings.control_port)
                starting.callback(self._listener.close)
                serving = asyncio.create_task(self._serve_control(self._listener), name="control")
                starting.push_async_callback(_stop, serving)
            if self._settings.state is not None:
                keeper = Keeper(self._settings.state, self._state)
                starting.push_async_callback(keeper.close)
                starting.callback(self.exchange.subscribe(keeper.hear))
                starting.push_async_callback(_stop, asyncio.create_task(keeper.run(), name="state"))
            for name, forever in (("exchange", self.exchange.run()), ("faults", self.faults.run())):
                starting.push_async_callback(_stop, asyncio.create_task(forever, name=name))
            self._exits = starting.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    def _state(self) -> State:
        return {"exchange": self.exchange.remember(), "order_ids": self.door.order_ids.highest}

    def _webapi_peers(self) -> list[str]:
        return [] if self.webapi is None else self.webapi.peers

    async def _make_webapi(self, settings: WebApiSettings | None) -> WebApiDoor | None:
        """Not yet open; None when it is to stay closed."""
        if settings is None or settings.port is None:
            return None
        module = await _loaded("ibkr_sim.webapi.door")
        door: WebApiDoor = module.WebApiDoor(self.exchange, settings, self.faults, lambda: bool(self.door.guests))
        return door

    async def _close_webapi(self) -> None:
        if self.webapi is not None:
            await self.webapi.close()
            self.webapi = None

    async def _serve_control(self, listener: socket.socket) -> None:
        # The web server takes longer to load than everything else together: the doors need not wait for it.
        module = await _loaded("ibkr_sim.control.server")
        control = module.ControlServer(
            self.exchange,
            self.clock,
            self.door,
            self.faults,
            self._settings.nonce,
            self.webapi_port,
            self._webapi_peers,
        )
        await control.start(listener)
        try:
            await asyncio.Future()
        finally:
            await control.close()


def _opening(settings: SimulatorSettings, kept: State | None) -> datetime | None:
    """When the clock begins: as it is told, else with what is replayed; never before what was kept."""
    begins = [row.begins for row in settings.exchange.replay]
    chosen = settings.start or (min(begins) if begins else None)
    if chosen is None or kept is None:
        return chosen
    before: datetime = kept["exchange"]["now"]
    return max(chosen, before)


async def _loaded(name: str) -> Any:
    """A module, by a thread only if it is not loaded yet."""
    return sys.modules.get(name) or await asyncio.to_thread(importlib.import_module, name)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
