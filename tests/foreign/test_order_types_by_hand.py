"""ib_async sees orders that were given by hand: as foreign ones, and as client 0's own once it binds them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from ib_async import IB, LimitOrder, Stock

from ibkr_sim.exchange.model import Order, OrderRequest, Side

if TYPE_CHECKING:
    from tests.foreign.conftest import Judged

PATIENCE = 30.0


def by_hand(judged: Judged, quantity: int = 5) -> Order:
    return judged.simulator.exchange.place_by_hand(
        OrderRequest(judged.account, judged.conid, Side.BUY, Decimal(quantity), "LMT", limit_price=Decimal(100))
    )


@asynccontextmanager
async def client(judged: Judged, client_id: int) -> AsyncIterator[IB]:
    ib = IB()
    await ib.connectAsync("127.0.0.1", judged.port, client_id, timeout=PATIENCE, account=judged.account)
    try:
        yield ib
    finally:
        ib.disconnect()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the client's state changes while its messages are read
            await asyncio.sleep(0.002)


async def test_an_order_by_hand_is_foreign_to_every_client_but_shown_to_all(judged: Judged) -> None:
    order = by_hand(judged)
    async with client(judged, 3) as ib:
        assert await ib.reqOpenOrdersAsync() == []
        (shown,) = await ib.reqAllOpenOrdersAsync()
        assert (shown.order.permId, shown.order.orderId, shown.order.clientId) == (order.perm_id, 0, 0)
        assert (shown.order.totalQuantity, shown.order.lmtPrice, shown.orderStatus.status) == (5, 100, "Submitted")


async def test_client_zero_binds_what_is_open_and_may_then_change_and_cancel_it(judged: Judged) -> None:
    order = by_hand(judged)
    async with client(judged, 0) as ib:
        (bound,) = ib.openTrades()
        assert bound.order.permId == order.perm_id
        assert bound.order.orderId > 0
        await ib.qualifyContractsAsync(bound.contract)
        bound.order.lmtPrice = 101
        ib.placeOrder(bound.contract, bound.order)
        exchange = judged.simulator.exchange
        await until(lambda: exchange.open_orders()[0].request.limit_price == 101)
        assert exchange.open_orders()[0].perm_id == order.perm_id
        ib.cancelOrder(bound.order)
        await until(lambda: not exchange.open_orders())


async def test_client_zero_can_have_new_ones_bound_as_they_come(judged: Judged) -> None:
    async with client(judged, 0) as ib:
        ib.reqAutoOpenOrders(autoBind=True)
        await ib.reqCurrentTimeAsync()
        order = by_hand(judged)
        await until(ib.openTrades)
        (bound,) = ib.openTrades()
        assert (bound.order.permId, bound.order.orderId) == (order.perm_id, order.request.order_id)
        assert order.request.order_id > 0
        stock = Stock("AAPL", "SMART", "USD")
        await ib.qualifyContractsAsync(stock)
        own = ib.placeOrder(stock, LimitOrder("BUY", 1, 100, account=judged.account, tif="DAY"))
        await until(lambda: own.orderStatus.status == "Submitted")
        assert own.order.orderId > order.request.order_id
        ib.reqAutoOpenOrders(autoBind=False)
        await ib.reqCurrentTimeAsync()
        assert by_hand(judged).request.order_id == 0
