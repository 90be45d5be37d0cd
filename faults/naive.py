"""What is written today in the service's place: ib_async, a dictionary, and another try after a second of silence.

Fair to the field: it keeps one order per name while it lives, looks its orders up anew after every reconnect, and
knows at the end whatever ib_async then knows.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any

import ib_async

from faults.loop import Moment
from faults.records import Beliefs, Heard, Journalled, Json, OurOrder

_CLIENT_ID = 7
_PATIENCE = 1.0
"""Seconds for a status; then the order is placed again."""
_TRIES = 3
_CALM = 30.0
"""Seconds after the trouble in which whatever can be heard has been heard."""
_WORDS = {
    "PreSubmitted": "working",
    "Submitted": "working",
    "ValidationError": "working",
    "PendingCancel": "pending_cancel",
    "Filled": "filled",
    "Cancelled": "cancelled",
    "ApiCancelled": "cancelled",
    "Inactive": "rejected",
}


class NaiveClient:
    """Fills `faults.world.Subject`; an order's id is the caller's own, which travels as `orderRef`."""

    def __init__(self, port: int, account: str) -> None:
        self._port = port
        self._account = account
        self._ib: ib_async.IB = ib_async.IB()
        self._connecting: asyncio.Task[None] | None = None
        self._wanted: dict[str, Json] = {}
        self._trades: dict[str, ib_async.Trade] = {}
        self._fills: list[str] = []
        self._calm_since: float | None = None

    async def start(self) -> None:
        self._ib, self._wanted, self._trades = ib_async.IB(), {}, {}
        self._ib.execDetailsEvent += self._filled
        self._connecting = asyncio.get_running_loop().create_task(self._stay_connected(self._ib))

    async def die(self) -> None:
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
            self._ib.execDetailsEvent -= self._filled
            self._ib.disconnect()

    async def die_at_its_next_write(self, _moment: Moment, patience: float) -> None:
        """It writes nothing down."""
        await asyncio.sleep(patience)
        await self.die()

    async def hang_up(self, _seconds: float) -> None:
        """Nobody listens but the program itself."""

    async def ask(self, method: str, path: str, body: Json | None = None) -> tuple[int, Json]:
        """Its callers live in the same process; they ask as they would ask the service."""
        if self._connecting is None:
            return 0, {}
        try:
            if method == "POST":
                return await self._place(body or {})
            return await self._follow(method, path.rpartition("/")[2], body or {})
        except ConnectionError:
            return 503, {}

    async def settled(self, _hidden: frozenset[int], _since: datetime) -> bool:
        """It has no way to tell: it gets its time."""
        now = asyncio.get_running_loop().time()
        if not self._ib.isConnected():
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now
        return self._calm_since is not None and now - self._calm_since > _CALM

    async def beliefs(self) -> Beliefs:
        known = {trade.order.orderRef: trade for trade in self._ib.trades()}
        orders = tuple(_believed(name, known.get(name) or self._trades[name]) for name in {**self._trades, **known})
        told = [*self._fills, *(fill.execution.execId for fill in self._ib.fills())]
        late = [exec_id for exec_id in dict.fromkeys(told[len(self._fills) :]) if exec_id not in self._fills]
        heard: tuple[Heard, ...] = ()
        return Beliefs(orders, Journalled(orders, dict(enumerate((*self._fills, *late), 1)), 0, ()), heard)

    async def _stay_connected(self, ib: ib_async.IB) -> None:
        while True:
            if not ib.isConnected():
                with suppress(OSError, TimeoutError, ConnectionError, asyncio.IncompleteReadError):
                    await ib.connectAsync("127.0.0.1", self._port, clientId=_CLIENT_ID, timeout=4)
            await asyncio.sleep(0.5)

    async def _place(self, body: Json) -> tuple[int, Json]:
        name = str(body["client_order_id"])
        if name in self._wanted:
            return (200, self._shown(name)) if self._wanted[name] == body else (422, {"code": "order.id_reused"})
        for _ in range(_TRIES):
            trade = self._ib.placeOrder(_contract(), self._order(body))
            self._wanted[name], self._trades[name] = body, trade
            if await self._answered(trade):
                break
        return 201, self._shown(name)

    async def _answered(self, trade: ib_async.Trade) -> bool:
        end = asyncio.get_running_loop().time() + _PATIENCE
        while trade.orderStatus.status in ("", "PendingSubmit", "ApiPending"):
            if asyncio.get_running_loop().time() > end:
                return False
            await asyncio.sleep(0.05)
        return True

    async def _follow(self, method: str, name: str, body: Json) -> tuple[int, Json]:
        trade = self._now(name)
        if trade is None or trade.isDone():
            return 409, {}
        if method == "DELETE":
            self._ib.cancelOrder(trade.order)
        else:
            trade.order.totalQuantity = body["qty"]
            self._ib.placeOrder(trade.contract, trade.order)
        await asyncio.sleep(_PATIENCE)
        return 202, self._shown(name)

    def _now(self, name: str) -> ib_async.Trade | None:
        """After a reconnect ib_async has new objects for the orders that still work."""
        found = [trade for trade in self._ib.trades() if trade.order.orderRef == name]
        return found[-1] if found else self._trades.get(name)

    def _shown(self, name: str) -> Json:
        trade = self._now(name)
        side = self._wanted[name]["side"] if name in self._wanted else ""
        return {"id": name, "status": trade.orderStatus.status if trade else "", "side": side}

    def _order(self, body: Json) -> ib_async.Order:
        common: dict[str, Any] = {"account": self._account, "orderRef": body["client_order_id"], "tif": "DAY"}
        if body["type"] == "MARKET":
            return ib_async.MarketOrder(body["side"], body["qty"], **common)
        return ib_async.LimitOrder(body["side"], body["qty"], body["limit"], **common)

    def _filled(self, _trade: ib_async.Trade, fill: ib_async.Fill) -> None:
        self._fills.append(fill.execution.execId)


def _contract() -> ib_async.Contract:
    return ib_async.Contract(conId=265598, symbol="AAPL", secType="STK", exchange="SMART", currency="USD")


def _believed(name: str, trade: ib_async.Trade) -> OurOrder:
    status = _WORDS.get(trade.orderStatus.status, "sent")
    told = max(trade.orderStatus.filled, trade.filled())
    if status == "working" and told:
        status = "partially_filled"
    qty = Decimal(str(trade.order.totalQuantity))
    filled = qty if status == "filled" else Decimal(str(told))
    return OurOrder(name, name, status, trade.order.action, qty, filled, None, owes=False)
