"""One seed's world in virtual time: a simulated broker, a wire, a service that dies and returns, callers, bad luck."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from faults import luck
from faults.callers import Caller, programs
from faults.journals import SQLITE, home
from faults.loop import START, JumpingLoop, Moment
from faults.records import LAST, LAST_WORD, Answer, Asked, Beliefs, Json, Ledger, Outcome, ledger
from faults.service import Planted, Service
from faults.wire import Wire
from ibkr_sim.clock import Clock
from ibkr_sim.control.ledger import ledger as books_of
from ibkr_sim.exchange.settings import ExchangeSettings
from ibkr_sim.faults.injection import Injection
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings as DoorSettings

_BAD_LUCK = 12
_THINK = 1.5
_PATIENCE = 600.0
"""Virtual seconds after which whatever can be settled must be."""
_BETWEEN = ("cut", "mute", "deaf", "shut", "link", "crash", "crash", "mislead", "kill_a_caller", "hang_up")
"""What goes wrong between client, gateway and callers; the rest goes wrong at the gateway."""


class Subject(Protocol):
    """What is tried: the service, or whatever else trades at the far end of the wire."""

    async def start(self) -> None: ...
    async def die(self) -> None: ...
    async def die_at_its_next_write(self, moment: Moment, patience: float) -> None: ...
    async def hang_up(self, seconds: float) -> None: ...
    async def ask(self, method: str, path: str, body: Json | None = None) -> tuple[int, Json]: ...
    async def settled(self, hidden: frozenset[int]) -> bool: ...
    async def beliefs(self) -> Beliefs: ...


def play(seed: int, journal: str = SQLITE, planted: Planted | None = None) -> Outcome:
    """A seed's whole story with the service. `journal` is memory, sqlite, or the URL of a PostgreSQL server."""
    with home(journal) as kept:
        return play_with(seed, lambda wire: Service(seed, kept, wire, planted))


def play_with(seed: int, make: Callable[[Wire], Subject]) -> Outcome:
    """A seed's whole story, in virtual time."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(_world(seed, make))


async def _world(seed: int, make: Callable[[Wire], Subject]) -> Outcome:
    settings = SimulatorSettings(exchange=ExchangeSettings(seed=seed), tws=DoorSettings(port=0), control_port=None)
    clock = Clock(START, 1.0, asyncio.get_running_loop().time)
    async with Simulator(settings, clock) as simulator:
        wire = Wire(simulator.tws_port)
        await wire.start()
        try:
            return await World(seed, simulator, wire, make(wire)).run()
        finally:
            await wire.close()


class World:
    def __init__(self, seed: int, simulator: Simulator, wire: Wire, subject: Subject) -> None:
        self._seed = seed
        self._simulator = simulator
        self._wire = wire
        self._subject = subject
        self._chance = random.Random(f"world {seed}")
        self._asked = Asked()
        self._happened: list[str] = []
        self._struck: list[Injection] = []
        self._callers: list[asyncio.Task[None]] = []

    async def run(self) -> Outcome:
        try:
            await self._subject.start()
            await self._live()
            await self._settle()
            await self._last_word()
            self._simulator.clock.set_speed(0)  # nothing more happens: what was on its way arrives, books are closed
            await asyncio.sleep(5)
            beliefs = await self._subject.beliefs()
        finally:
            await self._subject.die()
        return Outcome(
            seed=self._seed,
            ledger=self._ledger(),
            beliefs=beliefs,
            asked=self._asked,
            happened=tuple(self._happened),
            faults=frozenset(one.order.name for one in self._struck if one.strikes),
        )

    async def _live(self) -> None:
        self._callers = [asyncio.create_task(self._caller(number).run()) for number in range(len(programs(self._seed)))]
        await self._bad_luck()
        while self._callers:  # a caller that was killed has a successor by now
            await asyncio.gather(*(self._callers.pop() for _ in tuple(self._callers)), return_exceptions=True)

    def _caller(self, number: int, life: int = 1) -> Caller:
        wishes = programs(self._seed)[number]
        # Twins think at the same pace, so that they meet.
        pace = random.Random(f"{self._seed} {wishes[0].client_order_id} {life}")
        return Caller(wishes, pace, self._subject.ask, self._asked, think=_THINK)

    async def _bad_luck(self) -> None:
        for _ in range(_BAD_LUCK):
            await asyncio.sleep(self._chance.expovariate(1 / 0.9))
            if self._chance.random() < 0.55:
                await self._at_the_gateway(luck.draw(self._chance, luck.lottery()))
            else:
                name = self._chance.choice(_BETWEEN)
                self._tell(name)
                await getattr(self, f"_{name}")()

    def _tell(self, what: str) -> None:
        self._happened.append(f"{asyncio.get_running_loop().time():.3f} {what}")

    async def _at_the_gateway(self, strike: luck.Strike) -> None:
        """One of IBKR's own bad days, at once or on its own next occasion."""
        self._tell(f"{strike.name} on {strike.on} {strike.options or ''}".rstrip())
        injection = self._simulator.faults.inject(strike.name, strike.on, options=strike.options, seed=strike.seed)
        self._struck.append(injection)
        if strike.seconds:
            await asyncio.sleep(strike.seconds)
            self._simulator.faults.remove(injection)

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
        live = [order for order in self._simulator.exchange.open_orders() if order.request.order_id]
        for order in live[-3:]:
            code, text = self._chance.choice(luck.MISLEADING)
            self._wire.say(code, text, order.request.order_id)

    async def _crash(self) -> None:
        """At any moment, or in the middle of a write."""
        moment = self._chance.choice((None, *Moment))
        if moment is None:
            await self._subject.die()
        else:
            await self._subject.die_at_its_next_write(moment, patience=self._chance.uniform(0.5, 3))
        await asyncio.sleep(self._chance.expovariate(1 / 2))
        await self._subject.start()

    async def _kill_a_caller(self) -> None:
        """Its question is under way; a successor begins from the start, with the same ids."""
        number = self._chance.randrange(len(self._callers))
        self._callers[number].cancel()
        await asyncio.sleep(self._chance.random())
        life = len(self._happened)
        self._callers[number] = asyncio.create_task(self._caller(number, life).run())

    async def _hang_up(self) -> None:
        await self._subject.hang_up(self._chance.expovariate(1))

    async def _settle(self) -> None:
        """The trouble is over: give the service the time it needs to find out everything."""
        for injection in self._simulator.faults.injections:
            if injection.order.name != luck.FOREVER:
                self._simulator.faults.remove(injection)
        self._wire.heal()
        self._wire.cut()
        await self._subject.hang_up(0)
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await asyncio.sleep(1)  # until it has noticed that the wire broke
                while not await self._settled():  # noqa: ASYNC110  what the service knows can only be asked
                    await asyncio.sleep(1)

    async def _last_word(self) -> None:
        """After everything the service still takes an order, and whoever listens now hears of it."""
        body = {**LAST_WORD, "client_order_id": LAST}
        self._asked.place(LAST, Answer("POST", body, *await self._subject.ask("POST", "/orders", body)))

    async def _settled(self) -> bool:
        return await self._subject.settled(frozenset(fill.perm_id for fill in self._ledger().fills if fill.hidden))

    def _ledger(self) -> Ledger:
        midnights = [moment for one in self._struck if one.order.name == luck.FOREVER for moment in one.strikes]
        return ledger(books_of(self._simulator.exchange), midnights)
