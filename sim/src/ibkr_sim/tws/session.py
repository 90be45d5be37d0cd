"""One API client after startApi: its identity, its outlet, and what it has subscribed to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from ibkr_sim.exchange.model import QuoteChanged, Rejected
from ibkr_sim.exchange.port import Market
from ibkr_sim.faults.visit import Visit
from ibkr_sim.tws.advisors.office import Advisory
from ibkr_sim.tws.bulletins import Bulletins
from ibkr_sim.tws.feeds.accounts import AccountFeed
from ibkr_sim.tws.feeds.depth import DepthFeed
from ibkr_sim.tws.feeds.history import HistoryFeed, RealTimeBarFeed
from ibkr_sim.tws.feeds.marketdata import MarketDataFeed
from ibkr_sim.tws.feeds.orders import OrderEvent, OrderFeed
from ibkr_sim.tws.feeds.pnl import PnlFeed
from ibkr_sim.tws.feeds.portions import Portions
from ibkr_sim.tws.feeds.scanners import ScannerFeed
from ibkr_sim.tws.feeds.tick_by_tick import TickByTickFeed
from ibkr_sim.tws.groups import DisplayGroups
from ibkr_sim.tws.orderbook import OrderBook
from ibkr_sim.tws.outlet import Outlet
from ibkr_sim.tws.pacing import HistoryPacing
from ibkr_sim.tws.settings import TwsSettings


@dataclass(frozen=True, slots=True)
class House:
    """What every client of the door shares."""

    market: Market
    settings: TwsSettings
    bulletins: Bulletins
    advisory: Advisory | None = None
    """None where no account is an advisor's."""
    book: OrderBook = field(default_factory=OrderBook)
    history: HistoryPacing = field(default_factory=HistoryPacing)
    groups: DisplayGroups = field(default_factory=DisplayGroups)
    sessions: list[Session] = field(default_factory=list)
    """Of the clients that are here, and perhaps of some that have left since the last one came."""

    @property
    def accounts(self) -> Sequence[str]:
        """Those that clients of the door manage, an advisor's own first."""
        return self.market.accounts if self.advisory is None else self.advisory.accounts

    def receive(self, client: Session) -> None:
        """A client that has come."""
        self.sessions[:] = [session for session in self.sessions if not session.visit.gone]
        self.sessions.append(client)

    def others(self, client: Session) -> Sequence[Session]:
        """Everybody else who is here."""
        return [session for session in self.sessions if session is not client and not session.visit.gone]

    def in_use(self, of: Callable[[Session], int]) -> int:
        """How much of something the user has open, over all clients that are here."""
        return sum(of(session) for session in self.sessions if not session.visit.gone)

    def paces_history(self, request: Hashable, subject: Hashable, weight: int = 1) -> bool:
        """Whether a request for history may be made now; always, where pacing is off."""
        return not self.settings.pacing or self.history.admits(request, subject, self.market.now(), weight)


class Session:
    def __init__(self, house: House, client_id: int, outlet: Outlet, visit: Visit) -> None:
        self.house = house
        self.visit = visit
        self.client_id = client_id
        self.outlet = outlet
        self.market_data_type = 1
        self._symbols_at: float | None = None
        zone = house.settings.time_zone
        self.quotes = MarketDataFeed(house.market, outlet, fundamentals=house.settings.fundamentals)
        self.history = HistoryFeed(house.market, outlet)
        self.bars = RealTimeBarFeed(house.market, outlet)
        self.ticks = TickByTickFeed(outlet)
        self.depth = DepthFeed(house.market, outlet)
        self.scans = ScannerFeed(house.market, outlet)
        self.accounts = AccountFeed(house.market, outlet, zone)
        self.pnl = PnlFeed(house.market, outlet)
        self.portions = Portions(outlet)
        self.orders = OrderFeed(house.market, outlet, zone)
        house.receive(self)

    @property
    def market(self) -> Market:
        return self.house.market

    @property
    def version(self) -> int:
        return self.outlet.version

    def send(self, message: bytes) -> None:
        self.outlet.send(message)

    def refuse(self, request_id: int, refusal: Rejected) -> None:
        self.outlet.error(request_id, refusal.code, refusal.text)

    @property
    def lines(self) -> int:
        """Of market data that are in use: by quotes, and by bars as they come."""
        return len(self.quotes) + len(self.history) + len(self.bars)

    def asks_symbols_too_fast(self) -> bool:
        """Whether symbols were searched less than a second of real time ago; this search counts."""
        now = asyncio.get_running_loop().time()
        before, self._symbols_at = self._symbols_at, now
        return self.house.settings.pacing and before is not None and now - before < 1

    def hears(self, client_id: int) -> bool:
        """Whether the orders of that client concern this one."""
        return self.client_id in (client_id, self.house.settings.master_client_id)

    @property
    def is_master(self) -> bool:
        return self.client_id == self.house.settings.master_client_id

    def report(self, event: OrderEvent) -> None:
        request = event.order.request
        if self.is_master:
            self.house.book.burn(self.client_id, request.order_id)
        if self.hears(request.client_id):
            self.orders.report(self.visit.seen(event))

    def push(self, quotes: AbstractSet[int], positions: AbstractSet[tuple[str, int]]) -> None:
        """Tell of contracts whose quote changed, and of positions by account and conid."""
        if quotes:
            self.quotes.push(quotes)
            self.depth.push(quotes)
        if positions:
            self.accounts.push(sorted(positions))
            self.pnl.push()

    def note(self, event: QuoteChanged) -> None:
        """Tell of one change of a quote, or one trade, whoever wants to know of each."""
        self.ticks.note(event)
        self.quotes.trade(event)

    def forget_data(self) -> None:
        """End every stream of market data, as when the connection to IBKR loses its data."""
        for feed in (self.quotes, self.history, self.bars, self.ticks, self.depth):
            feed.forget()

    def renew_data(self) -> None:
        """Tell quotes and books anew, in full, as when nothing of them has come through for a while."""
        self.quotes.renew()
        self.depth.renew()

    def refresh(self, now: datetime) -> None:
        """Tell what is due by the simulated clock."""
        self.portions.refresh()
        self.accounts.refresh(now)
        self.pnl.refresh(now)
        self.quotes.refresh(now)
        self.depth.refresh()
        self.history.refresh()
        self.bars.refresh(now)
        self.scans.refresh(now)
