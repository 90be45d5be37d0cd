"""ib_async judges the TWS door: a day's work at each server version, checked against the exchange's books."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

import ib_async
import pytest
from ib_async import IB, ExecutionFilter, LimitOrder, MarketOrder, Stock, StopOrder, Trade

from tests.foreign.tour_of_ib_class import play

if TYPE_CHECKING:
    from tests.foreign.conftest import Judged

VERSIONS = (157, 160, 163, 164, 166, 169, 170, 174, 176, 177, 178)
PATIENCE = 30.0
EXPECTED = ("Error 202,", "Error 162,")


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the client's state changes while its messages are read
            await asyncio.sleep(0.002)


@asynccontextmanager
async def connected(judged: Judged, version: int, client_id: int = 1) -> AsyncIterator[IB]:
    ib = IB()
    ib.client.MaxClientVersion = version
    await ib.connectAsync("127.0.0.1", judged.port, client_id, timeout=PATIENCE, account=judged.account)
    try:
        assert ib.client.serverVersion() == version
        yield ib
    finally:
        ib.disconnect()


@pytest.fixture(autouse=True)
def _no_unexpected_complaint(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.WARNING)
    yield
    said = [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING]
    assert [text for text in said if not text.startswith(EXPECTED)] == []


@pytest.mark.parametrize("version", [157, 176, 178])
async def test_what_the_class_of_ib_async_keeps_is_what_the_exchange_knows(judged: Judged, version: int) -> None:
    await play(ib_async, judged, version)


async def filled(ib: IB, judged: Judged, action: str, quantity: int) -> Trade:
    stock = Stock("AAPL", "SMART", "USD")
    await ib.qualifyContractsAsync(stock)
    trade = ib.placeOrder(stock, MarketOrder(action, quantity, account=judged.account, tif="DAY"))
    await until(lambda: trade.isDone() and trade.fills and all(fill.commissionReport.execId for fill in trade.fills))
    return trade


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_purchase_is_in_the_clients_hands_as_in_the_books(judged: Judged, version: int) -> None:
    async with connected(judged, version) as ib:
        trade = await filled(ib, judged, "BUY", 10)
        await until(lambda: ib.positions() and ib.portfolio())
        quantity, cost = judged.holding
        assert trade.orderStatus.status == "Filled"
        (position,) = ib.positions(judged.account)
        assert (Decimal(str(position.position)), position.avgCost) == (quantity, pytest.approx(float(cost)))
        (item,) = ib.portfolio(judged.account)
        assert (item.position, item.contract.conId) == (10, judged.conid)
        paid = sum(fill.commissionReport.commission for fill in trade.fills)
        assert Decimal(str(paid)) == judged.commissions
        await until(lambda: cash(ib, judged) == judged.value("TotalCashValue"))
        assert sum(fill.execution.shares for fill in trade.fills) == 10
        execution, _charge = judged.simulator.exchange.executions()[0]
        assert trade.fills[0].execution.time == execution.time.replace(microsecond=0) or version < 174


def cash(ib: IB, judged: Judged) -> Decimal:
    rows = ib.accountValues(judged.account)
    return Decimal(next(row.value for row in rows if (row.tag, row.currency) == ("TotalCashValue", "USD")))


@pytest.mark.parametrize("version", VERSIONS)
async def test_orders_are_changed_cancelled_and_remembered(judged: Judged, version: int) -> None:
    async with connected(judged, version) as ib:
        stock = Stock("AAPL", "SMART", "USD")
        await ib.qualifyContractsAsync(stock)
        low = round(judged.ask() / 2, 2)
        order = LimitOrder("BUY", 5, low, account=judged.account, tif="GTC", orderRef="mine")
        trade = ib.placeOrder(stock, order)
        await until(lambda: trade.orderStatus.status == "Submitted")
        order.lmtPrice = low - 1
        ib.placeOrder(stock, order)
        await until(lambda: judged.simulator.exchange.open_orders()[0].request.limit_price == Decimal(str(low - 1)))
        (known,) = await ib.reqAllOpenOrdersAsync()
        assert (known.order.lmtPrice, known.order.orderRef, known.order.tif) == (low - 1, "mine", "GTC")
        ib.cancelOrder(order)
        await until(lambda: trade.orderStatus.status == "Cancelled")
        (done,) = await ib.reqCompletedOrdersAsync(False)
        assert (done.order.permId, done.orderStatus.status) == (trade.order.permId, "Cancelled")
        assert not judged.simulator.exchange.open_orders()


@pytest.mark.parametrize("version", [157, 176, 178])
async def test_quotes_contracts_and_searches_say_what_the_exchange_says(judged: Judged, version: int) -> None:
    async with connected(judged, version) as ib:
        stock = Stock("AAPL", "SMART", "USD")
        await ib.qualifyContractsAsync(stock)
        quote = judged.simulator.exchange.quote(judged.conid)
        ticker = ib.reqMktData(stock)
        await until(ticker.hasBidAsk)
        assert (Decimal(str(ticker.bid)), Decimal(str(ticker.ask))) == (quote.bid, quote.ask)
        assert (Decimal(str(ticker.bidSize)), Decimal(str(ticker.close))) == (quote.bid_size, quote.close)
        (snapshot,) = await asyncio.wait_for(ib.reqTickersAsync(stock), PATIENCE)
        assert Decimal(str(snapshot.ask)) == quote.ask
        (details,) = await ib.reqContractDetailsAsync(stock)
        assert (details.longName, details.minTick, details.timeZoneId) == ("APPLE INC", 0.01, "US/Eastern")
        rule = await ib.reqMarketRuleAsync(int(details.marketRuleIds.split(",")[0]))
        assert [step.increment for step in rule or ()] == [0.01]
        symbols = await ib.reqMatchingSymbolsAsync("AAPL")
        assert judged.conid in {found.contract.conId for found in symbols or () if found.contract}
        assert await ib.reqCurrentTimeAsync() == judged.simulator.clock.now().replace(microsecond=0)


@pytest.mark.parametrize("version", [157, 176, 178])
async def test_profit_summary_and_executions_agree_with_the_books(judged: Judged, version: int) -> None:
    async with connected(judged, version) as ib:
        await filled(ib, judged, "BUY", 10)
        sale = await filled(ib, judged, "SELL", 4)
        books = judged.simulator.exchange.pnl(judged.account)
        pnl = ib.reqPnL(judged.account)
        await until(lambda: pnl.realizedPnL == float(books.realized))
        assert (pnl.dailyPnL, pnl.unrealizedPnL) == (float(books.daily), float(books.unrealized))
        single = ib.reqPnLSingle(judged.account, "", judged.conid)
        await until(lambda: single.position == 6)
        realized = sum((row[1].realized_pnl or Decimal(0)) for row in judged.simulator.exchange.executions())
        told = sum(fill.commissionReport.realizedPNL for fill in sale.fills)
        assert told == pytest.approx(float(realized))
        summary = {row.tag: row.value for row in await ib.accountSummaryAsync(judged.account)}
        assert Decimal(summary["NetLiquidation"]) == judged.simulator.exchange.net_liquidation(judged.account).quantize(
            Decimal("0.01")
        )
        sold = await ib.reqExecutionsAsync(ExecutionFilter(side="SELL"))
        assert sum(fill.execution.shares for fill in sold) == 4


async def test_after_a_reconnect_nothing_is_lost(judged: Judged) -> None:
    async with connected(judged, 178) as ib:
        await filled(ib, judged, "BUY", 10)
        stop = StopOrder("SELL", 10, round(judged.ask() / 2, 2), account=judged.account, tif="GTC")
        waiting = ib.placeOrder(Stock("AAPL", "SMART", "USD", conId=judged.conid), stop)
        await until(lambda: waiting.orderStatus.status == "PreSubmitted")
    await until(lambda: not judged.simulator.door.guests)
    async with connected(judged, 178) as ib:
        assert [position.position for position in ib.positions()] == [10]
        (order,) = ib.openOrders()
        assert (order.permId, order.auxPrice) == (waiting.order.permId, stop.auxPrice)
        assert [fill.execution.shares for fill in ib.fills()] == [10]
        assert ib.client.getReqId() > stop.orderId
