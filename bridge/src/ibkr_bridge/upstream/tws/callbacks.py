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
from ibkr_bridge.upstream.tws.marketdata import MarketData
from ibkr_bridge.upstream.tws.orders import Orders
from ibkr_bridge.upstream.tws.requests import Requests


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
    ) -> None:
        self.ib = _Zone()
        self._ear = ear
        self._requests = requests
        self._messages = messages
        self.contractDetails = contracts.details
        self.bondContractDetails = contracts.details
        self.contractDetailsEnd = contracts.end
        self.accountSummary = accounts.summary_row
        self.accountSummaryEnd = accounts.summary_end
        self.position = accounts.position
        self.positionEnd = accounts.position_end
        self.pnl = accounts.pnl
        self.pnlSingle = accounts.pnl_single
        self.priceSizeTick = marketdata.price
        self.tickSize = marketdata.size
        self.marketDataType = marketdata.data_type
        self.tcpDataProcessed = marketdata.flush
        self.tcpDataArrived = ear.heard
        self.setEventsDone = ear.closed
        self.openOrder = orders.open_order
        self.openOrderEnd = orders.open_orders_end
        self.completedOrder = orders.completed_order
        self.completedOrdersEnd = orders.completed_orders_end
        self.execDetails = orders.execution
        self.execDetailsEnd = orders.executions_end
        self.commissionReport = orders.commission
        self._orders = orders

    def connectAck(self) -> None:
        """The handshake is done; the session waits for the accounts."""

    def connectionClosed(self) -> None:
        """`setEventsDone` has told it already, and does so before the first account came as well."""

    def currentTime(self, _time: int) -> None:
        self._requests.finish("time")

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
