"""One WebSocket: who it belongs to, the greeting, and the frames in both directions."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Final

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from ibkr_sim.exchange.model import Event
from ibkr_sim.faults.visit import Visit
from ibkr_sim.webapi.answers import encode
from ibkr_sim.webapi.house import House
from ibkr_sim.webapi.ordering.tradebook import Trade
from ibkr_sim.webapi.resources.accounts import told_accounts
from ibkr_sim.webapi.sessions.portal import PortalSession
from ibkr_sim.webapi.shapes import status
from ibkr_sim.webapi.streams.grammar import parse, session_named
from ibkr_sim.webapi.streams.guest import Guest
from ibkr_sim.webapi.streams.subscriptions import Subscriptions
from ibkr_sim.webapi.streams.topic import Listener, Message

BEAT: Final = 0.1
"""Real seconds between two looks at what is due."""
SEND_DEADLINE: Final = 10.0


class Connection:
    """`session` is None while the client has not named it."""

    def __init__(
        self,
        house: House,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        session: PortalSession | None,
    ) -> None:
        self._house, self._socket, self._transport = house, socket, transport
        end = transport.get_extra_info("peername") if transport is not None else None
        self.peer = f"{end[0]}:{end[1]}" if end else ""
        """The client's end of the socket, as host:port."""
        self.session = session
        self.guest = Guest(self)
        self._visit: Visit | None = None
        self._subscriptions: Subscriptions | None = None
        self._outgoing: asyncio.Queue[bytes | int] = asyncio.Queue()
        self._unsent = 0

    @property
    def name(self) -> str:
        """Of its session's way in."""
        return self.session.access.value if self.session else ""

    @property
    def gone(self) -> bool:
        return self._socket.closed or self._transport is None or self._transport.is_closing()

    async def serve(self, visit: Visit) -> None:
        """Until either side leaves."""
        self._visit = visit
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._write()), group.create_task(self._keep_time())]
            if self.session is None:
                self.tell({"message": "waiting for session"})
            else:
                self._welcome(self.session)
            try:
                async for message in self._socket:
                    self._receive(message)
            finally:
                for task in tasks:
                    task.cancel()

    def hear(self, event: Event, trade: Trade | None) -> None:
        if self._subscriptions is not None:
            self._subscriptions.hear(event, trade)

    def announce(self, *, ended: bool) -> None:
        """The session's status has changed."""
        if self.session is None or self._subscriptions is None:
            return
        sessions = self._house.sessions
        if not sessions.is_authenticated(self.session):
            self._subscriptions.drop_brokerage()
        self.tell({"topic": "sts", "args": self._status(self.session)})
        if ended:
            self.part()

    def tell(self, message: Message) -> None:
        """Let one message leave, as far as it depends on this side."""
        if self._visit is not None:
            self._visit.send(encode(dict(message)))

    def put(self, frame: bytes) -> None:
        """Hand over one frame and return; a client that does not read is cut off, so that it delays nobody."""
        self._unsent += len(frame)
        self._outgoing.put_nowait(frame)
        if self._unsent > self._house.settings.most_unsent_bytes:
            self.part()

    def part(self, code: int = WSCloseCode.OK) -> None:
        """End, after what was handed over has left."""
        self._outgoing.put_nowait(code)

    def abort(self) -> None:
        """End at once, without a close frame."""
        if self._transport is not None:
            self._transport.abort()

    def end_topics(self, pattern: str) -> None:
        if self._subscriptions is not None:
            self._subscriptions.end_topics(pattern)

    def renew_quotes(self) -> None:
        if self._subscriptions is not None:
            self._subscriptions.renew_quotes()

    async def _write(self) -> None:
        while not isinstance(frame := await self._outgoing.get(), int):
            async with asyncio.timeout(SEND_DEADLINE):
                if self._house.unsettled.binary_frames or (self._visit is not None and self._visit.binary):
                    await self._socket.send_bytes(frame)
                else:
                    await self._socket.send_str(frame.decode())
            self._unsent -= len(frame)
        await self._socket.close(code=frame)

    async def _keep_time(self) -> None:
        loop, settings = asyncio.get_running_loop(), self._house.settings
        due = loop.time() + settings.heartbeat
        while True:
            await asyncio.sleep(min(BEAT, settings.cadence, settings.heartbeat))
            self._house.sessions.expire()
            if self._subscriptions is not None:
                self._subscriptions.beat(loop.time())
            if loop.time() >= due:
                due += settings.heartbeat
                self.tell({"topic": "system", "hb": self._milliseconds()})

    def _receive(self, message: WSMessage) -> None:
        if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            return
        text = message.data if message.type is WSMsgType.TEXT else message.data.decode("utf-8", "replace")
        if self._visit is not None:
            self._visit.ask(self.guest.request(text, partial(self._handle, text)))

    def _handle(self, text: str) -> None:
        with self.guest.answering():
            self._read(text)

    def _read(self, text: str) -> None:
        named = session_named(text)
        if named is not None and self.session is None:
            self._enter(named)
        elif named is None:
            self._obey(text)

    def _enter(self, token: str) -> None:
        found = next((session for session in self._house.sessions if session.token == token), None)
        if found is None:
            self.tell({"message": "waiting for session"})
        else:
            self.session = found
            self._welcome(found)

    def _obey(self, text: str) -> None:
        request = parse(text)
        if self.session is None or self._subscriptions is None:
            self.tell({"message": "waiting for session"})
        elif text.strip() == "tic":
            self._answer_tic(self.session)
        elif request is not None and request.topic == "ech":
            self.tell({"topic": "ech+hb"})
        elif request is None or not self._subscriptions.ask(request):
            self.tell({"error": f"Topic unknown {text[:60]}", "code": 1})

    def _answer_tic(self, session: PortalSession) -> None:
        answer = {"topic": "tic", "alive": True, "id": session.token, "lastAccessed": self._milliseconds()}
        for _copy in range(self._house.unsettled.tics_answered):
            self.tell(answer)

    def _welcome(self, session: PortalSession) -> None:
        username = self._house.settings.username
        if self._visit is not None:
            self._subscriptions = Subscriptions(Listener(self._house, session, self.tell, self._visit))
        self.tell({"topic": "system", "success": username, "isFT": False, "isPaper": True})
        self.tell({"topic": "act", "args": told_accounts(self._house, session)})
        self.tell({"topic": "sts", "args": self._status(session)})

    def _status(self, session: PortalSession) -> dict[str, Any]:
        return status.stream_status(self._house.sessions, session, self._house.settings.username)

    def _milliseconds(self) -> int:
        """Of real time: clients measure the age of a heartbeat with their own clock."""
        return int(self._house.wall() * 1000)
