"""The real door over real sockets, on the simulator's Web API, whose bad moments a test can command."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

import aiohttp
import pytest
import yarl
from aiohttp import web

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.identity import order_id, reference
from ibkr_bridge.domain.order import BrokerIds, BrokerOrder, Order, OrderStatus
from ibkr_bridge.domain.questions import Question
from ibkr_bridge.domain.terms import OrderType, Side, Terms
from ibkr_bridge.ports.upstream import UpstreamEvent
from ibkr_bridge.runtime.clock import SystemClock
from ibkr_bridge.upstream.webapi.adapter import WebApiUpstream
from ibkr_bridge.upstream.webapi.limits import Limits
from ibkr_bridge.upstream.webapi.settings import WebApiSettings
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings
from ibkr_sim.webapi.settings import WebApiSettings as DoorSettings

PREFIX = "/v1/api"
_OWN = {"content-length", "transfer-encoding", "date", "server"}
"""Headers that each server writes itself."""
START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
PATIENCE = 30.0
STREAM = "GET /ws"
ACCOUNT, SECOND = "DU9912345", "DU9967890"
AAPL = Contract(265598, "AAPL", "STK", "SMART", "USD", primary_exchange="NASDAQ")
UNPACED = Limits(wary=False, per_second=10_000, reserved=0, endpoints={})
QUICK: Mapping[str, Any] = {
    "limits": UNPACED,
    "step": 0.02,
    "init_retry": 0.02,
    "retry_first": 0.05,
    "retry_most": 0.1,
    "retry_refused": 0.1,
    "order_word": 0.1,
    "first_price": 0.3,
    "snapshot_interval": 0.1,
    "positions_interval": 0.1,
    "connect_timeout": 2.0,
    "request_timeout": 5.0,
}
T = TypeVar("T")


@dataclass
class Bad:
    """What happens to the next `times` requests of this method and path instead of, or after, their work."""

    method: str
    path: str
    status: int = 500
    body: Any = ""
    """In JSON, unless it is text."""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    hangs: bool = False
    after: bool = False
    """Once the request has been obeyed."""
    times: int = 1


class Between:
    """Stands between the service and the far end, passes everything on, and makes the bad moments."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._http: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self.port = 0
        self.bad: list[Bad] = []
        self.asked: list[str] = []
        self.muted: set[str] = set()
        """Topics of the stream that are swallowed."""
        self.forgetful = 0
        """Streams still to come that ask for the session again, whatever name they are told."""
        self.names: list[str] = []
        """What those were told."""

    async def start(self) -> None:
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)
        application = web.Application()
        application.router.add_get(f"{PREFIX}/ws", self._stream)
        application.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        await web.SockSite(self._runner, listener).start()

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._http is not None:
            await self._http.close()

    def count(self, call: str) -> int:
        return self.asked.count(call)

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix(PREFIX)
        self.asked.append(f"{request.method} {path}")
        if (instead := await self._meet(request, path, after=False)) is not None:
            return instead
        assert self._http is not None
        url = yarl.URL(self._target + request.raw_path, encoded=True)
        body = await request.read()
        async with self._http.request(
            request.method, url, headers=request.headers, data=body or None, allow_redirects=False
        ) as told:
            content = await told.read()
            kept = {name: value for name, value in told.headers.items() if name.lower() not in _OWN}
        return await self._meet(request, path, after=True) or web.Response(
            status=told.status, body=content, headers=kept
        )

    async def _meet(self, request: web.Request, path: str, *, after: bool) -> web.Response | None:
        for bad in self.bad:
            if (bad.method, bad.after) == (request.method, after) and path.startswith(bad.path) and bad.times:
                bad.times -= 1
                if bad.hangs:
                    await asyncio.sleep(PATIENCE)
                if bad.cut and request.transport is not None:
                    request.transport.abort()
                if isinstance(bad.body, str):
                    return web.Response(status=bad.status, text=bad.body, headers=bad.headers)
                return web.json_response(bad.body, status=bad.status, headers=bad.headers)
        return None

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        here = web.WebSocketResponse()
        await here.prepare(request)
        self.asked.append(STREAM)
        if self.forgetful:
            self.forgetful -= 1
            return await self._ask_for_ever(here)
        assert self._http is not None
        headers = {name: request.headers[name] for name in ("Cookie", "User-Agent") if name in request.headers}
        url = yarl.URL(self._target + request.raw_path, encoded=True)
        async with self._http.ws_connect(url, headers=headers) as there:
            down = asyncio.create_task(self._relay(there, here))
            async for message in here:
                await there.send_str(message.data)
            down.cancel()
            await asyncio.gather(down, return_exceptions=True)
        return here

    async def _ask_for_ever(self, here: web.WebSocketResponse) -> web.StreamResponse:
        await here.send_json({"message": "waiting for session"})
        async for message in here:
            self.names.append(message.data)
            await here.send_json({"message": "waiting for session"})
        return here

    async def _relay(self, there: aiohttp.ClientWebSocketResponse, here: web.WebSocketResponse) -> None:
        async for message in there:
            if str(json.loads(message.data).get("topic", ""))[:3] in self.muted:
                continue
            if message.type is aiohttp.WSMsgType.TEXT:
                await here.send_str(message.data)
            else:
                await here.send_bytes(message.data)
        await here.close()


class Rig:
    """An upstream, what it has told, and the far end."""

    def __init__(self, simulator: Simulator, between: Between, upstream: WebApiUpstream) -> None:
        self.simulator, self.moments, self.upstream = simulator, between, upstream
        assert simulator.webapi is not None
        self.door = simulator.webapi
        self.events: list[UpstreamEvent] = []
        self.admitted: list[tuple[tuple[str, ...], tuple[str, int]]] = []
        self.asked: list[Question] = []
        self.task: asyncio.Task[None] | None = None
        self._told = asyncio.Event()

    def hear(self, event: UpstreamEvent) -> None:
        self.events.append(event)
        self._told.set()

    def run(self) -> None:
        self.task = asyncio.create_task(self.upstream.run(self.hear))

    async def ready(self) -> Rig:
        await self.until(lambda: self.upstream.session.ready)
        return self

    async def code(self, wanted: str) -> str:
        """The reason, once the session is down for this one."""
        await self.until(lambda: self.upstream.session.code == wanted)
        return self.upstream.session.reason or ""

    async def until(self, true: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not true():
                assert self.task is not None
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.01)

    async def event(self, kind: type[T], true: Callable[[T], Any] = lambda _event: True) -> T:
        """The first event of that kind of which this is true, told already or yet to come."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for event in self.events:
                    if isinstance(event, kind) and true(event):
                        return event
                self._told.clear()
                await self._told.wait()

    def told(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    async def place(self, order: Order, *, confirm: bool = True) -> BrokerIds:
        return await self.upstream.place(order, reference(order.id), partial(self._decide, confirm), self.freely)

    def freely(self) -> None:
        """Nothing has changed since the order was allowed."""

    def yes(self, question: Question) -> bool:
        return self._decide(True, question)

    def price(self, factor: str = "1") -> Decimal:
        ask = self.simulator.exchange.quote(AAPL.conid).ask
        assert ask is not None
        return (ask * Decimal(factor)).quantize(Decimal("0.01"))

    def _decide(self, confirm: bool, question: Question) -> bool:
        self.asked.append(question)
        return confirm


def order(account: str = ACCOUNT, **terms: Any) -> Order:
    """To buy 10 AAPL at the market unless it says otherwise."""
    clock = SystemClock()
    wanted = {"side": Side.BUY, "qty": Decimal(10), "type": OrderType.MARKET, **terms}
    if "limit" in wanted and "type" not in terms:
        wanted["type"] = OrderType.LIMIT
    now = clock.now()
    name = order_id(now, clock.entropy(10))
    return Order(name, account, AAPL, Terms(**wanted), OrderStatus.RECEIVED, now, now)


def known(placed: Order, ids: BrokerIds) -> Order:
    """As the engine would have it after the broker's answer."""
    theirs = BrokerOrder(ids.order_id, ids.perm_id, ids.client_id, ids.reference)
    return Order(
        placed.id,
        placed.account,
        placed.contract,
        placed.terms,
        OrderStatus.WORKING,
        placed.created_at,
        placed.updated_at,
        broker=(theirs,),
    )


@pytest.fixture
async def rigs() -> AsyncIterator[Callable[..., Any]]:
    """Opens a door of the simulator, and the service's way to it; what begins with `door_` is the simulator's."""
    async with AsyncExitStack() as exits:

        async def open_one(*, run: bool = True, speed: float = 1.0, clock: Any = None, **chosen: Any) -> Rig:
            theirs = {name[5:]: chosen.pop(name) for name in list(chosen) if name.startswith("door_")}
            quick = {"auto_login": True, "pacing": False, "cadence": 0.02, "account_cadence": 0.05}
            door = DoorSettings(port=0, **(quick | theirs))
            far_end = SimulatorSettings(
                tws=TwsSettings(port=0), webapi=door, control_port=None, start=START, speed=speed
            )
            simulator = await exits.enter_async_context(Simulator(far_end))
            assert simulator.webapi is not None
            between = Between(simulator.webapi.url.removesuffix(PREFIX))
            await between.start()
            exits.push_async_callback(between.close)
            url = simulator.webapi.url if door.tls else f"http://127.0.0.1:{between.port}{PREFIX}"
            rig: Rig

            async def admit(accounts: tuple[str, ...], our_end: tuple[str, int]) -> None:
                rig.admitted.append((accounts, our_end))

            settings = WebApiSettings(url=chosen.pop("url", url), **{**QUICK, **chosen})
            rig = Rig(simulator, between, WebApiUpstream(settings, clock or SystemClock(), admit))
            exits.push_async_callback(_end, rig)
            if run:
                rig.run()
            return rig

        yield open_one


async def _end(rig: Rig) -> None:
    if rig.task is not None:
        rig.task.cancel()
        await asyncio.gather(rig.task, return_exceptions=True)


@pytest.fixture
async def rig(rigs: Callable[..., Any]) -> Rig:
    """One that is ready."""
    opened: Rig = await rigs()
    return await opened.ready()


class Made:
    """What tests make; a conftest cannot be imported from."""

    order = staticmethod(order)
    known = staticmethod(known)
    bad = Bad


@pytest.fixture
def make() -> type[Made]:
    return Made
