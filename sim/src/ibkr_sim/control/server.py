"""The HTTP server of the control port."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from typing import Final

from aiohttp import web

from ibkr_sim.clock import Clock
from ibkr_sim.control import bulletins, orders
from ibkr_sim.control.assignments import assign
from ibkr_sim.control.clock import clock_order
from ibkr_sim.control.corporate import announce
from ibkr_sim.control.faults import cleared_name, fault_order
from ibkr_sim.control.halts import halt
from ibkr_sim.control.identity import acceptable, proof
from ibkr_sim.control.ledger import ledger
from ibkr_sim.control.problems import Refused
from ibkr_sim.control.safety import guard
from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.faults.catalogue import available
from ibkr_sim.faults.faults import Faults
from ibkr_sim.faults.trigger import InvalidFault
from ibkr_sim.tws.door import TwsDoor

_LARGEST_BODY: Final = 64 << 10
_PARTING: Final = 0.5
"""Seconds for requests under way when the server closes."""


class ControlServer:
    def __init__(
        self,
        exchange: Exchange,
        clock: Clock,
        door: TwsDoor,
        faults: Faults,
        nonce: str | None,
        webapi_port: int | None = None,
        webapi_peers: Callable[[], list[str]] = list,
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._door = door
        self._faults = faults
        self._nonce = nonce
        self._webapi_port = webapi_port
        self._webapi_peers = webapi_peers
        self._runner: web.AppRunner | None = None

    async def start(self, listener: socket.socket) -> None:
        """Answer at a socket that listens already; `close` closes it."""
        application = web.Application(middlewares=[guard], client_max_size=_LARGEST_BODY)
        application.router.add_get("/control/identity", self._identity)
        application.router.add_get("/control/ledger", self._ledger)
        application.router.add_get("/control/clock", self._show_clock)
        application.router.add_post("/control/clock", self._set_clock)
        application.router.add_get("/control/faults", self._show_faults)
        application.router.add_post("/control/faults", self._inject)
        application.router.add_delete("/control/faults", self._clear_faults)
        application.router.add_post("/control/orders", self._place_order)
        application.router.add_delete("/control/orders", self._cancel_order)
        application.router.add_post("/control/corporate-actions", self._announce)
        application.router.add_post("/control/halts", self._halt)
        application.router.add_post("/control/assignments", self._assign)
        application.router.add_get("/control/bulletins", self._show_bulletins)
        application.router.add_post("/control/bulletins", self._issue)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=_PARTING)
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _identity(self, request: web.Request) -> web.Response:
        if self._nonce is None:
            raise Refused(404, "no_nonce", "This simulator was started without a nonce and can prove nothing.")
        challenge = request.query.get("challenge", "")
        if not acceptable(challenge):
            raise Refused(422, "invalid_challenge", "challenge must be 8 to 64 bytes in hexadecimal.")
        statement = {
            "accounts": list(self._exchange.accounts),
            "tws_port": self._door.port,
            "webapi_port": self._webapi_port,
            "webapi_peers": self._webapi_peers(),
            "clients": [{"client_id": guest.client_id, "peer": guest.peer} for guest in self._door.guests],
            "pid": os.getpid(),
            "challenge": challenge,
        }
        return web.json_response(statement | {"proof": proof(self._nonce, statement)})

    async def _ledger(self, _request: web.Request) -> web.Response:
        return web.json_response(ledger(self._exchange))

    async def _show_clock(self, _request: web.Request) -> web.Response:
        return web.json_response({"now": self._clock.now().isoformat(), "speed": self._clock.speed})

    async def _set_clock(self, request: web.Request) -> web.Response:
        order = clock_order(await _body(request))
        if order.speed is not None:
            self._clock.set_speed(order.speed)
        if order.advance is not None:
            self._clock.advance(order.advance)
            self._exchange.advance()
        return await self._show_clock(request)

    async def _show_faults(self, _request: web.Request) -> web.Response:
        rows = [injection.shown() for injection in self._faults.injections]
        return web.json_response({"faults": rows, "available": available()})

    async def _inject(self, request: web.Request) -> web.Response:
        body = await _body(request)
        try:
            injection = self._faults.order(fault_order(body))
        except InvalidFault as error:
            raise Refused(422, "invalid_fault", f"{error}.") from error
        return web.json_response(injection.shown(), status=201)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        body = await _body(request) if request.can_read_body else {}
        try:
            cleared = self._faults.clear(cleared_name(body))
        except InvalidFault as error:
            raise Refused(422, "invalid_fault", f"{error}.") from error
        return web.json_response({"cleared": cleared})

    async def _place_order(self, request: web.Request) -> web.Response:
        return web.json_response(orders.shown(orders.place(self._exchange, await _body(request))), status=201)

    async def _cancel_order(self, request: web.Request) -> web.Response:
        return web.json_response(orders.shown(orders.cancel(self._exchange, await _body(request))))

    async def _announce(self, request: web.Request) -> web.Response:
        return web.json_response(announce(self._exchange, await _body(request)), status=201)

    async def _halt(self, request: web.Request) -> web.Response:
        return web.json_response(halt(self._exchange, await _body(request)))

    async def _assign(self, request: web.Request) -> web.Response:
        return web.json_response(assign(self._exchange, await _body(request)))

    async def _show_bulletins(self, _request: web.Request) -> web.Response:
        today = self._door.bulletins.today(self._exchange.now())
        return web.json_response({"bulletins": [bulletins.shown(bulletin) for bulletin in today]})

    async def _issue(self, request: web.Request) -> web.Response:
        bulletin = bulletins.issue(self._door.bulletins, self._exchange.now(), await _body(request))
        return web.json_response(bulletin, status=201)


async def _body(request: web.Request) -> object:
    """Raises Refused (400)."""
    try:
        return json.loads(await request.text())
    except (ValueError, RecursionError) as error:
        raise Refused(400, "invalid_json", "The body is not JSON.") from error
