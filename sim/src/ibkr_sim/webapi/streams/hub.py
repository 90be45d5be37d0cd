"""Lets WebSocket clients in, and carries the exchange's events to them."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import partial
from typing import Final

from aiohttp import web

from ibkr_sim.exchange.model import Event
from ibkr_sim.faults.moments import Admission
from ibkr_sim.faults.visit import Visit
from ibkr_sim.webapi.answers import Refused
from ibkr_sim.webapi.caller import patiently
from ibkr_sim.webapi.house import House
from ibkr_sim.webapi.ordering.tradebook import Trade
from ibkr_sim.webapi.safety import is_safe
from ibkr_sim.webapi.sessions.portal import Access, PortalSession
from ibkr_sim.webapi.streams.connection import Connection
from ibkr_sim.webapi.user.notices import Notice

LARGEST_FRAME: Final = 65_536
"""Bytes of a client's frame: as much as IBKR's gateway lets pass."""
CLOSING: Final = 1.0
"""Seconds that a client has to answer when the door parts from it."""
_TOKENS: Final = re.compile(r"[0-9a-f]{32}")
_SHORT_TOKENS: Final = re.compile(r"x-sess-uuid=\"?0\.([0-9a-f]{8})")


class Hub:
    def __init__(self, house: House) -> None:
        self._house = house
        self._connections: set[Connection] = set()
        house.sessions.on_change(self._announce)
        house.user.on_popup(self._proclaim)

    @property
    def connections(self) -> int:
        return len(self._connections)

    @property
    def peers(self) -> list[str]:
        """The clients' ends of the open sockets."""
        return sorted(connection.peer for connection in self._connections)

    async def close(self) -> None:
        """Part from everybody."""
        for connection in tuple(self._connections):
            connection.part()

    async def admit(self, request: web.Request) -> web.StreamResponse:
        if not is_safe(request.headers, self._house.settings.public_url):
            raise web.HTTPForbidden
        self._house.sessions.expire()
        try:
            session = self._session(request)
        except Refused as refused:
            return web.Response(status=refused.answer.status, body=refused.answer.encode())
        socket = web.WebSocketResponse(timeout=CLOSING, max_msg_size=LARGEST_FRAME)
        await socket.prepare(request)
        connection = Connection(self._house, socket, request.transport, session)
        faults = self._house.faults
        if await patiently(partial(faults.entering, connection.guest), lambda: connection.gone) is Admission.CLOSE:
            await socket.close()
            return socket
        self._connections.add(connection)
        visit = faults.enter(connection.guest)
        try:
            # A client that leaves in the middle of a frame, or does not take one in time, ends its own visit alone.
            with suppress(ConnectionError, TimeoutError):
                await _serve(connection, visit)
        finally:
            self._connections.discard(connection)
            visit.left()
        return socket

    def end_topics(self, name: str | None, pattern: str) -> None:
        for connection in self._named(name):
            connection.end_topics(pattern)

    def close_sockets(self, name: str | None, code: int) -> None:
        for connection in self._named(name):
            connection.part(code)

    def _named(self, name: str | None) -> list[Connection]:
        return [connection for connection in self._connections if name in (None, connection.name)]

    def hear(self, event: Event, trade: Trade | None) -> None:
        for connection in tuple(self._connections):
            connection.hear(event, trade)

    def _proclaim(self, notice: Notice) -> None:
        args = {"id": notice.id, "text": notice.body, "title": notice.headline, "url": ""}
        for connection in tuple(self._connections):
            if connection.session is not None:
                connection.tell({"topic": "ntf", "args": args})

    def _announce(self, session: PortalSession) -> None:
        ended = session not in tuple(self._house.sessions)
        for connection in tuple(self._connections):
            if connection.session is session:
                connection.announce(ended=ended)

    def _session(self, request: web.Request) -> PortalSession | None:
        """Whose cookie or token it brings; None for who has yet to say. Raises Refused."""
        sessions = self._house.sessions
        token, bearer = request.query.get("oauth_token"), request.query.get("bearer_token")
        if token is not None or bearer is not None:
            key = (Access.OAUTH1, token or "") if token is not None else (Access.OAUTH2, bearer or "")
            signed = sessions.signed.get(key)
            return signed if signed is not None and signed.token in _named(request) else None
        named = _named(request)
        gateway = sessions.gateway
        if gateway is not None and (gateway.token in named or gateway.token[:8] in named):
            return gateway
        return None


def _named(request: web.Request) -> set[str]:
    """Every session that the cookies name, in whichever of the forms that clients use."""
    cookie = request.headers.get("Cookie", "")
    return {*_TOKENS.findall(cookie), *_SHORT_TOKENS.findall(cookie)}


async def _serve(connection: Connection, visit: Visit) -> None:
    """Raises what ended the connection by itself, not in a group."""
    try:
        await connection.serve(visit)
    except* (ConnectionError, TimeoutError) as group:
        raise group.exceptions[0] from None
