"""What ib_async's client calls for each message: named as it expects, handed on to the part it concerns.

ib_async's own wrapper draws conclusions (an informational message marks a live order cancelled, a lost socket
wipes every cache); this one passes facts on and concludes nothing. The names are IBKR's EWrapper's.
"""

# ruff: noqa: N802, N803, N815

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import Protocol

from ibkr_bridge.upstream.tws.accounts import Accounts
from ibkr_bridge.upstream.tws.contracts import Contracts
from ibkr_bridge.upstream.tws.errors import Messages
from ibkr_bridge.upstream.tws.history import History
from ibkr_bridge.upstream.tws.marketdata import MarketData
from ibkr_bridge.upstream.tws.orders import Orders
from ibkr_bridge.upstream.tws.requests import Requests
from ibkr_bridge.upstream.tws.research import Research


class Ear(Protocol):
    """What a connection wants to know of itself."""

    def heard(self) -> None:
        """Data arrived."""

    def closed(self) -> None:
        """The socket is gone."""


class _Zone:
    """Where ib_async's decoder looks up the gateway's time zone for execution times without one."""

    TimezoneTWS = ""


class Callbacks:
    defaultTimezone: tzinfo = UTC

    def __init__(
        self,
        ear: Ear,
        requests: Requests,
        messages: Messages,
        *,
        contracts: Contracts,
        accounts: Accounts,
        marketdata: MarketData,
        orders: Orders,
        research: Research,
        history: History,
    ) -> None:
        self.ib = _Zone()
        self._ear = ear
        self._requests = requests
        self._messages = messages
        self._orders = orders
        self._marketdata = marketdata
        self._depth, self._options = research.depth, research.options
        self.tcpDataArrived = ear.heard
        self.setEventsDone = ear.closed
        self._hear_accounts(accounts, contracts)
        self._hear_orders(orders)
        self._hear_prices(marketdata, research)
        self._hear_the_past(history, research)
        self._hear_news(research)

    def _hear_accounts(self, accounts: Accounts, contracts: Contracts) -> None:
        self.contractDetails = contracts.details
        self.bondContractDetails = contracts.details
        self.contractDetailsEnd = contracts.end
        self.accountSummary = accounts.summary_row
        self.accountSummaryEnd = accounts.summary_end
        self.position = accounts.position
        self.positionEnd = accounts.position_end
        self.pnl = accounts.pnl
        self.pnlSingle = accounts.pnl_single

    def _hear_orders(self, orders: Orders) -> None:
        self.openOrder = orders.open_order
        self.openOrderEnd = orders.open_orders_end
        self.completedOrder = orders.completed_order
        self.completedOrdersEnd = orders.completed_orders_end
        self.execDetails = orders.execution
        self.execDetailsEnd = orders.executions_end
        self.commissionReport = orders.commission

    def _hear_prices(self, marketdata: MarketData, research: Research) -> None:
        self.marketDataType = marketdata.data_type
        self.rerouteMktDataReq = marketdata.reroute
        self.rerouteMktDepthReq = research.depth.reroute
        self.updateMktDepth = research.depth.level
        self.updateMktDepthL2 = research.depth.level_of
        self.tickOptionComputation = research.options.computation

    def _hear_the_past(self, history: History, research: Research) -> None:
        self.historicalData = history.row
        self.historicalDataEnd = history.complete
        self.headTimestamp = history.begins
        self.realtimeBar = history.live
        self.historicalTicks = research.midpoints
        self.historicalTicksBidAsk = research.quotes
        self.historicalTicksLast = research.trades

    def _hear_news(self, research: Research) -> None:
        """And what else is looked up: symbols, chains, scans."""
        self.symbolSamples = research.found
        self.securityDefinitionOptionParameter = research.options.parameters
        self.securityDefinitionOptionParameterEnd = research.options.parameters_end
        self.scannerParameters = research.parameters
        self.scannerData = research.scanned
        self.scannerDataEnd = research.scan_end
        self.newsProviders = research.providers
        self.historicalNews = research.headline
        self.historicalNewsEnd = research.headlines_end
        self.newsArticle = research.article_text

    def connectAck(self) -> None:
        """The handshake is done; the session waits for the accounts."""

    def connectionClosed(self) -> None:
        """`setEventsDone` has told it already, and does so before the first account came as well."""

    def currentTime(self, _time: int) -> None:
        self._requests.finish("time")

    def priceSizeTick(self, number: int, tick: int, price: float, size: float) -> None:
        if not self._options.price(number, tick, price, size):
            self._marketdata.price(number, tick, price, size)

    def tickSize(self, number: int, tick: int, size: float) -> None:
        if not self._options.size(number, tick, size):
            self._marketdata.size(number, tick, size)

    def tcpDataProcessed(self) -> None:
        """A packet has been read to its end."""
        self._marketdata.flush()
        self._depth.flush()

    def orderStatus(
        self,
        orderId: int,
        status: str,
        filled: float,
        _remaining: float,
        avgFillPrice: float,
        permId: int,
        _parentId: int,
        _lastFillPrice: float,
        clientId: int,
        *_rest: object,
    ) -> None:
        self._orders.status(orderId, status, filled, avgFillPrice, permId, clientId)

    def error(self, number: int, code: int, text: str, _advanced: str = "") -> None:
        self._messages.error(number, code, text)
