"""ib_insync judges the TWS door: the same work through the elder client."""

from __future__ import annotations

import asyncio
import importlib
import logging
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from tests.foreign.tour_of_ib_class import play

if TYPE_CHECKING:
    from tests.foreign.conftest import Judged

PATIENCE = 30.0


@pytest.fixture(scope="module")
def library() -> Iterator[ModuleType]:
    """Imported late: its event library asks for the current loop on import, which Python deprecates without one."""
    loop = asyncio.new_event_loop()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        asyncio.set_event_loop(loop)
        module = importlib.import_module("ib_insync")
        asyncio.set_event_loop(None)
    yield module
    loop.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the client's state changes while its messages are read
            await asyncio.sleep(0.002)


@pytest.mark.parametrize("version", [157, 176])
async def test_what_the_class_of_ib_insync_keeps_is_what_the_exchange_knows(
    library: ModuleType, judged: Judged, version: int
) -> None:
    await play(library, judged, version)


@pytest.mark.parametrize("version", [157, 176])
async def test_a_day_with_ib_insync_ends_as_the_books_say(
    library: ModuleType, judged: Judged, version: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    ib = library.IB()
    ib.client.MaxClientVersion = version
    await ib.connectAsync("127.0.0.1", judged.port, clientId=1, timeout=PATIENCE, account=judged.account)
    assert ib.client.serverVersion() == version
    stock = library.Stock("AAPL", "SMART", "USD")
    await ib.qualifyContractsAsync(stock)
    assert stock.conId == judged.conid

    bought = ib.placeOrder(stock, library.MarketOrder("BUY", 10, account=judged.account))
    await until(lambda: bought.isDone() and bought.fills and bought.fills[-1].commissionReport.execId)
    await until(lambda: ib.positions() and ib.portfolio())
    quantity, cost = judged.holding
    (position,) = ib.positions()
    assert (Decimal(str(position.position)), position.avgCost) == (quantity, pytest.approx(float(cost)))
    assert Decimal(str(sum(fill.commissionReport.commission for fill in bought.fills))) == judged.commissions

    waiting = ib.placeOrder(stock, library.LimitOrder("BUY", 5, round(judged.ask() / 2, 2), account=judged.account))
    await until(lambda: waiting.orderStatus.status == "Submitted")
    ib.cancelOrder(waiting.order)
    await until(lambda: waiting.orderStatus.status == "Cancelled")

    preview = library.LimitOrder("BUY", 5, round(judged.ask(), 2), account=judged.account)
    state = await asyncio.wait_for(ib.whatIfOrderAsync(stock, preview), PATIENCE)
    assert float(state.initMarginChange) > 0
    ticker = ib.reqMktData(stock)
    await until(ticker.hasBidAsk)
    assert ticker.ask == judged.ask()
    assert len(await ib.reqCompletedOrdersAsync(False)) == 2
    summary = {row.tag: row.value for row in await ib.accountSummaryAsync(judged.account)}
    assert Decimal(summary["TotalCashValue"]) == judged.value("TotalCashValue")
    ib.disconnect()

    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert [text for text in said if not text.startswith("Error 202,")] == []
