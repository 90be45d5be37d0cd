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
from ibkr_sim.faults.faults import Faults
from ibkr_sim.faults.moments import Admission
from ibkr_sim.listening import HeldPort
from ibkr_sim.tws.advisors.office import advisory
from ibkr_sim.tws.answers import session as answers
from ibkr_sim.tws.bulletins import Bulletins
from ibkr_sim.tws.connection import GONE, Connection
from ibkr_sim.tws.fields import Unreadable
from ibkr_sim.tws.framing import FrameTooLong
from ibkr_sim.tws.handlers.table import dispatch
from ibkr_sim.tws.orderbook import OrderBook
from ibkr_sim.tws.outlet import Outlet
from ibkr_sim.tws.session import House, Session
from ibkr_sim.tws.settings import TwsSettings
from ibkr_sim.tws.times import zoned
from ibkr_sim.tws.visitor import Visitor

CLIENT_ID_IN_USE: Final = 326
TOO_FAST: Final = 100
MOST_WARNINGS: Final = 3
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

    def __init__(self, market: Market, settings: TwsSettings, faults: Faults) -> None:
        self._house = House(market, settings, Bulletins(settings.time_zone), advisory(market))
        self._faults = faults
        faults.gates.append(self)
        self._settings = settings
        self._server: asyncio.Server | None = None
        self._held: HeldPort | None = None
        self._visits: dict[asyncio.Task[None], Connection] = {}
        self._sessions: dict[int, tuple[Session, Connection]] = {}
        self._quotes: set[int] = set()
        self._positions: set[tuple[str, int]] = set()
        self._changes: list[QuoteChanged] = []
        self._beat: asyncio.Task[None] | None = None
        self._push: asyncio.Handle | None = None
        self._unsubscribe: Callable[[], None] | None = None

    @property
    def port(self) -> int:
        """The port it listens on. Raises RuntimeError before `start`."""
        if self._held is None:
            raise RuntimeError("the door is not open")
        return self._held.number

    @property
    def guests(self) -> Sequence[Guest]:
        return [Guest(client_id, connection.peer) for client_id, (_, connection) in self._sessions.items()]

    @property
    def order_ids(self) -> OrderBook:
        """Which ids clients have used."""
        return self._house.book

    @property
    def bulletins(self) -> Bulletins:
        """What IBKR has to say to all."""
        return self._house.bulletins

    async def start(self) -> None:
        """Raises OSError when the port is taken."""
        self._held = HeldPort(self._settings.host, self._settings.port)
        try:
            await self.open()
        except OSError:
            self._held.close()
            raise
        self._unsubscribe = self._house.market.subscribe(self._on_event)
        self._beat = asyncio.create_task(self._keep_time(), name="tws-beat")

    async def open(self) -> None:
        """Listen, from `start` on and again after `shut`. Raises OSError when the port is taken."""
        if self._server is None and self._held is not None:
            self._server = await asyncio.start_server(self._admit, sock=self._held.listen())

    def shut(self) -> None:
        """Refuse whoever knocks, until `open`."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def part(self) -> None:
        """End every connection, also of those who have not said who they are."""
        for connection in self._visits.values():
            connection.part()

    async def close(self) -> None:
        """Stop listening and part from every client."""
        server = self._server
        self.shut()
        if self._unsubscribe is not None:
            self._unsubscribe()
        tasks = [*self._visits, *([self._beat] if self._beat else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._push is not None:
            self._push.cancel()
        if server is not None:
            await server.wait_closed()
        if self._held is not None:
            self._held.close()

    def _admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, self._settings)
        visit = asyncio.create_task(self._visit(connection), name="tws-client")
        self._visits[visit] = connection
        visit.add_done_callback(self._visits.pop)

    async def _visit(self, connection: Connection) -> None:
        try:
            await self._receive(connection)
        except asyncio.CancelledError:
            connection.abort()
            raise
        except Exception as error:  # noqa: BLE001  whatever went wrong with one client ends that client's visit alone
            self._give_up(connection, error)
        finally:
            await connection.close()

    async def _receive(self, connection: Connection) -> None:
        if await self._admission(connection, self._faults.arriving) is not Admission.ADMIT:
            return
        now = self._house.market.now() + self._faults.skew()
        if not await connection.greet(zoned(now, self._settings.time_zone)):
            return
        client_id = (await connection.introduction()).client_id
        visitor = Visitor(client_id, connection, self._house.market)
        admission = await self._admission(connection, partial(self._faults.entering, visitor))
        if admission is Admission.CLOSE:
            return
        taken = client_id in self._sessions or len(self._sessions) >= self._settings.most_clients
        if taken or admission is Admission.ID_IN_USE:
            text = "Unable to connect as the client id is already in use. Retry with a unique client id."
            time = self._house.market.now()
            connection.send(answers.error(connection.version, answers.SYSTEM, CLIENT_ID_IN_USE, text, time))
            return
        await self._attend(client_id, visitor, connection)

    async def _admission(self, connection: Connection, verdict: Callable[[], Admission]) -> Admission:
        """The verdict on somebody who knocks, once it is no longer to wait."""
        while (admission := verdict()) is Admission.WAIT:
            if connection.gone:
                return Admission.CLOSE
            await asyncio.sleep(self._settings.beat)
        return admission

    async def _attend(self, client_id: int, visitor: Visitor, connection: Connection) -> None:
        visit = self._faults.enter(visitor)
        outlet = Outlet(connection.version, visit.send, visit.now, self._settings.sizes_in_lots_below_159)
        session = Session(self._house, client_id, outlet, visit)
        visitor.attach(session)
        self._sessions[client_id] = session, connection

        def answer(payload: bytes) -> None:
            visit.ask(visitor.request(payload, partial(self._answer, session, connection, payload)))

        try:
            self._welcome(session)
            await connection.serve(answer, partial(self._warn, session, connection))
        finally:
            del self._sessions[client_id]
            self._house.groups.part(client_id)
            self._house.bulletins.leave(client_id)
            visit.left()

    def _warn(self, session: Session, connection: Connection, times: int) -> None:
        """Of too many messages; the third time is the last."""
        most = self._settings.most_messages
        text = f"Max rate of messages per second has been exceeded:max={most} rec={most + 1} ({times})"
        session.outlet.error(answers.SYSTEM, TOO_FAST, text)
        if times == MOST_WARNINGS:
            connection.part()

    def _answer(self, session: Session, connection: Connection, payload: bytes) -> None:
        try:
            dispatch(session, payload)
        except Unreadable as refusal:
            connection.complain(refusal, self._house.market.now())
            if not self._settings.keeps_unreadable:
                connection.part()
        except Exception as error:  # noqa: BLE001  also when a fault has kept the request, and another client's turn it is
            self._give_up(connection, error)
            connection.part()

    def _give_up(self, connection: Connection, error: Exception) -> None:
        """Say why a client cannot be served any longer: to it, or in the log."""
        if isinstance(error, Unreadable | FrameTooLong):
            connection.complain(error, self._house.market.now())
        elif not isinstance(error, GONE):
            logger.error("client %s was dropped", connection.peer, exc_info=error)

    def _welcome(self, session: Session) -> None:
        version = session.version
        session.send(answers.managed_accounts(version, self._house.accounts))
        session.send(answers.next_valid_id(version, self._house.book.next_id(session.client_id)))
        for code, text in FARMS:
            session.outlet.error(answers.SYSTEM, code, text)

    def _on_event(self, event: Event) -> None:
        match event:
            case QuoteChanged(quote=quote):
                self._quotes.add(quote.conid)
                self._changes.append(event)
            case PositionChanged(position=position):
                self._positions.add((position.account, position.conid))
            case _:
                for session, _connection in self._sessions.values():
                    session.report(event)
                # An order behind the best price changes the book, but not the quote.
                self._quotes.add(event.order.request.conid)
        # One step of the exchange changes many quotes: all of them leave together when it is done.
        if self._push is None:
            self._push = asyncio.get_running_loop().call_soon(self._push_changes)

    def _push_changes(self) -> None:
        quotes, positions, changes, self._push = self._quotes, self._positions, self._changes, None
        self._quotes, self._positions, self._changes = set(), set(), []

        def tell(session: Session) -> None:
            for event in changes:
                session.note(event)
            session.push(quotes, positions)

        self._tell_all(tell)

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(self._settings.beat)
            now = self._house.market.now()
            self._tell_all(partial(Session.refresh, now=now))

    def _tell_all(self, tell: Callable[[Session], None]) -> None:
        """What goes wrong with one client ends that client's visit alone."""
        for session, connection in tuple(self._sessions.values()):
            try:
                tell(session)
            except Exception as error:  # noqa: BLE001  the others' streams must go on
                self._give_up(connection, error)
                connection.part()
