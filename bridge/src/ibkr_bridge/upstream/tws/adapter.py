"""The TWS door put together: the upstream port, filled by small parts that share one wire."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from ib_async.client import Client

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
from ibkr_bridge.upstream.pacing import Pacer
from ibkr_bridge.upstream.tws.accounts import Accounts
from ibkr_bridge.upstream.tws.callbacks import Callbacks
from ibkr_bridge.upstream.tws.capabilities import capabilities
from ibkr_bridge.upstream.tws.codes import Code, Effect
from ibkr_bridge.upstream.tws.contracts import Contracts
from ibkr_bridge.upstream.tws.errors import Messages
from ibkr_bridge.upstream.tws.history import History
from ibkr_bridge.upstream.tws.marketdata import MarketData
from ibkr_bridge.upstream.tws.orders import Orders
from ibkr_bridge.upstream.tws.research import Research
from ibkr_bridge.upstream.tws.session import Attempt, Session
from ibkr_bridge.upstream.tws.wire import TwsSettings, Wire


class TwsUpstream:
    """Fills `ports.upstream.Upstream`."""

    def __init__(self, settings: TwsSettings, clock: Clock, admit: Admission) -> None:
        self._settings = settings
        self._pacer = Pacer()
        self._wire = Wire(settings, self._pacer)
        self._listener: Listener = _nobody
        self._contracts = Contracts(self._wire)
        self._accounts = Accounts(self._wire, clock.now, self._emit)
        self._marketdata = MarketData(self._wire, clock.now, self._emit)
        self._orders = Orders(self._wire, clock.now, self._emit)
        self._research = Research(self._wire, clock.now)
        self._history = History(self._wire)
        self._session = Session(
            self._wire,
            clock,
            admit,
            make_client=self._client,
            restore=self._restore,
            changed=lambda view: self._emit(SessionChanged(view)),
        )

    @property
    def capabilities(self) -> Capabilities:
        return capabilities(self._settings.client_id)

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
                tasks.create_task(self._accounts.run(), name="position values")
                tasks.create_task(self._marketdata.run(), name="rerouted quotes")
                tasks.create_task(self._research.depth.run(), name="rerouted books")
                tasks.create_task(self._session.run(), name="tws session")
        finally:
            self._pacer.close()
            self._research.close()

    def remember(self, orders: Sequence[Order]) -> None:
        self._orders.remember(orders)

    def renew(self, reason: str) -> None:
        self._session.renew(reason)

    async def place(
        self,
        order: Order,
        reference: str,
        decide: Decide,  # noqa: ARG002  TWS asks nobody
        permit: Permit,
    ) -> BrokerIds:
        return await self._orders.place(order, reference, permit)

    async def place_all(
        self,
        orders: Sequence[Order],
        references: Sequence[str],
        decide: Decide,  # noqa: ARG002  as above
        permit: Permit,
    ) -> Sequence[Word]:
        return await self._orders.place_all(orders, references, permit)

    async def modify(self, order: Order, terms: Terms, decide: Decide, permit: Permit) -> None:  # noqa: ARG002  as above
        await self._orders.modify(order, terms, permit)

    async def cancel(self, order: Order, theirs: BrokerOrder | None = None) -> None:
        await self._orders.cancel(order, theirs)

    async def refresh_positions(self) -> None:
        await self._accounts.refresh()

    async def cancel_everything(self) -> None:
        await self._orders.cancel_everything()

    async def preview(self, account: str, contract: Contract, terms: Terms) -> Preview:
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

    async def raw(self, method: str, path: str, query: Mapping[str, str], body: object) -> RawAnswer:  # noqa: ARG002
        raise NotSupported(
            f"TWS and IB Gateway do not speak the Web API, which {method} {path} belongs to.",
            advice="Set IBKR_SERVICE_UPSTREAM=webapi, or use the routes that GET /docs lists.",
        )

    async def handshake(self) -> float:
        return await self._session.ask_time()

    async def _restore(self, accounts: tuple[str, ...]) -> None:
        await self._marketdata.restore()
        await self._accounts.restore(accounts)
        await self._research.restore()
        await self._history.restore()

    def _client(self, attempt: Attempt) -> Client:
        """A new client for each connection: one that failed half-way misreads the next greeting."""
        self._marketdata.begin()
        parts = (self._orders, self._marketdata, self._accounts, self._research, self._history)
        messages = Messages(self._wire.requests, self._system, parts)
        callbacks = Callbacks(
            attempt,
            self._wire.requests,
            messages,
            contracts=self._contracts,
            accounts=self._accounts,
            marketdata=self._marketdata,
            orders=self._orders,
            research=self._research,
            history=self._history,
        )
        client = Client(callbacks)
        client.MaxRequests = 0  # its own throttle lets orders queue behind data; ours does not
        return client

    def _system(self, code: Code, text: str) -> None:
        """A message that belongs to no request: about the session, or about all quotes of a farm."""
        if code.effect in (Effect.FARM_DOWN, Effect.FARM_UP):
            self._marketdata.farm(code, text)
        else:
            self._session.system(code, text)

    def _emit(self, event: UpstreamEvent) -> None:
        self._listener(event)


def _nobody(_event: UpstreamEvent) -> None:
    """Until somebody runs the door, there is nobody to tell."""
