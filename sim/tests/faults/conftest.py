"""A simulator whose clock stands still, and clients whose requests ib_async writes and whose answers are read raw."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from ib_async import LimitOrder, MarketOrder, Stock
from ib_async.client import Client

from ibkr_sim.control.ledger import ledger
from ibkr_sim.exchange.model import Order
from ibkr_sim.faults.injection import Injection
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
PATIENCE = 30.0
VERSION = 178
AAPL = Stock("AAPL", "SMART", "USD", conId=265598)
Message = list[str]


class Peer:
    """One connection. `say` is ib_async's own client, which writes the requests."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.say = cast("Any", Client(cast("Any", None)))
        self.say.connState, self.say._serverVersion = Client.CONNECTED, VERSION
        self.say.sendMsg = lambda text: self.write(text.encode())
        self._heard = bytearray()

    def write(self, payload: bytes) -> None:
        self.writer.write(struct.pack(">I", len(payload)) + payload)

    async def start(self, client_id: int) -> None:
        self.writer.write(b"API\0")
        self.write(b"v157..178")
        await self.read()
        self.write(f"71\0002\0{client_id}\0\0".encode())

    async def read(self, patience: float = PATIENCE) -> Message:
        """The next message. Raises TimeoutError, and IncompleteReadError with what there is of a frame."""
        async with asyncio.timeout(patience):
            head = await self.reader.readexactly(4)
            payload = await self.reader.readexactly(struct.unpack(">I", head)[0])
        return payload.decode("ascii").split("\0")[:-1]

    async def until(self, number: str) -> list[Message]:
        """Everything up to the first message of that number, which is the last one here."""
        heard = [await self.read()]
        while heard[-1][0] != number:
            heard.append(await self.read())
        return heard

    async def settle(self) -> list[Message]:
        """Everything said until the time is told, which is asked for now."""
        self.say.reqCurrentTime()
        return (await self.until("49"))[:-1]

    async def place(self, order_id: int, order: Any = None, **fields: Any) -> list[Message]:
        self.order(order_id, order, **fields)
        return await self.settle()

    def order(self, order_id: int, order: Any = None, **fields: Any) -> None:
        """Buy 10 AAPL at the market in the first account, unless told otherwise."""
        order = order or MarketOrder("BUY", 10)
        for name, value in {"tif": "DAY", "account": "DU9912345", **fields}.items():
            setattr(order, name, value)
        self.say.placeOrder(order_id, AAPL, order)

    async def rest(self) -> bytes:
        """Whatever still comes until the server closes."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    async def silent(self, seconds: float = 0.1) -> bool:
        """Whether nothing comes for so long."""
        try:
            async with asyncio.timeout(seconds):
                self._heard += await self.reader.readexactly(1)
        except TimeoutError:
            return True
        return False

    def leave(self) -> None:
        self.writer.transport.abort()


class House:
    """A simulator and those who have been let in."""

    def __init__(self, simulator: Simulator, exits: AsyncExitStack) -> None:
        self.simulator, self._exits = simulator, exits

    def fault(self, name: str, on: str = "now", **chosen: Any) -> Injection:
        order = {key: chosen.pop(key) for key in ("times", "seed", "client") if key in chosen}
        return self.simulator.faults.inject(name, on, options=chosen, **order)

    def clear(self, name: str | None = None) -> int:
        return self.simulator.faults.clear(name)

    async def knock(self) -> Peer:
        """Somebody who has said nothing yet."""
        peer = Peer(*await asyncio.open_connection("127.0.0.1", self.simulator.tws_port))
        self._exits.callback(peer.leave)
        return peer

    async def client(self, client_id: int = 1) -> Peer:
        """A client that has been welcomed."""
        peer = await self.knock()
        await peer.start(client_id)
        await peer.settle()
        return peer

    async def empty(self) -> None:
        """Wait until the door has noticed that everybody has left."""
        async with asyncio.timeout(PATIENCE):
            while self.simulator.door.guests:  # noqa: ASYNC110 - the door has no event for tests
                await asyncio.sleep(0.001)

    def advance(self, seconds: float) -> None:
        self.simulator.clock.advance(timedelta(seconds=seconds))
        self.simulator.exchange.advance()

    def orders(self) -> list[Order]:
        """Every order of the day as the exchange has it: the truth."""
        exchange = self.simulator.exchange
        return [*exchange.completed_orders(), *exchange.open_orders()]

    def truth(self) -> list[tuple[str, str, str]]:
        """Reference, state and filled size of every order, as the ledger shows them."""
        rows = ledger(self.simulator.exchange)["orders"]
        return [(row["order_ref"], row["status"], row["filled"]) for row in rows]

    def position(self) -> Decimal:
        held = self.simulator.exchange.position("DU9912345", 265598)
        return held.quantity if held else Decimal(0)

    def limit(self, factor: str = "0.5", quantity: int = 10) -> Any:
        """An order to buy at the ask times a factor."""
        ask = self.simulator.exchange.quote(265598).ask
        assert ask is not None
        return LimitOrder("BUY", quantity, float(round(ask * Decimal(factor), 2)))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    settings = SimulatorSettings(
        tws=TwsSettings(port=0, most_messages=0, beat=0.01), control_port=None, start=START, speed=0
    )
    async with AsyncExitStack() as exits:
        yield House(await exits.enter_async_context(Simulator(settings)), exits)


@pytest.fixture(scope="session")
def story() -> Callable[[list[Message]], list[str]]:
    """What order messages say, in short."""
    statuses = ("PreSubmitted", "Submitted", "Filled", "Cancelled", "Inactive", "PendingCancel")
    words = {"11": "fill", "59": "commission", "53": "end", "102": "end", "55": "end"}

    def told(message: Message) -> str:
        match message[0]:
            case "5":
                return "open " + next(field for field in message[80:] if field in statuses)
            case "3":
                return f"status {message[2]}"
            case "4":
                return f"error {message[3]}"
            case number:
                return words.get(number, number)

    return lambda messages: [told(message) for message in messages]
