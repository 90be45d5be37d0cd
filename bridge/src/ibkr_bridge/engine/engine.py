"""The engine put together from its parts: commands go in by name, the broker's events come in here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.domain.events import Commissioned, Executed
from ibkr_bridge.domain.session import Session, SessionState
from ibkr_bridge.engine.accounts import Accounts
from ibkr_bridge.engine.book import OrderBook
from ibkr_bridge.engine.contracts import Contracts
from ibkr_bridge.engine.health import Health
from ibkr_bridge.engine.marketdata import MarketData
from ibkr_bridge.engine.orders import Orders
from ibkr_bridge.engine.outlook import Outlook
from ibkr_bridge.engine.recorder import Recorder
from ibkr_bridge.engine.reports import Reports
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.ports.calendar import Calendar
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.journal import Journal
from ibkr_bridge.ports.publisher import Publisher
from ibkr_bridge.ports.upstream import (
    OrderMessage,
    OrderReported,
    PnlChanged,
    PositionChanged,
    PositionsComplete,
    QuoteChanged,
    QuoteFailed,
    SessionChanged,
    Upstream,
    UpstreamEvent,
)

log = structlog.get_logger()
_COMPARE_AGAIN = 5.0
"""Seconds until the broker's orders are asked for again after it did not answer."""


@dataclass(frozen=True, slots=True)
class Engine:
    orders: Orders
    marketdata: MarketData
    accounts: Accounts
    sessions: Sessions
    health: Health
    calendar: Calendar


class Machine:
    """Owns the engine's tasks; `engine` is what callers may use of it."""

    def __init__(
        self,
        upstream: Upstream,
        journal: Journal,
        publisher: Publisher,
        calendar: Calendar,
        clock: Clock,
        settings: EngineSettings,
    ) -> None:
        self._upstream = upstream
        self._clock = clock
        book = OrderBook()
        self._recorder = Recorder(book, journal, publisher)
        sessions = Sessions(upstream, publisher, settings)
        self._contracts = Contracts(upstream)
        accounts = Accounts(upstream, publisher, clock, settings, sessions=sessions, contracts=self._contracts)
        marketdata = MarketData(upstream, publisher, clock, settings, sessions=sessions, contracts=self._contracts)
        orders = Orders(
            upstream,
            journal,
            clock,
            settings,
            book=book,
            recorder=self._recorder,
            sessions=sessions,
            contracts=self._contracts,
            accounts=accounts,
            outlook=Outlook(
                clock, settings, calendar, book=book, sessions=sessions, accounts=accounts, marketdata=marketdata
            ),
        )
        self._reports = Reports(upstream, clock, book=book, recorder=self._recorder)
        health = Health(upstream, clock, settings, sessions=sessions)
        self.engine = Engine(orders, marketdata, accounts, sessions, health, calendar)
        self._connected = asyncio.Event()
        self._hear: dict[type, Callable[..., None]] = {
            SessionChanged: lambda event: self._session_changed(event.session),
            OrderReported: self._reports.reported,
            OrderMessage: self._reports.message,
            Executed: self._reports.executed,
            Commissioned: self._reports.commissioned,
            QuoteChanged: lambda event: marketdata.quote_changed(event.quote),
            QuoteFailed: marketdata.quote_failed,
            PositionChanged: lambda event: accounts.position_changed(event.position),
            PositionsComplete: lambda _event: accounts.positions_complete(),
            PnlChanged: lambda event: accounts.pnl_changed(event.pnl),
        }

    async def run(self) -> None:
        """Work until cancelled; raises what the upstream cannot survive (a WorldMismatch)."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._recorder.run(), name="recorder")
                tasks.create_task(self.engine.marketdata.run(), name="market data lines")
                tasks.create_task(self._compare_on_connect(), name="compare with broker")
                tasks.create_task(self._upstream.run(self.hear), name="upstream")
        finally:
            await self.engine.orders.close()
            await self._reports.close()
            await self._contracts.close()

    def hear(self, event: UpstreamEvent) -> None:
        self._hear[type(event)](event)

    def _session_changed(self, session: Session) -> None:
        if session.ready:
            self._connected.set()
        elif session.state is SessionState.DISCONNECTED:
            self._reports.lost(session.reason or "the connection to IBKR broke")
        self.engine.sessions.changed(session)

    async def _compare_on_connect(self) -> None:
        while True:
            await self._connected.wait()
            self._connected.clear()
            try:
                self._reports.compare(await self._upstream.broker_state())
            except BridgeError as problem:
                log.warning("orders could not be compared", code=problem.code, detail=problem.detail)
                await self._clock.sleep(_COMPARE_AGAIN)
                if self.engine.sessions.current.ready:
                    self._connected.set()
