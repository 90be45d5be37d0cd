"""A simulator whose clock stands still, and callers of its Web API over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from ibkr_sim.exchange.port import Market
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings
from ibkr_sim.webapi.door import WebApiDoor
from ibkr_sim.webapi.settings import WebApiSettings

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
PATIENCE = 30.0
ACCOUNT, SECOND = "DU9912345", "DU9967890"
AAPL = 265598


class Stream:
    """A WebSocket, and what it has said."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.heard: list[dict[str, Any]] = []

    async def say(self, text: str) -> None:
        await self.socket.send_str(text)

    async def next(self, topic: str | None = None) -> dict[str, Any]:
        """The next message, or the next of a topic; heartbeats do not count."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self.socket.receive()
                assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), message
                value: dict[str, Any] = json.loads(message.data)
                self.heard.append(value)
                if "hb" not in value and (topic is None or str(value.get("topic", "")).startswith(topic)):
                    return value

    async def settle(self) -> list[dict[str, Any]]:
        """Everything said until the door has answered."""
        await self.say("ech+hb")
        said = []
        while (message := await self.next()).get("topic") != "ech+hb":
            said.append(message)
        return said

    async def welcomed(self) -> Stream:
        await self.next("sts")
        return self


class House:
    """A simulator, and one caller behind its gateway."""

    def __init__(self, simulator: Simulator, http: aiohttp.ClientSession, exits: AsyncExitStack) -> None:
        self.simulator, self.http, self._exits = simulator, http, exits
        assert simulator.webapi is not None
        self.door: WebApiDoor = simulator.webapi

    @property
    def market(self) -> Market:
        return self.simulator.exchange

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Status and body; paths that begin with /v1, /sso and the like are taken as they are."""
        root = self.door.url.removesuffix("/v1/api")
        whole = path.startswith(("/v1/", "/sso", "/authorize", "/oauth2", "/gw")) or path == "/"
        url = root + path if whole else self.door.url + path
        options.setdefault("allow_redirects", False)
        async with asyncio.timeout(PATIENCE), self.http.request(method, url, **options) as response:
            text = await response.text()
            is_json = response.content_type == "application/json" and text
            return response.status, json.loads(text) if is_json else text

    async def get(self, path: str, **options: Any) -> Any:
        status, body = await self.call("GET", path, **options)
        assert status == 200, (status, body)
        return body

    async def post(self, path: str, body: object = None, **options: Any) -> Any:
        status, answer = await self.call("POST", path, **({"json": body} if body is not None else {}), **options)
        assert status == 200, (status, answer)
        return answer

    async def ready(self) -> None:
        """Ask for what must come first, and for what answers thinly at first."""
        await self.get("/iserver/accounts")
        await self.get("/portfolio/accounts")
        await self.get(f"/iserver/marketdata/snapshot?conids={AAPL}&fields=31")
        await self.get("/iserver/account/orders")
        await self.get("/iserver/account/trades")

    async def place(self, *orders: dict[str, Any], confirm: bool = True) -> Any:
        """Orders of AAPL unless they say otherwise; every question is answered with yes."""
        answer = await self.post(f"/iserver/account/{ACCOUNT}/orders", {"orders": [ticket(**row) for row in orders]})
        while confirm and isinstance(answer, list) and "messageIds" in answer[0]:
            answer = await self.post(f"/iserver/reply/{answer[0]['id']}", {"confirmed": True})
        return answer

    async def stream(self, token: str | None = None, *, query: str = "") -> Stream:
        """A socket with the session's cookie, unless another token or none is given."""
        if token is None:
            token = (await self.post("/tickle"))["session"]
        headers = {"Cookie": f"api={token}"} if token else {}
        socket = await self.http.ws_connect(f"{self.door.url}/ws{query}", headers=headers)
        self._exits.push_async_callback(socket.close)
        return Stream(socket)

    def advance(self, **duration: float) -> None:
        self.simulator.clock.advance(timedelta(**duration))
        self.simulator.exchange.advance()

    def price(self, factor: str = "1") -> float:
        """The ask of AAPL times a factor, to the cent."""
        ask = self.market.quote(AAPL).ask
        assert ask is not None
        return float((ask * Decimal(factor)).quantize(Decimal("0.01")))


def ticket(**changes: Any) -> dict[str, Any]:
    return {"conid": AAPL, "side": "BUY", "quantity": 10, "orderType": "MKT", "tif": "DAY", **changes}


@pytest.fixture
async def open_house() -> AsyncIterator[Callable[..., Any]]:
    """Opens a simulator with settings of the Web API's door; logged in and without limits unless told otherwise."""
    async with AsyncExitStack() as exits:

        async def open_one(*, speed: float = 0, **settings: Any) -> House:
            quick = {"auto_login": True, "pacing": False, "cadence": 0.02, "account_cadence": 0.05}
            chosen = SimulatorSettings(
                tws=TwsSettings(port=0),
                webapi=WebApiSettings(port=0, **(quick | settings)),
                control_port=None,
                start=START,
                speed=speed,
            )
            simulator = await exits.enter_async_context(Simulator(chosen))
            http = await exits.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
            return House(simulator, http, exits)

        yield open_one


@pytest.fixture
async def house(open_house: Callable[..., Any]) -> House:
    opened: House = await open_house()
    return opened


@pytest.fixture
async def trader(house: House) -> House:
    """One that has asked for everything that must be asked for first."""
    await house.ready()
    return house
