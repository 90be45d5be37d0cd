"""One API client after startApi: its identity, its outlet, and what it has subscribed to."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from ibkr_sim.exchange.model import Rejected
from ibkr_sim.exchange.port import Market
from ibkr_sim.faults.visit import Visit
from ibkr_sim.tws.feeds.accounts import AccountFeed
from ibkr_sim.tws.feeds.marketdata import MarketDataFeed
from ibkr_sim.tws.feeds.orders import OrderEvent, OrderFeed
from ibkr_sim.tws.feeds.pnl import PnlFeed
from ibkr_sim.tws.orderbook import OrderBook
from ibkr_sim.tws.outlet import Outlet
from ibkr_sim.tws.settings import TwsSettings


@dataclass(frozen=True, slots=True)
class House:
    """What every client of the door shares."""

    market: Market
    settings: TwsSettings
    book: OrderBook = field(default_factory=OrderBook)


class Session:
    def __init__(self, house: House, client_id: int, outlet: Outlet, visit: Visit) -> None:
        self.house = house
        self.visit = visit
        self.client_id = client_id
        self.outlet = outlet
        self.market_data_type = 1
        zone = house.settings.time_zone
        self.quotes = MarketDataFeed(house.market, outlet)
        self.accounts = AccountFeed(house.market, outlet, zone)
        self.pnl = PnlFeed(house.market, outlet)
        self.orders = OrderFeed(house.market, outlet, zone)

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

    def hears(self, client_id: int) -> bool:
        """Whether the orders of that client concern this one."""
        return self.client_id in (client_id, self.house.settings.master_client_id)

    def report(self, event: OrderEvent) -> None:
        if self.hears(event.order.request.client_id):
            self.orders.report(self.visit.seen(event))

    def push(self, quotes: AbstractSet[int], positions: AbstractSet[tuple[str, int]]) -> None:
        """Tell of contracts whose quote changed, and of positions by account and conid."""
        if quotes:
            self.quotes.push(quotes)
        if positions:
            self.accounts.push(sorted(positions))
            self.pnl.push()

    def refresh(self, now: datetime) -> None:
        """Tell what is due by the simulated clock."""
        self.accounts.refresh(now)
        self.pnl.refresh(now)
