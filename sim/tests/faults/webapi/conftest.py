"""A simulator whose Web API is open and whose clock stands still, and callers over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from ibkr_sim.control.ledger import ledger
from ibkr_sim.faults.injection import Injection
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings
from ibkr_sim.webapi.door import WebApiDoor
from ibkr_sim.webapi.settings import Unsettled, WebApiSettings

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
PATIENCE = 30.0
ACCOUNT, AAPL = "DU9912345", 265598
GONE = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
"""What a client raises when an answer is cut."""


class Stream:
    """A WebSocket, and how its frames came."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.kinds: set[aiohttp.WSMsgType] = set()

    async def say(self, text: str) -> None:
        await self.socket.send_str(text)

    async def next(self, topic: str = "") -> dict[str, Any]:
        """The next message, or the next of a topic. Raises EOFError with the code when the socket has closed."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self.socket.receive()
                if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    raise EOFError(self.socket.close_code)
                self.kinds.add(message.type)
                value: dict[str, Any] = json.loads(message.data)
                if "hb" not in value and str(value.get("topic", "")).startswith(topic):
                    return value

    async def settle(self) -> list[dict[str, Any]]:
        """Everything said until the door has answered."""
        await self.say("ech+hb")
        said = []
        while (message := await self.next()).get("topic") != "ech+hb":
            said.append(message)
        return said

    async def rest(self) -> list[dict[str, Any]]:
        """Everything said until the socket closes."""
        said = []
        with suppress(EOFError):
            while True:
                said.append(await self.next())
        return said

    async def trades(self) -> list[tuple[str, bool]]:
        """Of what was told as it happened: the execution and whether its commission was there."""
        rows = [row for said in await self.settle() if said.get("topic") == "str" for row in said["args"]]
        return [(row["execution_id"], "commission" in row) for row in rows]

    async def silent(self, seconds: float = 0.15) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self.socket.receive()
        except TimeoutError:
            return True
        return False


class House:
    """A simulator, and one caller behind its gateway."""

    def __init__(self, simulator: Simulator, http: aiohttp.ClientSession, exits: AsyncExitStack) -> None:
        self.simulator, self.http, self._exits = simulator, http, exits
        assert simulator.webapi is not None
        self.door: WebApiDoor = simulator.webapi

    def fault(self, name: str, on: str = "now", **chosen: Any) -> Injection:
        order = {key: chosen.pop(key) for key in ("times", "seed", "client") if key in chosen}
        return self.simulator.faults.inject(name, on, options=chosen, **order)

    def clear(self, name: str | None = None) -> int:
        return self.simulator.faults.clear(name)

    async def call(self, method: str, path: str, patience: float = PATIENCE, **options: Any) -> tuple[int, Any]:
        """Status and body. Raises TimeoutError when no answer comes in time, GONE when it is cut."""
        root = self.door.url.removesuffix("/v1/api")
        url = root + path if path.startswith(("/sso", "/v1")) else self.door.url + path
        async with asyncio.timeout(patience), self.http.request(method, url, **options) as response:
            text = await response.text()
            return response.status, json.loads(text) if response.content_type == "application/json" else text

    async def get(self, path: str) -> Any:
        status, body = await self.call("GET", path)
        assert status == 200, (status, body)
        return body

    async def post(self, path: str, body: object = None) -> Any:
        sent: dict[str, Any] = {} if body is None else {"json": body}
        status, answer = await self.call("POST", path, **sent)
        assert status == 200, (status, answer)
        return answer

    async def ready(self) -> None:
        """Ask for what must come first, and for what answers thinly at first."""
        await self.get("/iserver/accounts")
        await self.get("/portfolio/accounts")
        await self.get(f"/iserver/marketdata/snapshot?conids={AAPL}&fields=31")
        await self.get(f"/portfolio/{ACCOUNT}/positions/0")
        await self.get("/iserver/account/orders")
        await self.get("/iserver/account/trades")

    async def ask(self, reference: str = "", **changes: Any) -> Any:
        """Place an order for 10 AAPL at the market, and answer nothing."""
        return await self.post(f"/iserver/account/{ACCOUNT}/orders", {"orders": [ticket(reference, **changes)]})

    async def place(self, reference: str = "", **changes: Any) -> Any:
        """As `ask`, and answer every question with yes."""
        answer = await self.ask(reference, **changes)
        while isinstance(answer, list) and "messageIds" in answer[0]:
            answer = await self.post(f"/iserver/reply/{answer[0]['id']}", {"confirmed": True})
        return answer

    async def rest(self, reference: str = "") -> int:
        """Place an order that rests in the book: its id."""
        return int((await self.place(reference, orderType="LMT", price=self.price("0.98")))[0]["order_id"])

    async def socket(self) -> Stream:
        token = self.simulator.webapi and next(iter(self.door.house.sessions)).token
        socket = await self.http.ws_connect(f"{self.door.url}/ws", headers={"Cookie": f"api={token}"})
        self._exits.push_async_callback(socket.close)
        return Stream(socket)

    async def stream(self, *topics: str) -> Stream:
        """A socket that was welcomed and has subscribed."""
        stream = await self.socket()
        await stream.next("sts")
        for topic in topics:
            await stream.say(topic)
        await stream.settle()
        return stream

    def price(self, factor: str = "1") -> float:
        """The ask of AAPL times a factor, to the cent."""
        ask = self.simulator.exchange.quote(AAPL).ask
        assert ask is not None
        return float((ask * Decimal(factor)).quantize(Decimal("0.01")))

    def advance(self, seconds: float) -> None:
        self.simulator.clock.advance(timedelta(seconds=seconds))
        self.simulator.exchange.advance()

    def truth(self) -> list[tuple[str, str, str]]:
        """Reference, state and filled size of every order, as the ledger shows them."""
        rows = ledger(self.simulator.exchange)["orders"]
        return [(row["order_ref"], row["status"], row["filled"]) for row in rows]

    async def until(self, true: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not true():  # noqa: ASYNC110  what is waited for has no event
                await asyncio.sleep(0.005)


def ticket(reference: str = "", **changes: Any) -> dict[str, Any]:
    order = {"conid": AAPL, "side": "BUY", "quantity": 10, "orderType": "MKT", "tif": "DAY", **changes}
    return order | ({"cOID": reference} if reference else {})


@pytest.fixture
async def open_web() -> AsyncIterator[Callable[..., Any]]:
    """Opens a simulator; logged in, without limits and without questions unless told otherwise."""
    async with AsyncExitStack() as exits:

        async def open_one(faults: Any = (), **settings: Any) -> House:
            quick: dict[str, Any] = {"auto_login": True, "pacing": False, "questions": frozenset(), "cadence": 0.02}
            chosen = SimulatorSettings(
                tws=TwsSettings(port=0),
                webapi=WebApiSettings(port=0, **(quick | settings)),
                control_port=None,
                start=START,
                speed=0,
                faults=faults,
            )
            simulator = await exits.enter_async_context(Simulator(chosen))
            # No connection is used twice: clients ask anew by themselves where one has been closed.
            connector = aiohttp.TCPConnector(force_close=True)
            session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
            http = await exits.enter_async_context(session)
            return House(simulator, http, exits)

        yield open_one


@pytest.fixture
async def web(open_web: Callable[..., Any]) -> House:
    """One that has asked for everything that must be asked for first."""
    house: House = await open_web()
    await house.ready()
    return house


@pytest.fixture
async def asking(open_web: Callable[..., Any]) -> House:
    """One whose market orders are asked about, twice."""
    house: House = await open_web(
        questions=frozenset({"o10151", "o10153"}), unsettled=Unsettled(one_round_at_a_time=False)
    )
    await house.ready()
    return house
