"""The listener: lets clients in, knows who is here, and carries the exchange's events to them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from ibkr_sim.exchange.model import Event, PositionChanged, QuoteChanged
from ibkr_sim.exchange.port import Market
from ibkr_sim.tws.answers import session as answers
from ibkr_sim.tws.connection import GONE, Connection
from ibkr_sim.tws.fields import Unreadable
from ibkr_sim.tws.framing import FrameTooLong
from ibkr_sim.tws.handlers.table import dispatch
from ibkr_sim.tws.outlet import Outlet
from ibkr_sim.tws.session import House, Session
from ibkr_sim.tws.settings import TwsSettings
from ibkr_sim.tws.times import zoned

CLIENT_ID_IN_USE: Final = 326
FARMS: Final = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefnj"),
)
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Guest:
    """A client that is connected."""

    client_id: int
    peer: str


class TwsDoor:
    """Listens from `start` until `close`. Everything runs on one event loop; nothing here blocks it."""

    def __init__(self, market: Market, settings: TwsSettings) -> None:
        self._house = House(market, settings)
        self._settings = settings
        self._server: asyncio.Server | None = None
        self._visits: set[asyncio.Task[None]] = set()
        self._sessions: dict[int, tuple[Session, Connection]] = {}
        self._quotes: set[int] = set()
        self._positions: set[tuple[str, int]] = set()
        self._beat: asyncio.Task[None] | None = None
        self._push: asyncio.Handle | None = None
        self._unsubscribe: Callable[[], None] | None = None

    @property
    def port(self) -> int:
        """The port it listens on. Raises RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("the door is not open")
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def guests(self) -> Sequence[Guest]:
        return [Guest(client_id, connection.peer) for client_id, (_, connection) in self._sessions.items()]

    async def start(self) -> None:
        """Raises OSError when the port is taken."""
        self._server = await asyncio.start_server(self._admit, self._settings.host, self._settings.port)
        self._unsubscribe = self._house.market.subscribe(self._on_event)
        self._beat = asyncio.create_task(self._keep_time(), name="tws-beat")

    async def close(self) -> None:
        """Stop listening and part from every client."""
        if self._server is None:
            return
        self._server.close()
        if self._unsubscribe is not None:
            self._unsubscribe()
        tasks = [*self._visits, *([self._beat] if self._beat else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._push is not None:
            self._push.cancel()
        await self._server.wait_closed()

    def _admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.create_task(self._visit(Connection(reader, writer, self._settings)), name="tws-client")
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)

    async def _visit(self, connection: Connection) -> None:
        try:
            await self._receive(connection)
        except (Unreadable, FrameTooLong) as refusal:
            connection.complain(refusal)
        except GONE:
            return
        except asyncio.CancelledError:
            connection.abort()
            raise
        except Exception:  # whatever went wrong with one client ends that client's visit and no other
            logger.exception("client %s was dropped", connection.peer)
        finally:
            await connection.close()

    async def _receive(self, connection: Connection) -> None:
        market = self._house.market
        if not await connection.greet(zoned(market.now(), self._settings.time_zone)):
            return
        client_id = (await connection.introduction()).client_id
        outlet = Outlet(connection.version, connection.send)
        if client_id in self._sessions or len(self._sessions) >= self._settings.most_clients:
            text = "Unable to connect as the client id is already in use. Retry with a unique client id."
            outlet.error(answers.SYSTEM, CLIENT_ID_IN_USE, text)
            return
        session = Session(self._house, client_id, outlet)
        self._sessions[client_id] = session, connection
        try:
            self._welcome(session)
            await connection.serve(partial(dispatch, session))
        finally:
            del self._sessions[client_id]

    def _welcome(self, session: Session) -> None:
        version = session.version
        session.send(answers.managed_accounts(version, session.market.accounts))
        session.send(answers.next_valid_id(version, self._house.book.next_id(session.client_id)))
        for code, text in FARMS:
            session.outlet.error(answers.SYSTEM, code, text)

    def _on_event(self, event: Event) -> None:
        match event:
            case QuoteChanged(quote=quote):
                self._quotes.add(quote.conid)
            case PositionChanged(position=position):
                self._positions.add((position.account, position.conid))
            case _:
                for session, _connection in self._sessions.values():
                    session.report(event)
                return
        # One step of the exchange changes many quotes: all of them leave together when it is done.
        if self._push is None:
            self._push = asyncio.get_running_loop().call_soon(self._push_changes)

    def _push_changes(self) -> None:
        quotes, positions, self._push = self._quotes, self._positions, None
        self._quotes, self._positions = set(), set()
        for session, _connection in self._sessions.values():
            session.push(quotes, positions)

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(self._settings.beat)
            now = self._house.market.now()
            for session, _connection in self._sessions.values():
                session.refresh(now)
