"""What ib_async and ib_insync make of the answers: the state that their IB class keeps, compared with the exchange's.

Both have the same class; the functions are given the library.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar
from xml.etree import ElementTree

import pytest

from ibkr_sim.exchange.model import OrderRequest, Side
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.history.intervals import MINUTE, Stretch, intervals
from ibkr_sim.tws.bulletins import BulletinKind
from tests.foreign.tour_of_research import ranked

if TYPE_CHECKING:
    from tests.foreign.conftest import Judged

Answer = TypeVar("Answer")
PATIENCE = 30.0


async def becomes(tell: Callable[[], object], known: object) -> None:
    """Wait until what the client says is what is known."""
    try:
        async with asyncio.timeout(PATIENCE):
            while tell() != known:  # noqa: ASYNC110 - the client's state changes while its messages are read
                await asyncio.sleep(0.002)
    except TimeoutError:
        assert tell() == known


async def soon(answer: Awaitable[Answer]) -> Answer:
    return await asyncio.wait_for(answer, PATIENCE)


@asynccontextmanager
async def connected(library: ModuleType, judged: Judged, version: int) -> AsyncIterator[tuple[Any, Any]]:
    """The client, and AAPL as it knows it."""
    ib = library.IB()
    ib.client.MaxClientVersion = version
    await ib.connectAsync("127.0.0.1", judged.port, clientId=1, timeout=PATIENCE, account=judged.account)
    try:
        stock = library.Stock("AAPL", "SMART", "USD")
        await soon(ib.qualifyContractsAsync(stock))
        assert stock.conId == judged.conid
        yield ib, stock
    finally:
        ib.disconnect()


async def play(library: ModuleType, judged: Judged, version: int) -> None:
    async with connected(library, judged, version) as (ib, stock):
        await orders(library, ib, judged, stock)
        await books(ib, judged, stock)
        await figures(library, ib, judged, stock)
        await announcements(ib, judged, stock)


async def orders(library: ModuleType, ib: Any, judged: Judged, stock: Any) -> None:
    """Previews, trades and lists of orders."""
    exchange, account = judged.simulator.exchange, judged.account
    limit = round(judged.ask() / 2, 2)
    known = exchange.preview(
        OrderRequest(account, judged.conid, Side.BUY, Decimal(10), "LMT", limit_price=Decimal(str(limit)))
    )
    state = await soon(ib.whatIfOrderAsync(stock, library.LimitOrder("BUY", 10, limit, account=account, tif="DAY")))
    assert [float(state.initMarginChange), float(state.maintMarginAfter), float(state.equityWithLoanAfter)] == [
        float(value) for value in (known.initial_margin_change, known.maintenance_margin_after, known.equity_after)
    ]
    assert state.commission == float(known.commission)
    bought = ib.placeOrder(stock, library.MarketOrder("BUY", 10, account=account, tif="DAY"))
    await becomes(lambda: [len(bought.fills), bought.orderStatus.status], [1, "Filled"])
    ((execution, charge),) = exchange.executions()
    await becomes(lambda: ib.fills()[0].commissionReport.execId, execution.exec_id)
    (fill,) = ib.fills()
    assert [fill.execution.price, fill.execution.shares] == [float(execution.price), float(execution.shares)]
    assert Decimal(str(fill.commissionReport.commission)) == charge.amount
    low = ib.placeOrder(stock, library.LimitOrder("BUY", 5, limit, account=account, tif="DAY"))
    stop = ib.placeOrder(stock, library.StopOrder("SELL", 5, limit, account=account, tif="GTC"))
    await becomes(lambda: [low.orderStatus.status, stop.orderStatus.status], ["Submitted", "PreSubmitted"])
    open_ = {
        order.perm_id: (order.request.order_type, float(order.request.quantity)) for order in exchange.open_orders()
    }
    assert len(open_) == 2
    for ask in (ib.reqOpenOrdersAsync, ib.reqAllOpenOrdersAsync):
        rows = [getattr(row, "order", row) for row in await soon(ask())]
        assert {row.permId: (row.orderType, row.totalQuantity) for row in rows} == open_
    ib.reqGlobalCancel()
    await becomes(lambda: [low.orderStatus.status, stop.orderStatus.status], ["Cancelled", "Cancelled"])
    assert not ib.openTrades()
    assert not exchange.open_orders()


async def books(ib: Any, judged: Judged, stock: Any) -> None:
    """Values, positions and profit, which the class keeps current."""
    exchange, account = judged.simulator.exchange, judged.account
    await soon(ib.reqAccountUpdatesMultiAsync(account))
    known = {(row.key, row.value, row.currency) for row in exchange.account_values(account)}
    await becomes(lambda: {(row.tag, row.value, row.currency) for row in ib.accountValues(account)}, known)
    rows = {(row.tag, row.value, row.currency) for row in await soon(ib.accountSummaryAsync(account))}
    assert {tag for tag, _value, _currency in rows} >= {"NetLiquidation", "TotalCashValue", "InitMarginReq"}
    assert {row for row in rows if row[0] in {"NetLiquidation", "TotalCashValue", "InitMarginReq"}} <= known
    held = exchange.position(account, judged.conid)
    assert held is not None
    (item,) = ib.portfolio(account)
    assert [item.position, item.marketPrice, item.marketValue, item.averageCost, item.unrealizedPNL] == list(
        map(float, (held.quantity, held.market_price, held.market_value, held.average_cost, held.unrealized_pnl))
    )
    profit, single = exchange.pnl(account), ib.reqPnLSingle(account, "", stock.conId)
    total = ib.reqPnL(account)
    await becomes(
        lambda: [total.dailyPnL, total.unrealizedPnL, total.realizedPnL],
        [float(profit.daily), float(profit.unrealized), float(profit.realized)],
    )
    await becomes(
        lambda: [single.position, single.dailyPnL, single.unrealizedPnL, single.value],
        [float(held.quantity), float(held.daily_pnl), float(held.unrealized_pnl), float(held.market_value)],
    )
    ib.cancelPnL(account)
    ib.cancelPnLSingle(account, "", stock.conId)
    assert (ib.pnl(), ib.pnlSingle()) == ([], [])


async def figures(library: ModuleType, ib: Any, judged: Judged, stock: Any) -> None:
    """Symbols, histograms, scanners and single ticks."""
    exchange = judged.simulator.exchange
    found = await soon(ib.reqMatchingSymbolsAsync("AAPL"))
    stocks = {row.contract.conId for row in found if row.contract.secType == "STK"}
    assert stocks == {row.conid for row in exchange.find_contracts(symbol="AAPL", sec_type="STK")}
    known = exchange.contract(judged.conid)
    assert known is not None
    sizes: dict[float, int] = {}
    spans = intervals(known, Stretch(MINUTE, sessions=1), exchange.now())
    for bar in exchange.record(judged.conid).bars(Source.TRADES, spans):
        sizes[float(bar.close)] = sizes.get(float(bar.close), 0) + int(bar.volume)
    histogram = await soon(ib.reqHistogramDataAsync(stock, True, "1 day"))
    assert {row.price: row.count for row in histogram} == sizes
    scan = library.ScannerSubscription(instrument="STK", locationCode="STK.US.MAJOR", scanCode="MOST_ACTIVE")
    rows = ib.reqScannerSubscription(scan)
    best = ranked(exchange, lambda quote: quote.volume)
    await becomes(lambda: [row.contractDetails.contract.conId for row in rows], best)
    ib.cancelScannerSubscription(rows)
    ticker, since = ib.reqTickByTickData(stock, "AllLast"), exchange.now()
    seen: list[tuple[float, float]] = []
    ticker.updateEvent += lambda one: seen.extend((tick.price, tick.size) for tick in one.tickByTicks)
    await soon(ib.reqCurrentTimeAsync())
    judged.simulator.clock.advance(timedelta(seconds=10))
    exchange.advance()
    sold = exchange.record(judged.conid).trades(since, exchange.now() + timedelta(seconds=1), 1000, backwards=False)
    await becomes(lambda: seen, [(float(tick.price), float(tick.size)) for tick in sold if tick.time > since])
    ib.cancelTickByTickData(stock, "AllLast")


async def announcements(ib: Any, judged: Judged, stock: Any) -> None:
    """Bulletins as they are issued, and what is reported of a company."""
    exchange = judged.simulator.exchange
    ib.reqNewsBulletins(True)
    await soon(ib.reqCurrentTimeAsync())
    judged.simulator.door.bulletins.issue(BulletinKind.EXCHANGE_DOWN, "It is down.", "NYSE", exchange.now())
    known = (1, BulletinKind.EXCHANGE_DOWN.value, "It is down.", "NYSE")
    await becomes(
        lambda: [(row.msgId, row.msgType, row.message, row.origExchange) for row in ib.newsBulletins()], [known]
    )
    ib.cancelNewsBulletins()
    report = ElementTree.fromstring(await soon(ib.reqFundamentalDataAsync(stock, "ReportRatios")))
    price = next(float(row.text or 0) for row in report.iter("Ratio") if row.get("FieldName") == "NPRICE")
    quote = exchange.quote(judged.conid)
    assert price == pytest.approx(float((quote.bid or 0) + (quote.ask or 0)) / 2, abs=1e-5)
