"""One seed in real time: processes, sockets, a disk, and kill -9 at the steps of an order."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import aiohttp

from faults import luck
from faults.asgi import decoded, heard
from faults.callers import Caller, Pace, Wish, programs
from faults.doors import Door
from faults.journals import KEY, read
from faults.ports import reserved_port
from faults.processes import BridgeProcess, SimulatorProcess, ask
from faults.records import LAST, LAST_WORD, Answer, Asked, Beliefs, Heard, Json, Outcome, journalled, ledger, shown
from faults.traps import Step, Trap
from faults.wire import Wire
from ibkr_bridge.runtime.clock import SystemClock
from ibkr_bridge.storage.sql import SqlJournal

_SPEED = 10.0
_PACE = Pace(think=0.5, tries=10)
"""So often that they outlast a restart."""
_BAD_DAYS = 4
_PATIENCE = 30.0
"""Seconds in which everything must be found out once the trouble is over."""
_TOO_LONG = frozenset({luck.FOREVER, "order_held"})
"""Bad days whose end cannot be seen from outside."""
_WAITING = frozenset({"received", "sent", "unknown", "pending_cancel"})


def play_for_real(seed: int) -> Outcome:
    """A seed's story; the same seed draws the same troubles, and real time decides where they meet."""
    return asyncio.run(_world(seed))


async def _world(seed: int) -> Outcome:
    speed = await _clear_of_midnight()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="world")))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        simulator = await SimulatorProcess.start(seed, speed)
        stack.push_async_callback(simulator.close)
        trap = Trap(random.Random(f"trap {seed}"))
        wire = Wire(simulator.tws_port, sending=trap.sending, hearing=trap.hearing)
        await wire.start()
        stack.push_async_callback(wire.close)
        port = stack.enter_context(reserved_port())
        bridge = BridgeProcess(folder, port, wire.port, simulator.account)
        stack.push_async_callback(bridge.gone)
        stack.callback(bridge.kill)
        return await RealWorld(seed, http, simulator, bridge, trap).run()


async def _clear_of_midnight() -> float:
    """The pace of the simulator's day, which must not end while the world lasts: IBKR forgets its orders then."""
    now = datetime.now(ZoneInfo("America/New_York"))
    left = (now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - now).total_seconds()
    if left < 180:
        await asyncio.sleep(left + 1)
    return _SPEED if left > 1800 or left < 180 else 1.0


def steps(seed: int) -> list[Step]:
    """Where the service dies in this world; seeds that follow each other visit every step."""
    order = list(Step)
    deaths = 2 if seed % 5 == 0 else 1
    return [order[(seed + 4 * death) % len(order)] for death in range(deaths)]


class RealWorld:
    def __init__(
        self, seed: int, http: aiohttp.ClientSession, simulator: SimulatorProcess, bridge: BridgeProcess, trap: Trap
    ) -> None:
        self._seed = seed
        self._http = http
        self._simulator = simulator
        self._bridge = bridge
        self._trap = trap
        self._chance = random.Random(f"real {seed}")
        self._asked = Asked()
        self._heard: list[Heard] = []
        self._happened: list[str] = []
        self._struck: set[str] = set()
        self._began = time.monotonic()

    async def run(self) -> Outcome:
        await self._bridge.start(self._http)
        wal = self._bridge.file.with_name(f"{self._bridge.file.name}-wal")
        tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._trap.watch(wal))]
        try:
            await self._live()
            self._tell("the trouble is over")
            await self._settle()
            self._tell("settled")
            self._asked.place(LAST, await self._post({**LAST_WORD, "client_order_id": LAST}))
            await self._control("POST", "clock", {"speed": 0})
            await asyncio.sleep(1.0)
            orders = await self._orders()
            books = await self._control("GET", "ledger")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._bridge.kill()
            await self._bridge.gone()
        return await self._outcome(orders, books)

    async def _outcome(self, orders: list[Json], books: Json) -> Outcome:
        url = f"sqlite:///{self._bridge.file}"
        journal = await SqlJournal.open(url, key=KEY, clock=SystemClock(), mark_path=self._bridge.mark)
        try:
            kept = journalled(await read(journal))
        finally:
            await journal.close()
        return Outcome(
            seed=self._seed,
            door=Door.TWS,
            ledger=ledger(books),
            beliefs=Beliefs(tuple(shown(order) for order in orders), kept, tuple(self._heard)),
            asked=self._asked,
            happened=tuple(self._happened),
            faults=frozenset(self._struck),
        )

    async def _live(self) -> None:
        callers = [
            Caller(wishes, self._pace(wishes[0]), self._ask, self._asked, _PACE)
            for wishes in programs(self._seed, Door.TWS)
        ]
        async with asyncio.TaskGroup() as tasks:
            for caller in callers:
                tasks.create_task(caller.run())
            tasks.create_task(self._bad_days())
            tasks.create_task(self._deaths())

    def _pace(self, wish: Wish) -> random.Random:
        """Twins think at the same pace, so that they meet."""
        return random.Random(f"{self._seed} {wish.client_order_id}")

    async def _deaths(self) -> None:
        for step in steps(self._seed):
            await asyncio.sleep(self._chance.random() * 0.5)
            self._trap.set_for(step, self._bridge.kill)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._chance.uniform(0.1, 1) if step is Step.ANY else 3):
                    await self._trap.struck.wait()
            self._tell(f"killed: {step}" if self._trap.struck.is_set() else f"killed, waiting for: {step}")
            self._trap.strike()
            await self._bridge.gone()
            await self._bridge.start(self._http)
            self._tell("started again")

    async def _bad_days(self) -> None:
        days = [day for day in luck.lottery(Door.TWS) if day.name not in _TOO_LONG]
        for _ in range(_BAD_DAYS):
            await asyncio.sleep(self._chance.expovariate(1 / 0.8))
            strike = luck.draw(self._chance, days)
            self._tell(f"{strike.name} on {strike.on} {strike.options or ''}".rstrip())
            body = {"name": strike.name, "trigger": strike.on, "options": strike.options, "seed": strike.seed}
            await self._control("POST", "faults", body)
            if strike.seconds:
                await asyncio.sleep(strike.seconds / 3)
                await self._clear({"name": strike.name})

    async def _settle(self) -> None:
        await self._clear({})
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while not await self._settled():  # noqa: ASYNC110  another process can only be asked
                    await asyncio.sleep(0.2)
        await asyncio.sleep(1.0)  # two more looks at the broker, for fills that are owed

    async def _settled(self) -> bool:
        if (await self._ask("GET", "/readyz"))[0] != 200:
            return False
        filled: dict[str, Decimal] = {}
        for row in ledger(await self._control("GET", "ledger")).orders:
            filled[row.owner or ""] = filled.get(row.owner or "", Decimal(0)) + row.filled
        orders = [shown(order) for order in await self._orders()]
        return all(order.status not in _WAITING and order.filled == filled.get(order.id, 0) for order in orders)

    async def _listen(self) -> None:
        connection = 0
        while True:
            with suppress(aiohttp.ClientError, OSError):
                async with self._http.ws_connect(f"{self._bridge.url}/ws/ib") as socket:
                    connection += 1
                    async for message in socket:
                        told = heard(connection, decoded(message.data)) if message.data else None
                        if told is not None:
                            self._heard.append(told)
            await asyncio.sleep(0.02)

    async def _ask(self, method: str, path: str, body: Json | None = None) -> tuple[int, Json]:
        if method == "POST":
            self._trap.asked()
        return await ask(self._http, method, f"{self._bridge.url}{path}", body)

    async def _post(self, body: Json) -> Answer:
        return Answer("POST", body, *await self._ask("POST", "/orders", body))

    async def _orders(self) -> list[Json]:
        _status, page = await self._ask("GET", "/orders?limit=500")
        return list(page.get("orders", []))

    async def _control(self, method: str, path: str, body: Json | None = None) -> Json:
        return await self._simulator.control(self._http, method, path, body)

    async def _clear(self, which: Json) -> None:
        """What has struck until now is remembered before it is gone."""
        rows = (await self._control("GET", "faults"))["faults"]
        self._struck |= {row["name"] for row in rows if row["struck"]}
        await self._control("DELETE", "faults", which)

    def _tell(self, what: str) -> None:
        self._happened.append(f"{time.monotonic() - self._began:.3f} {what}")
