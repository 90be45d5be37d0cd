"""A simulator whose clock stands still, and a client that writes and reads the wire by itself."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ibkr_sim.exchange.model import Order
from ibkr_sim.exchange.settings import ExchangeSettings
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
PATIENCE = 30.0
Message = list[str]


class Wire:
    """One client. A message is its fields as text; nothing here is shared with the simulator."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, version: int) -> None:
        self.reader, self.writer, self.version = reader, writer, version

    @classmethod
    async def open(cls, port: int) -> Wire:
        return cls(*await asyncio.open_connection("127.0.0.1", port), 0)

    def send(self, *fields: object) -> None:
        payload = "".join(f"{field}\0" for field in fields).encode()
        self.writer.write(struct.pack(">I", len(payload)) + payload)

    async def greet(self, offer: str) -> Message:
        self.writer.write(b"API\0" + struct.pack(">I", len(offer)) + offer.encode())
        reply = await self.read()
        self.version = int(reply[0])
        return reply

    async def read(self) -> Message:
        async with asyncio.timeout(PATIENCE):
            (length,) = struct.unpack(">I", await self.reader.readexactly(4))
            payload = await self.reader.readexactly(length)
        assert payload.endswith(b"\0")
        return payload.decode("ascii").split("\0")[:-1]

    async def settle(self) -> list[Message]:
        """Everything said until the server has answered what was sent so far."""
        self.send(49, 1)
        heard: list[Message] = []
        while (message := await self.read())[0] != "49":
            heard.append(message)
        return heard

    async def ask(self, *fields: object) -> list[Message]:
        self.send(*fields)
        return await self.settle()

    async def place(self, order_id: int, **changes: Any) -> list[Message]:
        return await self.ask(*place_order(self.version, order_id, **changes))

    async def ended(self) -> bool:
        """Whether the server closes; what it still says is read past."""
        try:
            async with asyncio.timeout(PATIENCE):
                while await self.reader.read(65536):
                    continue
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        self.writer.transport.abort()
        await asyncio.sleep(0)


def place_order(
    version: int,
    order_id: int,
    *,
    conid: object = 265598,
    symbol: str = "AAPL",
    action: str = "BUY",
    quantity: object = 10,
    kind: str = "MKT",
    limit: object = "",
    stop: object = "",
    oca: str = "",
    account: str = "DU9912345",
    ref: str = "",
    tif: str = "DAY",
    transmit: object = 1,
    parent: object = 0,
    what_if: object = 0,
    exchange: str = "SMART",
    sec_type: str = "STK",
    outside_rth: object = 0,
    withdrawn: Sequence[object] = (0, 0, ""),
    conditions: Sequence[object] = (),
) -> list[object]:
    """An order as clients write it, field by field ("reqIds ... placeOrder" of the socket protocol)."""
    kind_of_contract, currency = (sec_type, "USD") if symbol else ("", "")
    contract = [conid, symbol, kind_of_contract, "", "0.0", "", "", exchange, "", currency, "", ""]
    fields = [3, order_id, *contract, "", "", action, quantity, kind, limit, stop, tif, oca, account, "", 0, ref]
    fields += [transmit, parent, 0, 0, 0, 0, outside_rth, 0, "", 0, "", "", "", "", ""]
    fields += [""] if version < 177 else []
    fields += ["", 0, "", -1, 0, "", "", 0, "", "", *withdrawn, 0, "", "", "", "", "", 0, "", "", "", ""]
    fields += [0, "", "", "", "", "", "", "", "", "", "", 0, "", "", 0, 0, "", "", what_if, "", 0, 0, 0]
    fields += [1, *conditions, 0, 0] if conditions else [0]
    fields += ["", "", "", "", "", "", 0, "", "", "", "", "", "", "", "", 0, 0, 0, ""]
    since = {158: "", 160: 0, 162: 0, 166: "", 169: "", 183: "", 184: 0}
    fields += [value for first, value in since.items() if version >= first]
    fields += ["", 2147483647] if 187 <= version <= 189 else []
    return fields + [value for first, value in {189: 0, 192: 2147483647, 199: 0}.items() if version >= first]


class House:
    """A simulator and the clients that a test has let in."""

    def __init__(self, simulator: Simulator, exits: AsyncExitStack) -> None:
        self.simulator, self._exits = simulator, exits

    async def knock(self) -> Wire:
        """A client that has said nothing yet."""
        wire = await Wire.open(self.simulator.tws_port)
        self._exits.push_async_callback(wire.close)
        return wire

    async def client(self, client_id: int = 1, version: int = 178) -> Wire:
        """A client that has been welcomed."""
        wire = await self.knock()
        await wire.greet(f"v100..{version}")
        wire.send(71, 2, client_id, "")
        await wire.settle()
        return wire

    async def empty(self) -> None:
        """Wait until the door has noticed that everybody has left."""
        async with asyncio.timeout(PATIENCE):
            while self.simulator.door.guests:  # noqa: ASYNC110 - the door has no event for tests
                await asyncio.sleep(0.001)

    def advance(self, **duration: float) -> None:
        self.simulator.clock.advance(timedelta(**duration))
        self.simulator.exchange.advance()

    def open_orders(self) -> Sequence[Order]:
        return self.simulator.exchange.open_orders()

    def price(self, factor: str = "1") -> str:
        """The ask of AAPL times a factor, to the cent."""
        ask = self.simulator.exchange.quote(265598).ask
        assert ask is not None
        return f"{float(ask) * float(factor):.2f}"


@pytest.fixture
async def open_house() -> AsyncIterator[Callable[..., Any]]:
    """Opens a simulator with settings of the TWS door; `always_open` and `most_working_orders` are the exchange's."""
    async with AsyncExitStack() as exits:

        async def open_one(*, always_open: bool = True, most_working_orders: int = 0, **settings: Any) -> House:
            chosen = SimulatorSettings(
                exchange=ExchangeSettings(always_open=always_open, most_working_orders=most_working_orders),
                tws=TwsSettings(port=0, beat=0.01, **{"most_messages": 0, **settings}),
                control_port=None,
                start=START,
                speed=0,
            )
            return House(await exits.enter_async_context(Simulator(chosen)), exits)

        yield open_one


@pytest.fixture
async def house(open_house: Callable[..., Any]) -> House:
    opened: House = await open_house()
    return opened


@pytest.fixture(scope="session")
def order_fields() -> Callable[..., list[object]]:
    return place_order
