"""One seed's world: a simulated broker, a wire, a service that may die and come back, callers, and bad luck."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from faults.callers import Caller, Told, call
from faults.loop import START, JumpingLoop, WorldClock
from faults.wire import Wire
from ibkr_bridge.config.settings import GuardSettings, Settings, TradingSettings, TwsSettings
from ibkr_bridge.domain.events import Executed, OrderUpdate
from ibkr_bridge.domain.order import Order
from ibkr_bridge.domain.world import World as Worlds
from ibkr_bridge.engine.topics import ORDERS
from ibkr_bridge.ports.journal import Journal
from ibkr_bridge.runtime.compose import House, compose
from ibkr_bridge.storage.memory import MemoryJournal
from ibkr_sim.clock import Clock
from ibkr_sim.exchange.settings import ExchangeSettings
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings as DoorSettings

_CALLERS = 3
_ORDERS = 5
_BAD_LUCK = 8
_PATIENCE = 600.0
"""Virtual seconds after which whatever can be settled must be."""


@dataclass(slots=True)
class Outcome:
    """What everybody believes at the end."""

    seed: int
    simulator: Simulator
    told: dict[str, Told]
    orders: list[Order]
    delivered: list[Executed] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)


_MISLEADING = (
    (10349, "Order TIF was set to DAY based on order preset."),
    (399, "Order Message: Warning: your order will not be placed at the exchange until 09:30"),
    (2109, "Order Event Warning: Attribute 'Outside Regular Trading Hours' is ignored"),
    (10148, "OrderId that needs to be cancelled can not be cancelled, state: Submitted."),
)
_BAD_DAYS = (
    ("answer_lost", "order"),
    ("silent_drop", "order"),
    ("tif_preset", "order"),
    ("status_missing", "order"),
    ("duplicate_execution", "execution"),
    ("late_execution", "execution"),
    ("commission_first", "execution"),
    ("refused_cancel", "cancel"),
    ("client_id_held", "leave"),
    ("snapshot_cut", "snapshot"),
    ("delay", "now"),
)
Planted = Callable[[House], None]


class World:
    def __init__(self, seed: int, loop: asyncio.AbstractEventLoop, planted: Planted | None = None) -> None:
        self._seed = seed
        self._loop = loop
        self._planted = planted
        self._chance = random.Random(f"world {seed}")
        self._journal: Journal = MemoryJournal()
        self._lives = 0
        self._house: House | None = None
        self._machine: asyncio.Task[None] | None = None
        self._told: dict[str, Told] = {}
        self._delivered: list[Executed] = []
        self._happened: list[str] = []

    async def run(self) -> Outcome:
        settings = SimulatorSettings(
            exchange=ExchangeSettings(seed=self._seed), tws=DoorSettings(port=0), control_port=None
        )
        clock = Clock(START, 1.0, self._loop.time)
        async with Simulator(settings, clock) as simulator:
            self._wire = Wire(simulator.tws_port)
            await self._wire.start()
            try:
                await self._start()
                await self._live(simulator)
                await self._settle(simulator)
                simulator.clock.set_speed(0)  # nothing more happens: what was on its way arrives, and books are closed
                await asyncio.sleep(5)
                orders = await self._all_orders()
            finally:
                await self._die()
                await self._wire.close()
            return Outcome(self._seed, simulator, self._told, orders, self._delivered, self._happened)

    async def _live(self, simulator: Simulator) -> None:
        callers = [
            Caller(f"caller{number}", random.Random(f"{self._seed} {number}"), self._ask, self._told)
            for number in range(_CALLERS)
        ]
        async with asyncio.TaskGroup() as tasks:
            for caller in callers:
                tasks.create_task(caller.run(_ORDERS))
            tasks.create_task(self._bad_luck(simulator))

    async def _bad_luck(self, simulator: Simulator) -> None:
        for _ in range(_BAD_LUCK):
            await asyncio.sleep(self._chance.expovariate(1 / 1.2))
            if self._chance.random() < 0.5:
                self._at_the_gateway(simulator)
                continue
            name = self._chance.choice(("cut", "mute", "deaf", "shut", "link", "crash", "mislead"))
            self._happened.append(f"{self._loop.time():.3f} {name}")
            await getattr(self, f"_{name}")()

    def _at_the_gateway(self, simulator: Simulator) -> None:
        """One of IBKR's own bad days, on its own next occasion."""
        name, trigger = self._chance.choice(_BAD_DAYS)
        self._happened.append(f"{self._loop.time():.3f} {name} on {trigger}")
        simulator.faults.inject(name, trigger, seed=self._chance.randrange(1000))

    async def _cut(self) -> None:
        self._wire.cut()

    async def _mute(self) -> None:
        await self._for_a_while("mute")

    async def _deaf(self) -> None:
        await self._for_a_while("deaf")

    async def _shut(self) -> None:
        self._wire.cut()
        await self._for_a_while("shut")

    async def _for_a_while(self, what: str) -> None:
        """A wire that swallowed bytes is of no more use: it breaks when the trouble is over."""
        setattr(self._wire, what, True)
        await asyncio.sleep(self._chance.expovariate(1 / 1.5))
        setattr(self._wire, what, False)
        self._wire.cut()

    async def _link(self) -> None:
        self._wire.say(1100, "Connectivity between IBKR and TWS has been lost.")
        await asyncio.sleep(self._chance.expovariate(1 / 4))  # long enough for orders at the broker to fill
        self._wire.say(1102, "Connectivity between IBKR and TWS has been restored - data maintained.")

    async def _mislead(self) -> None:
        """Messages about live orders that other clients take for their end."""
        live = [order for order in await self._all_orders() if order.broker and not order.status.terminal]
        for order in live[:3]:
            code, text = self._chance.choice(_MISLEADING)
            self._wire.say(code, text, order.broker[-1].order_id)

    async def _crash(self) -> None:
        """kill -9 in virtual time: whatever the journal had not kept is gone."""
        await self._die()
        await asyncio.sleep(self._chance.expovariate(1 / 2))
        await self._start()

    async def _start(self) -> None:
        self._lives += 1
        clock = WorldClock(self._loop, f"service {self._seed} {self._lives}")
        house = compose(self._settings(), _admit, clock, self._journal)
        if self._planted is not None:
            self._planted(house)
        self._listen(house)
        self._house = house
        self._machine = self._loop.create_task(house.machine.run())

    async def _die(self) -> None:
        machine, self._machine, self._house = self._machine, None, None
        if machine is not None:
            self._wire.cut()
            machine.cancel()
            with suppress(asyncio.CancelledError):
                await machine

    def _listen(self, house: House) -> None:
        """A listener that never sleeps: what the service publishes of fills is what was delivered."""
        publish = house.hub.publish

        def heard(topic: str, message: object) -> None:
            if topic == ORDERS and isinstance(message, OrderUpdate) and isinstance(message.event, Executed):
                self._delivered.append(message.event)
            publish(topic, message)

        house.hub.publish = heard  # type: ignore[method-assign]

    async def _ask(self, method: str, path: str, body: object) -> tuple[int, dict[str, Any]] | None:
        """An answer, or None when the service is dead or dies meanwhile."""
        house, machine = self._house, self._machine
        if house is None or machine is None:
            return None
        asking = self._loop.create_task(call(house.app, method, path, body))
        await asyncio.wait({asking, machine}, return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            return None
        return None if asking.cancelled() or asking.exception() else asking.result()

    async def _settle(self, simulator: Simulator) -> None:
        """The trouble is over: give the service the time it needs to find out everything."""
        simulator.faults.clear()
        self._wire.heal()
        self._wire.cut()
        if self._house is None:
            await self._start()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while not await self._settled():  # noqa: ASYNC110  what the service knows can only be asked
                    await asyncio.sleep(1)

    async def _settled(self) -> bool:
        assert self._house is not None
        ready = self._house.machine.engine.sessions.current.ready
        waiting = {"received", "sent", "unknown", "pending_cancel"}
        return ready and not [
            order for order in await self._all_orders() if order.status in waiting or order.owes_fills
        ]

    async def _all_orders(self) -> list[Order]:
        if self._house is None:
            return []
        page = await self._house.machine.engine.orders.list(limit=10_000)
        return list(page.orders)

    def _settings(self) -> Settings:
        return Settings(
            tws=TwsSettings(port=self._wire.port, account="DU9912345", request_timeout=3, connect_timeout=3),
            trading=TradingSettings(
                read_only=False,
                world=Worlds.SIMULATED,
                first_word_timeout=1.0,
                never_arrived_after=10,
                inquiry_interval=2,
                tws_time_zone="America/New_York",
            ),
            guards=GuardSettings.wide_open(),
        )


async def _admit(_accounts: tuple[str, ...], _our_end: tuple[str, int]) -> None:
    return None


def play(seed: int, planted: Planted | None = None) -> Outcome:
    """A seed's whole story, in virtual time."""
    logging.getLogger("ib_async").setLevel(logging.CRITICAL)
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(World(seed, runner.get_loop(), planted).run())
