"""The service in virtual time, through all its lives: started, asked, listened to, and killed between two lines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from fastapi import FastAPI

from faults.asgi import call, heard, listen
from faults.doors import Door, settings
from faults.journals import Home
from faults.loop import Disk, Moment, WorldClock
from faults.records import Beliefs, Heard, Json, journalled, shown
from faults.wire import Wire
from ibkr_bridge.domain.order import Order
from ibkr_bridge.runtime.compose import House, compose

_WAITING = frozenset({"received", "awaiting_answer", "sent", "unknown", "pending_cancel"})
Planted = Callable[[House], None]


class Service:
    def __init__(self, seed: int, door: Door, home: Home, wire: Wire, planted: Planted | None) -> None:
        self._seed = seed
        self._door = door
        self._loop = asyncio.get_running_loop()
        self._home = home
        self._wire = wire
        self._planted = planted
        self._lives = 0
        self._connections = 0
        self._house: House | None = None
        self._app: FastAPI | None = None
        self._machine: asyncio.Task[None] | None = None
        self._listener: asyncio.Task[None] | None = None
        self._asking: dict[asyncio.Task[tuple[int, Json]], None] = {}  # a set would have no order that repeats itself
        self._disk = Disk(self._loop, "")
        self._heard: list[Heard] = []

    async def start(self) -> None:
        self._lives += 1
        clock = WorldClock(self._loop, f"service {self._seed} {self._lives}")
        self._disk = Disk(self._loop, f"disk {self._seed} {self._lives}")
        house = compose(settings(self._door, self._wire.port), _admit, clock, await self._home.open(clock, self._disk))
        if self._planted is not None:
            self._planted(house)
        self._house = house
        # Routes know no life: to build them anew in each would take a third of a world's time.
        self._app = self._app or house.app
        self._app.state.bridge = house.app.state.bridge
        self._machine = self._loop.create_task(house.machine.run())
        self._listen(self._app)

    async def die(self) -> None:
        """kill -9 in virtual time: what the journal had not committed is gone, and so is every word unsaid."""
        self._drop()
        machine, self._machine, self._house = self._machine, None, None
        tasks = [task for task in (machine, self._listener, *self._asking) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._home.kill()

    async def die_at_its_next_write(self, moment: Moment, patience: float) -> None:
        """Dead at that very moment, or after so many seconds without one."""
        struck = asyncio.Event()

        def strike() -> None:
            self._drop()
            struck.set()

        self._disk.arm(moment, strike)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await struck.wait()
        await self.die()

    async def hang_up(self, seconds: float) -> None:
        """Whoever listens goes, and returns after so many seconds."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)
        await asyncio.sleep(seconds)
        if self._app is not None and self._house is not None and self._listener is None:
            self._listen(self._app)

    async def ask(self, method: str, path: str, body: Json | None = None) -> tuple[int, Json]:
        """Status and answer; 0 when the service is dead or dies meanwhile. Who stops waiting stops nothing here."""
        app, machine = self._app, self._machine
        if app is None or machine is None:
            return 0, {}
        asking = self._loop.create_task(call(app, method, path, body))
        self._asking[asking] = None
        asking.add_done_callback(self._asking.pop)
        await asyncio.wait({asking, machine}, return_when=asyncio.FIRST_COMPLETED)
        if not asking.done() or asking.cancelled() or asking.exception() is not None:
            return 0, {}
        return asking.result()

    async def settled(self, hidden: frozenset[int], since: datetime) -> bool:
        """Whether it has found out all that it can, and looked at the broker's lists `since` the trouble was over.

        Of `hidden` perm ids the broker shows fills no more. For waiting, not for judging: no answer says which fills
        are owed. Raises what the service has died of.
        """
        if self._house is None or self._machine is None:
            return False
        if self._machine.done():
            self._machine.result()
        engine = self._house.machine.engine
        orders = (await engine.orders.list(limit=10_000)).orders
        looked = engine.reconciliation.view().compared_at
        if not engine.sessions.current.ready or looked is None or looked < since:
            return False
        return not any(_waits(order, hidden) for order in orders)

    async def beliefs(self) -> Beliefs:
        """As GET /orders, the listener and whoever opens the journal afresh have it. It is dead afterwards."""
        orders = await self._orders()
        await self.die()
        kept = await self._home.kept(WorldClock(self._loop, "reader"), Disk(self._loop, "reader"))
        return Beliefs(tuple(shown(order) for order in orders), journalled(kept), tuple(self._heard))

    async def _orders(self) -> list[Json]:
        found: list[Json] = []
        cursor = ""
        while True:
            _status, page = await self.ask("GET", f"/orders?limit=500{cursor}")
            found += page.get("orders", [])
            if not page.get("next_cursor"):
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def _drop(self) -> None:
        self._disk.kill()
        self._wire.cut()
        if self._machine is not None:
            self._machine.cancel()

    def _listen(self, app: FastAPI) -> None:
        """A listener at the service's own WebSocket, which is there whenever the service is."""
        self._connections += 1
        number = self._connections

        def hear(message: Json) -> None:
            told = heard(number, message)
            if told is not None and not self._disk.dead:
                self._heard.append(told)

        self._listener = self._loop.create_task(listen(app, "/ws/ib", hear))


def _waits(order: Order, hidden: frozenset[int]) -> bool:
    gone = any(theirs.perm_id in hidden for theirs in order.broker)
    return str(order.status) in _WAITING or (order.owes_fills and not gone)


async def _admit(_accounts: tuple[str, ...], _our_end: tuple[str, int]) -> None:
    return None
