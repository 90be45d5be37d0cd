"""One seed's world in virtual time: a simulated broker, a wire, a service that dies and returns, callers, bad luck."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Protocol

from faults import luck
from faults.callers import TRIES, Caller, Pace, programs
from faults.doors import FRAMING, Door, port, simulated
from faults.journals import SQLITE, home
from faults.loop import JumpingLoop, Moment, world_time
from faults.records import LAST, LAST_WORD, Answer, Asked, Beliefs, Json, Ledger, Outcome, ledger
from faults.service import Planted, Service
from faults.whispers import WHISPERS
from faults.wire import Tap, Wire
from ibkr_bridge.domain.identity import order_of
from ibkr_sim.clock import Clock
from ibkr_sim.control.ledger import ledger as books_of
from ibkr_sim.faults.injection import Injection
from ibkr_sim.server import Simulator, SimulatorSettings

_BAD_LUCK = 12
_PACE: Mapping[Door, Pace] = {Door.TWS: Pace(think=1.5, tries=TRIES), Door.WEBAPI: Pace(think=4.0, tries=8)}
_BETWEEN_TROUBLES = 0.6
"""Of the time that a caller thinks at most."""
_PATIENCE = 1500.0
"""Virtual seconds after which whatever can be settled must be; the Web API's penalty box alone takes 900."""
_CALM = 5.0
"""Virtual seconds in which a new session's own questions to IBKR are over."""
_BETWEEN = ("cut", "mute", "deaf", "shut", "link", "crash", "crash", "mislead", "kill_a_caller", "hang_up")
"""What goes wrong between client, gateway and callers; the rest goes wrong at the gateway."""


class Subject(Protocol):
    """What is tried: the service, or whatever else trades at the far end of the wire."""

    async def start(self) -> None: ...
    async def die(self) -> None: ...
    async def die_at_its_next_write(self, moment: Moment, patience: float) -> None: ...
    async def hang_up(self, seconds: float) -> None: ...
    async def ask(self, method: str, path: str, body: Json | None = None) -> tuple[int, Json]: ...
    async def settled(self, hidden: frozenset[int], since: datetime) -> bool: ...
    async def beliefs(self) -> Beliefs: ...


def play(seed: int, door: Door = Door.TWS, journal: str = SQLITE, planted: Planted | None = None) -> Outcome:
    """A seed's whole story with the service. `journal` is memory, sqlite, or the URL of a PostgreSQL server."""
    with home(journal) as kept:
        return play_with(seed, door, lambda wire: Service(seed, door, kept, wire, planted))


def play_with(seed: int, door: Door, make: Callable[[Wire], Subject]) -> Outcome:
    """A seed's whole story, in virtual time."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(_world(seed, door, make))


async def _world(seed: int, door: Door, make: Callable[[Wire], Subject]) -> Outcome:
    async with opened(door, simulated(door, seed)) as (simulator, wire):
        return await World(seed, door, simulator, wire, make(wire)).run()


@asynccontextmanager
async def opened(
    door: Door, settings: SimulatorSettings, hearing: Tap | None = None
) -> AsyncIterator[tuple[Simulator, Wire]]:
    """A broker in this loop's time, and a wire to its door; `hearing` taps what the gateway says."""
    loop = asyncio.get_running_loop()
    async with Simulator(settings, Clock(world_time(loop), 1.0, loop.time)) as simulator:
        wire = Wire(port(door, simulator), FRAMING[door], hearing=hearing)
        await wire.start()
        try:
            yield simulator, wire
        finally:
            await wire.close()


class World:
    def __init__(self, seed: int, door: Door, simulator: Simulator, wire: Wire, subject: Subject) -> None:
        self._seed = seed
        self._door = door
        self._programs = programs(seed, door)
        self._pace = _PACE[door]
        self._simulator = simulator
        self._wire = wire
        self._subject = subject
        self._chance = random.Random(f"world {seed}")
        self._asked = Asked()
        self._happened: list[str] = []
        self._struck: list[Injection] = []
        self._callers: list[asyncio.Task[None]] = []
        self._left_open: set[str] = set()

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
            door=self._door,
            ledger=self._ledger(),
            beliefs=beliefs,
            asked=self._asked,
            happened=tuple(self._happened),
            faults=frozenset(one.order.name for one in self._struck if one.strikes),
            left_open=frozenset(self._left_open),
            boxed=self._boxed(),
        )

    def _boxed(self) -> bool:
        door = self._simulator.webapi
        return door is not None and door.house.pacing.boxed_until("127.0.0.1") is not None

    async def _live(self) -> None:
        self._callers = [asyncio.create_task(self._caller(number).run()) for number in range(len(self._programs))]
        await self._bad_luck()
        while self._callers:  # a caller that was killed has a successor by now
            await asyncio.gather(*(self._callers.pop() for _ in tuple(self._callers)), return_exceptions=True)

    def _caller(self, number: int, life: int = 1) -> Caller:
        wishes = self._programs[number]
        # Twins take the same chances, so that they meet.
        chance = random.Random(f"{self._seed} {wishes[0].client_order_id} {life}")
        return Caller(wishes, chance, self._ask, self._asked, self._pace)

    async def _ask(self, method: str, path: str, body: Json | None) -> tuple[int, Json]:
        """As a caller; where it is told that the broker asks, the broker must not be waiting any more."""
        status, content = await self._subject.ask(method, path, body)
        if content.get("status") == "awaiting_answer" and content["id"] in self._open_questions():
            self._left_open.add(content["id"])
        return status, content

    def _open_questions(self) -> set[str | None]:
        """Our names of the orders that hang on a question of the broker's."""
        if self._simulator.webapi is None:
            return set()
        rounds = self._simulator.webapi.house.orders._rounds._waiting.values()
        return {order_of(ticket.reference) for waiting in rounds for ticket in waiting.tickets}

    async def _bad_luck(self) -> None:
        for _ in range(_BAD_LUCK):
            await asyncio.sleep(self._chance.expovariate(1 / (_BETWEEN_TROUBLES * self._pace.think)))
            if self._chance.random() < 0.55:
                await self._at_the_gateway(luck.draw(self._chance, luck.lottery(self._door)))
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
        self._wire.say(WHISPERS[self._door].link_lost())
        await asyncio.sleep(self._chance.expovariate(1 / 4))  # long enough for orders at the broker to fill
        self._wire.say(WHISPERS[self._door].link_back())

    async def _mislead(self) -> None:
        """Messages about live orders that other clients take for their end."""
        for order in self._simulator.exchange.open_orders()[-3:]:
            message = WHISPERS[self._door].misleading(order, self._chance)
            if message is not None:
                self._wire.say(message)

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
        since = world_time(asyncio.get_running_loop())
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await asyncio.sleep(1)  # until it has noticed that the wire broke
                while not await self._settled(since):  # noqa: ASYNC110  what the service knows can only be asked
                    await asyncio.sleep(1)

    async def _last_word(self) -> None:
        """After everything the service still takes an order, and whoever listens now hears of it."""
        await asyncio.sleep(_CALM)
        body = {**LAST_WORD, "client_order_id": LAST}
        self._asked.place(LAST, Answer("POST", body, *await self._subject.ask("POST", "/orders", body)))

    async def _settled(self, since: datetime) -> bool:
        hidden = frozenset(fill.perm_id for fill in self._ledger().fills if fill.hidden)
        return await self._subject.settled(hidden, since)

    def _ledger(self) -> Ledger:
        midnights = [at for one in self._struck if one.order.name == luck.FOREVER for at in one.strikes]
        return ledger(books_of(self._simulator.exchange), midnights)
