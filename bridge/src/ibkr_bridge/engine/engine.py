"""The engine put together from its parts: commands go in by name, the broker's events come in here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ibkr_bridge.domain.account import Position
from ibkr_bridge.domain.events import Commissioned, Executed
from ibkr_bridge.domain.quote import Quote
from ibkr_bridge.domain.session import Session, SessionState
from ibkr_bridge.engine.accounts import Accounts
from ibkr_bridge.engine.allowance import SnapshotAllowance
from ibkr_bridge.engine.book import OrderBook
from ibkr_bridge.engine.contracts import Contracts
from ibkr_bridge.engine.fresh_fills import FreshFills
from ibkr_bridge.engine.guarding.outlook import Outlook
from ibkr_bridge.engine.halts import Halts
from ibkr_bridge.engine.health import Health
from ibkr_bridge.engine.history.history import History
from ibkr_bridge.engine.history.live import LiveBars
from ibkr_bridge.engine.marketdata import MarketData
from ibkr_bridge.engine.mirror import Mirror
from ibkr_bridge.engine.orders.brackets import Brackets, with_relatives
from ibkr_bridge.engine.orders.commands import Orders
from ibkr_bridge.engine.orders.forks import Forks
from ibkr_bridge.engine.orders.inquiries import Inquiries
from ibkr_bridge.engine.orders.questions import Questions
from ibkr_bridge.engine.orders.reports import Reports
from ibkr_bridge.engine.orders.sending import Sending
from ibkr_bridge.engine.reconciliation import Reconciliation
from ibkr_bridge.engine.recorder import Recorder
from ibkr_bridge.engine.research.books import Books
from ibkr_bridge.engine.research.executions import Executions
from ibkr_bridge.engine.research.research import Research
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.ports.calendar import Calendar
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.journal import Journal
from ibkr_bridge.ports.publisher import Publisher
from ibkr_bridge.ports.upstream import (
    BrokerState,
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


@dataclass(frozen=True, slots=True)
class Engine:
    orders: Orders
    marketdata: MarketData
    accounts: Accounts
    sessions: Sessions
    health: Health
    halts: Halts
    reconciliation: Reconciliation
    calendar: Calendar
    mirror: Mirror
    research: Research
    history: History
    bars: LiveBars


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
        self._journal = journal
        self._publisher = publisher
        self._clock = clock
        self._settings = settings
        fresh = FreshFills(clock)
        self._book = OrderBook(fresh.filled)
        self._recorder = Recorder(self._book, journal, publisher, clock, settings.account)
        self._sessions = Sessions(upstream, publisher, settings)
        self._contracts = Contracts(upstream)
        accounts = Accounts(
            upstream, publisher, clock, settings, sessions=self._sessions, contracts=self._contracts, fresh=fresh
        )
        marketdata = MarketData(
            upstream, publisher, clock, settings, sessions=self._sessions, contracts=self._contracts
        )
        reconciliation = Reconciliation(
            clock,
            settings,
            publisher,
            journal,
            book=self._book,
            accounts=accounts,
            sessions=self._sessions,
            look=self._look,
        )
        self.engine = self._callers_side(calendar, accounts, marketdata, reconciliation)
        self._listen_to_the_broker(reconciliation)
        self._hear = self._listeners()

    def _callers_side(
        self, calendar: Calendar, accounts: Accounts, marketdata: MarketData, reconciliation: Reconciliation
    ) -> Engine:
        """What takes commands and answers questions."""
        upstream, clock, settings, sessions = self._upstream, self._clock, self._settings, self._sessions
        outlook = Outlook(
            clock, settings, calendar, book=self._book, sessions=sessions, accounts=accounts, marketdata=marketdata
        )
        orders = self._trading(accounts, outlook)
        mirror = self._mirror(accounts, marketdata, orders)
        history, bars = self._past(marketdata)
        return Engine(
            orders=orders,
            marketdata=marketdata,
            accounts=accounts,
            sessions=sessions,
            health=Health(
                upstream,
                clock,
                settings,
                sessions=sessions,
                outlook=outlook,
                recorder=self._recorder,
                journal=self._journal,
            ),
            halts=self._halts(accounts, marketdata, orders, outlook),
            reconciliation=reconciliation,
            calendar=calendar,
            mirror=mirror,
            research=self._research(accounts, marketdata, mirror, history),
            history=history,
            bars=bars,
        )

    def _trading(self, accounts: Accounts, outlook: Outlook) -> Orders:
        upstream, clock, settings = self._upstream, self._clock, self._settings
        book, recorder = self._book, self._recorder
        self._questions = Questions(clock, settings, book=book, recorder=recorder)
        self._sending = Sending(
            upstream, clock, settings, book=book, recorder=recorder, questions=self._questions, outlook=outlook
        )
        return Orders(
            self._journal,
            clock,
            settings,
            book=book,
            recorder=recorder,
            sessions=self._sessions,
            contracts=self._contracts,
            accounts=accounts,
            outlook=outlook,
            sending=self._sending,
        )

    def _halts(self, accounts: Accounts, marketdata: MarketData, orders: Orders, outlook: Outlook) -> Halts:
        return Halts(
            self._upstream,
            self._settings,
            book=self._book,
            orders=orders,
            accounts=accounts,
            marketdata=marketdata,
            outlook=outlook,
            journal=self._journal,
            look=self._look,
        )

    def _mirror(self, accounts: Accounts, marketdata: MarketData, orders: Orders) -> Mirror:
        return Mirror(
            self._upstream,
            self._clock,
            book=self._book,
            sessions=self._sessions,
            accounts=accounts,
            contracts=self._contracts,
            marketdata=marketdata,
            orders=orders,
            snapshots=SnapshotAllowance(self._clock, self._settings.regulatory_snapshots_per_day),
        )

    def _research(self, accounts: Accounts, marketdata: MarketData, mirror: Mirror, history: History) -> Research:
        port, clock, sessions = self._upstream.research, self._clock, self._sessions
        return Research(
            port,
            clock,
            sessions=sessions,
            contracts=self._contracts,
            marketdata=marketdata,
            books=Books(port, self._publisher, clock, self._settings, sessions=sessions, contracts=self._contracts),
            executions=Executions(self._journal, clock, mirror=mirror, accounts=accounts, sessions=sessions),
            turns=history.pieces.turn,
            queue=history.pieces.queue,
        )

    def _past(self, marketdata: MarketData) -> tuple[History, LiveBars]:
        """Bars: those that were, and those that come."""
        source, sessions, contracts = self._upstream.history, self._sessions, self._contracts
        history = History(source, self._clock, sessions=sessions, contracts=contracts)
        bars = LiveBars(
            source,
            self._publisher,
            self._clock,
            sessions=sessions,
            contracts=contracts,
            marketdata=marketdata,
            history=history,
        )
        return history, bars

    def _listen_to_the_broker(self, reconciliation: Reconciliation) -> None:
        """What takes in the broker's word, and asks for it."""
        upstream, clock, settings = self._upstream, self._clock, self._settings
        book, recorder, sessions = self._book, self._recorder, self._sessions
        self._forks = Forks(
            upstream, clock, settings, book=book, recorder=recorder, sessions=sessions, settled=self._look
        )
        self._reports = Reports(
            upstream,
            clock,
            settings,
            book=book,
            recorder=recorder,
            forks=self._forks,
            questions=self._questions,
            stranger=reconciliation.stranger,
            looked=self._looked,
        )
        self._inquiries = Inquiries(
            upstream,
            clock,
            settings,
            book=book,
            recorder=recorder,
            reports=self._reports,
            journal=self._journal,
            sessions=sessions,
        )
        self._brackets = Brackets(
            clock, settings, book=book, recorder=recorder, sessions=sessions, sending=self._sending
        )
        recorder.listen(reconciliation.kept)
        recorder.listen(self._brackets.hear)

    async def run(self) -> None:
        """Work until cancelled; raises what the upstream cannot survive (a WorldMismatch)."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._recorder.run(), name="recorder")
                await self.engine.halts.remembered()
                await self.engine.reconciliation.remembered()
                await self._reports.remember(await with_relatives(self._journal))
                tasks.create_task(self.engine.reconciliation.run(), name="reconciliation")
                tasks.create_task(self.engine.marketdata.run(), name="market data lines")
                tasks.create_task(self.engine.bars.run(), name="live bars")
                tasks.create_task(self.engine.research.run(), name="lines of depth")
                tasks.create_task(self._inquiries.run(), name="inquiries")
                tasks.create_task(self._upstream.run(self.hear), name="upstream")
        finally:
            await self.engine.mirror.close()
            await self.engine.history.close()
            await self.engine.research.close()
            await self._brackets.close()
            await self._sending.close()
            await self._reports.close()
            await self._forks.close()
            await self._questions.close()
            await self._contracts.close()

    def _listeners(self) -> dict[type, Callable[..., None]]:
        """Who takes which event of the upstream."""
        accounts, marketdata = self.engine.accounts, self.engine.marketdata
        return {
            SessionChanged: lambda event: self._session_changed(event.session),
            OrderReported: self._reports.reported,
            OrderMessage: self._reports.message,
            Executed: self._executed,
            Commissioned: self._reports.commissioned,
            QuoteChanged: lambda event: self._quote_changed(event.quote),
            QuoteFailed: marketdata.quote_failed,
            PositionChanged: lambda event: self._position_changed(event.position),
            PositionsComplete: accounts.positions_complete,
            PnlChanged: lambda event: accounts.pnl_changed(event.pnl),
        }

    def hear(self, event: UpstreamEvent) -> None:
        self._hear[type(event)](event)

    def _quote_changed(self, quote: Quote) -> None:
        self.engine.marketdata.quote_changed(quote)
        self.engine.bars.quote_changed(quote)

    def _position_changed(self, position: Position) -> None:
        if self.engine.accounts.position_changed(position):
            self.engine.reconciliation.positions_changed()

    def _executed(self, event: Executed) -> None:
        self._reports.executed(event)
        self.engine.mirror.executed(event)

    def _looked(self, state: BrokerState) -> None:
        self.engine.reconciliation.looked(state)
        self.engine.mirror.looked(state)

    def _look(self) -> None:
        self._inquiries.look()

    def _session_changed(self, session: Session) -> None:
        if session.ready:
            self._look()
        elif session.state is SessionState.DISCONNECTED:
            self._reports.lost(session.reason or "the connection to IBKR broke")
        self.engine.sessions.changed(session)
