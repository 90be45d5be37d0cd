"""The Web API's door put together: the upstream port, filled by small parts that share one session."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from ibkr_bridge.domain.account import AccountSummary
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import NotSupported
from ibkr_bridge.domain.order import BrokerIds, BrokerOrder, Order, Preview
from ibkr_bridge.domain.questions import Decide
from ibkr_bridge.domain.session import Session as SessionView
from ibkr_bridge.domain.terms import Terms
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.upstream import (
    Admission,
    BrokerState,
    Capabilities,
    Listener,
    Permit,
    RawAnswer,
    SessionChanged,
    UpstreamEvent,
    Word,
)
from ibkr_bridge.upstream.webapi.accounts import Accounts
from ibkr_bridge.upstream.webapi.capabilities import CANCEL_EVERYTHING, capabilities
from ibkr_bridge.upstream.webapi.contracts import Contracts
from ibkr_bridge.upstream.webapi.history import History
from ibkr_bridge.upstream.webapi.http import Http
from ibkr_bridge.upstream.webapi.marketdata import MarketData
from ibkr_bridge.upstream.webapi.orders import Orders
from ibkr_bridge.upstream.webapi.raw import Raw
from ibkr_bridge.upstream.webapi.research import Research
from ibkr_bridge.upstream.webapi.session import Session
from ibkr_bridge.upstream.webapi.settings import WebApiSettings
from ibkr_bridge.upstream.webapi.socket import Message


class WebApiUpstream:
    """Fills `ports.upstream.Upstream`."""

    def __init__(self, settings: WebApiSettings, clock: Clock, admit: Admission) -> None:
        self._settings = settings
        self._listener: Listener = _nobody
        self._http = Http(settings, clock)
        self._session = Session(
            self._http,
            clock,
            admit,
            hear=self._hear,
            restore=self._restore,
            resubscribe=self._resubscribe,
            stream_closed=self._stream_closed,
            changed=lambda view: self._emit(SessionChanged(view)),
        )
        wire, socket = self._session.wire, self._session.socket
        self._contracts = Contracts(wire)
        self._orders = Orders(wire, clock, self._emit, socket.say, self._contracts)
        filled = self._orders.trades.filled
        self._accounts = Accounts(wire, clock, self._emit, socket.say, self._contracts, filled)
        self._raw = Raw(wire, clock)
        self._marketdata = MarketData(wire, clock, self._emit, socket.say)
        self._research = Research(wire, clock, socket.say)
        self._history = History(wire)

    @property
    def capabilities(self) -> Capabilities:
        return capabilities(signed=self._settings.credentials is not None)

    @property
    def session(self) -> SessionView:
        return self._session.view

    @property
    def research(self) -> Research:
        return self._research

    @property
    def history(self) -> History:
        return self._history

    async def run(self, listener: Listener) -> None:
        self._listener = listener
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._orders.run(), name="silent orders")
                tasks.create_task(self._orders.trades.run(), name="trades")
                tasks.create_task(self._accounts.run(), name="positions")
                tasks.create_task(self._marketdata.run(), name="quote lines")
                tasks.create_task(self._research.run(), name="topics passed on")
                tasks.create_task(self._session.run(), name="web api session")
        finally:
            await self._session.close()
            await self._http.close()

    def remember(self, orders: Sequence[Order]) -> None:
        """IBKR gives the numbers at this door."""

    def renew(self, reason: str) -> None:
        self._session.renew(reason)

    async def place(self, order: Order, reference: str, decide: Decide, permit: Permit) -> BrokerIds:
        return await self._orders.place(order, reference, decide, permit)

    async def place_all(
        self, orders: Sequence[Order], references: Sequence[str], decide: Decide, permit: Permit
    ) -> Sequence[Word]:
        return await self._orders.place_all(orders, references, decide, permit)

    async def modify(self, order: Order, terms: Terms, decide: Decide, permit: Permit) -> None:
        await self._orders.modify(order, terms, decide, permit)

    async def cancel(self, order: Order, theirs: BrokerOrder | None = None) -> None:
        await self._orders.cancel(order, theirs)

    async def refresh_positions(self) -> None:
        await self._accounts.refresh()

    async def cancel_everything(self) -> None:
        raise NotSupported(CANCEL_EVERYTHING, advice="Cancel the orders one by one.")

    async def preview(self, account: str, contract: Contract, terms: Terms) -> Preview:
        await self._marketdata.prime(contract.conid)
        return await self._orders.preview(account, contract, terms)

    async def broker_state(self) -> BrokerState:
        return await self._orders.state()

    async def contracts(self, query: ContractQuery) -> Sequence[Contract]:
        return await self._contracts.find(query)

    async def open_quote(self, contract: Contract) -> None:
        await self._marketdata.open(contract)

    async def close_quote(self, conid: int) -> None:
        await self._marketdata.close(conid)

    async def account_summary(self, account: str) -> AccountSummary:
        return await self._accounts.summary(account)

    async def raw(self, method: str, path: str, query: Mapping[str, str], body: object) -> RawAnswer:
        return await self._raw.call(method, path, query, body)

    async def handshake(self) -> float:
        return await self._session.ask_time()

    async def _restore(self, _accounts: tuple[str, ...]) -> None:
        """A new session begins with empty answers, and remembers no topic."""
        self._marketdata.forget()
        self._orders.forget()
        self._accounts.forget()
        await self._resubscribe()

    async def _resubscribe(self) -> None:
        await self._orders.subscribe()
        await self._accounts.subscribe()
        await self._marketdata.resubscribe()
        await self._research.resubscribe()

    def _hear(self, message: Message) -> None:
        """Topics are told in full: `smd+265598`, `sor`, `str`, `spl`."""
        match str(message.get("topic", ""))[:4].rstrip("+"):
            case "smd":
                self._marketdata.hear(message)
            case "sor":
                self._orders.hear(message)
            case "str":
                self._orders.trades.hear(message)
            case "spl":
                self._accounts.hear(message)
            case "smh" | "ssd" | "sld" | "sbd":
                self._research.hear(message)
            case "ntf" | "blt":
                self._orders.notified(message)

    def _stream_closed(self) -> None:
        self._marketdata.stream_closed()
        self._research.stream_closed()

    def _emit(self, event: UpstreamEvent) -> None:
        self._listener(event)


def _nobody(_event: UpstreamEvent) -> None:
    """Until somebody runs the door, there is nobody to tell."""
