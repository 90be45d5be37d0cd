"""IBKR's own client judges the TWS door, through the interface it documents."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.foreign.conftest import Judged

pytestmark = pytest.mark.foreign
PATIENCE = 10.0
CALLBACKS = (
    *("nextValidId", "managedAccounts", "error", "currentTime", "marketRule", "symbolSamples"),
    *("openOrder", "orderStatus", "openOrderEnd", "completedOrder", "completedOrdersEnd"),
    *("execDetails", "execDetailsEnd", "commissionReport", "contractDetails", "contractDetailsEnd"),
    *("tickPrice", "tickSize", "marketDataType", "tickReqParams", "tickSnapshotEnd"),
    *("position", "positionEnd", "positionMulti", "positionMultiEnd", "pnl", "pnlSingle"),
    *("accountSummary", "accountSummaryEnd", "updateAccountValue", "updatePortfolio", "accountDownloadEnd"),
    *("accountUpdateMulti", "accountUpdateMultiEnd"),
)


def recorder() -> Any:
    """A client that notes every callback's arguments under its name."""
    client = import_module("ibapi.client")
    wrapper = import_module("ibapi.wrapper")

    def note(name: str) -> Any:
        def callback(self: Any, *arguments: Any) -> None:
            self.heard[name].append(arguments)

        return callback

    class Recorder(wrapper.EWrapper, client.EClient):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.heard: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
            client.EClient.__init__(self, self)

    for name in CALLBACKS:
        setattr(Recorder, name, note(name))
    return Recorder()


async def until(app: Any, name: str, count: int = 1) -> list[tuple[Any, ...]]:
    async with asyncio.timeout(PATIENCE):
        while len(app.heard[name]) < count:  # noqa: ASYNC110 - the client fills it in a thread of its own
            await asyncio.sleep(0.005)
    heard: list[tuple[Any, ...]] = app.heard[name]
    return heard


def stock() -> Any:
    contract = import_module("ibapi.contract").Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = "AAPL", "STK", "SMART", "USD"
    return contract


def order(judged: Judged, kind: str, quantity: int, **changes: Any) -> Any:
    made = import_module("ibapi.order").Order()
    made.action, made.orderType, made.totalQuantity, made.account = "BUY", kind, quantity, judged.account
    made.eTradeOnly = made.firmQuoteOnly = False
    for name, value in changes.items():
        setattr(made, name, value)
    return made


async def test_a_day_with_ibkrs_own_client_ends_as_the_books_say(judged: Judged) -> None:
    app = recorder()
    await asyncio.to_thread(app.connect, "127.0.0.1", judged.port, 1)
    reading = threading.Thread(target=app.run, daemon=True)
    reading.start()
    try:
        first = (await until(app, "nextValidId"))[0][0]
        assert (await until(app, "managedAccounts"))[0][0].split(",")[0] == judged.account
        assert app.serverVersion() == 157
        await look_around(app, judged)
        await trade(app, judged, first)
        await read_the_books(app, judged)
    finally:
        await asyncio.to_thread(app.disconnect)
        await asyncio.to_thread(reading.join, PATIENCE)
    refused = [arguments for arguments in app.heard["error"] if arguments[1] not in (2104, 2106, 2158, 202)]
    assert refused == []


async def look_around(app: Any, judged: Judged) -> None:
    app.reqContractDetails(1, stock())
    await until(app, "contractDetailsEnd")
    details = app.heard["contractDetails"][0][1]
    assert (details.contract.conId, details.minTick, details.longName) == (judged.conid, 0.01, "APPLE INC")
    app.reqMktData(2, stock(), "", False, False, [])
    prices = {kind: price for _, kind, price, _ in await until(app, "tickPrice", 3)}
    assert prices[2] == judged.ask()
    app.cancelMktData(2)
    app.reqMktData(3, stock(), "", True, False, [])
    await until(app, "tickSnapshotEnd")
    app.reqMatchingSymbols(4, "AAPL")
    assert judged.conid in {row.contract.conId for row in (await until(app, "symbolSamples"))[0][1]}
    app.reqMarketRule(26)
    assert (await until(app, "marketRule"))[0][1][0].increment == 0.01
    app.reqCurrentTime()
    assert (await until(app, "currentTime"))[0][0] == int(judged.simulator.clock.now().timestamp())


async def trade(app: Any, judged: Judged, first: int) -> None:
    app.placeOrder(first, stock(), order(judged, "MKT", 10))
    report = (await until(app, "commissionReport"))[-1][0]
    assert Decimal(str(report.commission)) == judged.commissions
    _, contract, execution = app.heard["execDetails"][0]
    assert (contract.conId, execution.orderId, Decimal(str(execution.shares))) == (judged.conid, first, 10)
    preview = order(judged, "LMT", 10, lmtPrice=judged.ask(), whatIf=True)
    app.placeOrder(first + 1, stock(), preview)
    before = len(app.heard["openOrder"])
    state = (await until(app, "openOrder", before + 1))[-1][3]
    assert float(state.initMarginChange) > 0
    app.placeOrder(first + 2, stock(), order(judged, "LMT", 5, lmtPrice=round(judged.ask() / 2, 2)))
    app.reqOpenOrders()
    await until(app, "openOrderEnd")
    app.cancelOrder(first + 2)
    async with asyncio.timeout(PATIENCE):
        while (first + 2, "Cancelled") not in {status[:2] for status in app.heard["orderStatus"]}:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def read_the_books(app: Any, judged: Judged) -> None:
    quantity, cost = judged.holding
    app.reqPositions()
    await until(app, "positionEnd")
    account, contract, held, average = app.heard["position"][0]
    assert (account, contract.conId, Decimal(str(held))) == (judged.account, judged.conid, quantity)
    assert average == pytest.approx(float(cost))
    app.reqAccountUpdates(True, judged.account)
    await until(app, "accountDownloadEnd")
    values = {(key, currency): value for key, value, currency, _ in app.heard["updateAccountValue"]}
    assert Decimal(values["TotalCashValue", "USD"]) == judged.value("TotalCashValue")
    assert Decimal(str(app.heard["updatePortfolio"][0][1])) == quantity
    app.reqAccountSummary(5, "All", "NetLiquidation,$LEDGER")
    await until(app, "accountSummaryEnd")
    app.reqPnL(6, judged.account, "")
    books = judged.simulator.exchange.pnl(judged.account)
    assert (await until(app, "pnl"))[0][1:] == (float(books.daily), float(books.unrealized), float(books.realized))
    app.reqPnLSingle(7, judged.account, "", judged.conid)
    assert Decimal(str((await until(app, "pnlSingle"))[0][1])) == quantity
    app.reqPositionsMulti(8, judged.account, "")
    await until(app, "positionMultiEnd")
    app.reqAccountUpdatesMulti(9, judged.account, "", False)
    await until(app, "accountUpdateMultiEnd")
    app.reqCompletedOrders(False)
    await until(app, "completedOrdersEnd")
    assert len(app.heard["completedOrder"]) == 2
    await read_executions(app)


async def read_executions(app: Any) -> None:
    criteria = import_module("ibapi.execution").ExecutionFilter()
    app.heard["execDetails"].clear()
    app.reqExecutions(10, criteria)
    await until(app, "execDetailsEnd")
    assert [arguments[0] for arguments in app.heard["execDetails"]] == [10]
