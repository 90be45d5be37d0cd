"""The listener: an HTTP server at IBKR's paths, on the same exchange and accounts as the TWS door."""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from aiohttp import web

from ibkr_sim.exchange.model import CommissionCharged, Event, Executed
from ibkr_sim.exchange.port import Market
from ibkr_sim.faults.faults import Faults
from ibkr_sim.listening import listen
from ibkr_sim.webapi.call import Route
from ibkr_sim.webapi.house import House
from ibkr_sim.webapi.moments import Interventions
from ibkr_sim.webapi.oauth.grants import Grants
from ibkr_sim.webapi.oauth.nonces import Nonces
from ibkr_sim.webapi.oauth.provider import Provider
from ibkr_sim.webapi.ordering.desk import OrderDesk
from ibkr_sim.webapi.ordering.tradebook import TradeBook
from ibkr_sim.webapi.pacing import Pacing
from ibkr_sim.webapi.pipeline import Pipeline
from ibkr_sim.webapi.positions import PositionCache
from ibkr_sim.webapi.rivalry import Rivalry
from ibkr_sim.webapi.sessions.registry import Sessions
from ibkr_sim.webapi.settings import PREFIXES, WebApiSettings
from ibkr_sim.webapi.streams.hub import Hub
from ibkr_sim.webapi.table import routes
from ibkr_sim.webapi.user.belongings import Belongings

LARGEST_BODY: Final = 1 << 20
BACKLOG: Final = 128
PARTING: Final = 0.5
"""Seconds for requests under way when the door closes."""
Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebApiDoor:
    """Hears of every trade from its making, and answers from `start` until `close`."""

    def __init__(
        self,
        market: Market,
        settings: WebApiSettings,
        faults: Faults,
        elsewhere: Callable[[], bool] = lambda: False,
    ) -> None:
        """A user is logged in from here on where the settings say so, so that a fault can undo it.

        `elsewhere` tells whether anybody is at the TWS door; it counts where the two doors compete.
        """
        self._settings = settings
        house = self.house = _house(market, settings, faults)
        portal = self._portal = Interventions(house.sessions, house.provider, market.now, house.token)
        self._hub = Hub(house)
        portal.attach(self._hub)
        faults.gates.append(self)
        faults.portal = portal
        self._pipeline = Pipeline(house)
        self._context = _server_context() if settings.tls else None
        if settings.competes_with_tws:
            house.sessions.elsewhere = elsewhere
            Rivalry(house.sessions, faults)
        if settings.auto_login:
            house.sessions.log_in()
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._port: int | None = None
        self._unsubscribe = market.subscribe(self._hear)

    @property
    def port(self) -> int:
        """The port it listens on. Raises RuntimeError before `start`."""
        if self._port is None:
            raise RuntimeError("the door is not open")
        return self._port

    @property
    def is_open(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    @property
    def url(self) -> str:
        """The base of every path, `http://127.0.0.1:5000/v1/api`."""
        return self._settings.url(self.port)

    @property
    def peers(self) -> list[str]:
        """The clients' ends of the open WebSockets."""
        return self._hub.peers

    async def start(self, listener: socket.socket) -> None:
        """Answer at a socket that listens already; `close` closes it."""
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=PARTING)
        await self._runner.setup()
        self._port = int(listener.getsockname()[1])
        await self._answer_at(listener)

    async def open(self) -> None:
        """Listen again after `shut`, at the same port. Raises OSError when it is taken."""
        if self._server is None and self._runner is not None:
            await self._answer_at(listen(self._settings.host, self.port))

    async def _answer_at(self, listener: socket.socket) -> None:
        assert self._runner is not None
        assert self._runner.server is not None
        self._server = await asyncio.get_running_loop().create_server(
            self._runner.server, sock=listener, ssl=self._context, backlog=BACKLOG
        )

    def shut(self) -> None:
        """Refuse whoever knocks, until `open`; brokerage sessions end."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._portal.drop_brokerage(None)

    def part(self) -> None:
        """End every connection."""
        if self._runner is not None and self._runner.server is not None:
            for connection in tuple(self._runner.server.connections):
                connection.force_close()

    async def close(self) -> None:
        """Stop listening and part from everybody."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self._unsubscribe()
        await self._hub.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=LARGEST_BODY)
        router = application.router
        for prefix in PREFIXES:
            router.add_get(f"{prefix}/ws", self._hub.admit)
        for route in routes():
            for prefix in ("",) if route.absolute else PREFIXES:
                for method in route.methods.split():
                    # Some clients write a slash at the end.
                    for path in {prefix + route.path, f"{prefix}{route.path.rstrip('/')}/"}:
                        router.add_route(method, path, self._answering(route))
        router.add_route("*", "/{tail:.*}", self._answering(None))
        return application

    def _answering(self, route: Route | None) -> Answering:
        return partial(_answer, self._pipeline, route)

    def _hear(self, event: Event) -> None:
        trade = self.house.trades.hear(event)
        self._hub.hear(event, trade)
        self.house.user.hear(event)


async def _answer(pipeline: Pipeline, route: Route | None, request: web.Request) -> web.StreamResponse:
    path = request.path
    prefix = next((prefix for prefix in PREFIXES if path.startswith(f"{prefix}/")), "")
    return await pipeline.handle(request, route, path[len(prefix) :].rstrip("/") or "/")


def _server_context() -> ssl.SSLContext:
    from ibkr_sim.webapi.certificate import server_context  # noqa: PLC0415  plain HTTP opens sooner without it

    return server_context()


def _house(market: Market, settings: WebApiSettings, faults: Faults) -> House:
    token, unsettled = partial(secrets.token_hex, 16), settings.unsettled

    def wall() -> float:
        return time.time() + faults.skew().total_seconds()

    nonces = Nonces(wall, unsettled.clock_skew, unsettled.timestamp_slack)
    return House(
        market=market,
        settings=settings,
        sessions=Sessions(settings, market.accounts[0], market.now, token),
        provider=Provider(settings.consumers, nonces, market.now, secrets.token_bytes),
        grants=Grants(settings.oauth2_clients, time.time, token, settings.username),
        orders=OrderDesk(market, settings, _reply_id),
        trades=_trades(market, settings),
        pacing=Pacing(lambda: asyncio.get_running_loop().time(), market.now, settings.penalty),
        faults=faults,
        wall=wall,
        token=token,
        opened=market.now(),
        positions=PositionCache(),
        user=Belongings(market),
        tickets=set(),
    )


def _trades(market: Market, settings: WebApiSettings) -> TradeBook:
    """With those of the day, where the exchange has gone on from an earlier one."""
    book = TradeBook(settings.time_zone)
    for execution, commission in market.executions():
        order = market.order(execution.perm_id)
        if order is not None:
            book.hear(Executed(execution, order))
            book.hear(CommissionCharged(commission, execution, order))
    return book


def _reply_id() -> str:
    """`07a13a5a-4a48-44a5-bb25-5ab37b79186c`."""
    digits = secrets.token_hex(16)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
