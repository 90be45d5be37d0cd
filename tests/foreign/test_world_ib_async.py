"""ib_async judges the world behind the TWS door: chains, futures, indices and the rest, and how they trade."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

import pytest
from ib_async import IB, Bond, Contract, Crypto, Future, FuturesOption, Index, MarketOrder, MutualFund, Option, Stock

if TYPE_CHECKING:
    from tests.foreign.conftest import Judged

Answer = TypeVar("Answer")
PATIENCE = 30.0
VERSIONS = (157, 178)
MARCH = "20260320"


async def soon(answer: Awaitable[Answer]) -> Answer:
    return await asyncio.wait_for(answer, PATIENCE)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the client's state changes as it reads
            await asyncio.sleep(0.002)


@asynccontextmanager
async def connected(judged: Judged, version: int) -> AsyncIterator[IB]:
    ib = IB()
    ib.client.MaxClientVersion = version
    await ib.connectAsync("127.0.0.1", judged.port, 1, timeout=PATIENCE, account=judged.account)
    try:
        yield ib
    finally:
        ib.disconnect()


@pytest.fixture(autouse=True)
def _no_complaint(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.WARNING)
    yield
    assert [row.getMessage() for row in caplog.get_records("call") if row.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_chain_is_read_from_its_parameters_and_qualified(judged: Judged, version: int) -> None:
    async with connected(judged, version) as ib:
        index = Index("SPX", "CBOE", "USD")
        await soon(ib.qualifyContractsAsync(index))
        assert index.conId == 416904
        chains = await soon(ib.reqSecDefOptParamsAsync("SPX", "", "IND", index.conId))
        weekly = next(row for row in chains if (row.tradingClass, row.exchange) == ("SPXW", "SMART"))
        assert (weekly.multiplier, weekly.underlyingConId) == ("100", "416904")
        day, strike = weekly.expirations[2], min(weekly.strikes, key=lambda one: abs(one - 6700))
        option = Option("SPX", day, strike, "P", "SMART", tradingClass="SPXW")
        await soon(ib.qualifyContractsAsync(option))
        known = judged.simulator.exchange.contract(option.conId)
        assert known is not None
        assert (option.localSymbol, option.multiplier) == (known.local_symbol, "100")


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_kind_of_contract_is_understood(judged: Judged, version: int) -> None:
    kinds: list[tuple[Contract, int]] = [
        (Option("AAPL", MARCH, exchange="SMART"), 176),
        (Future("ES", exchange="CME"), 8),
        (FuturesOption("ES", MARCH, 6700, exchange="CME"), 2),
        (Crypto("BTC", "PAXOS", "USD"), 1),
        (Bond(symbol="AAPL", exchange="SMART"), 1),
        (MutualFund(symbol="VFIAX"), 1),
        (Contract(secType="CFD", symbol="IBUS500", exchange="SMART"), 1),
        (Contract(secType="CMDTY", symbol="XAUUSD", exchange="SMART"), 1),
        (Contract(secType="WAR", symbol="SAP", right="C"), 1),
        (Stock("SAP", "SMART", "EUR"), 1),
    ]
    async with connected(judged, version) as ib:
        for contract, count in kinds:
            found = await soon(ib.reqContractDetailsAsync(contract))
            assert len(found) == count, contract
            one = found[0]
            assert one.contract is not None
            known = judged.simulator.exchange.contract(one.contract.conId)
            assert known is not None
            assert one.longName == known.long_name
            assert one.underConId == known.under_conid or known.sec_type == "BOND"
            assert Decimal(str(one.minTick)) == known.min_tick


async def test_an_options_greeks_agree_with_its_price(judged: Judged) -> None:
    async with connected(judged, 178) as ib:
        option = Option("AAPL", MARCH, 270, "C", "SMART", currency="USD")
        await soon(ib.qualifyContractsAsync(option))
        ticker = ib.reqMktData(option)
        await until(lambda: ticker.modelGreeks)
        quote = judged.simulator.exchange.quote(option.conId)
        assert (ticker.bid, ticker.ask) == (float(quote.bid or 0), float(quote.ask or 0))
        greeks = ticker.modelGreeks
        assert greeks is not None
        assert greeks.impliedVol == pytest.approx(0.28, abs=0.02)
        assert greeks.optPrice == pytest.approx((ticker.bid + ticker.ask) / 2)
        assert greeks.undPrice == pytest.approx(judged.ask(), abs=0.05)


async def test_an_option_and_a_future_trade_and_the_books_agree(judged: Judged) -> None:
    async with connected(judged, 178) as ib:
        option = Option("AAPL", MARCH, 250, "C", "SMART", currency="USD")
        future = Future("MES", "202606", "CME", currency="USD")
        await soon(ib.qualifyContractsAsync(option, future))
        assert (future.conId, future.localSymbol) == (770561194, "MESM6")
        assert future.lastTradeDateOrContractMonth == "20260618"
        wanted = ((option, 2), (future, 1))
        trades = [ib.placeOrder(row, MarketOrder("BUY", size, account=judged.account)) for row, size in wanted]
        await until(lambda: all(trade.isDone() and trade.fills[0].commissionReport.execId for trade in trades))
        held = {row.contract.conId: row for row in ib.positions()}
        for conid, size in ((option.conId, 2), (future.conId, 1)):
            position = judged.simulator.exchange.position(judged.account, conid)
            assert position is not None
            assert (held[conid].position, held[conid].avgCost) == (size, float(position.average_cost))
        assert trades[1].fills[0].commissionReport.commission == 0.62
        ib.exerciseOptions(option, 1, 1, judged.account, 0)
        await until(lambda: judged.simulator.exchange.position(judged.account, judged.conid))
        assert judged.holding[0] == 100
        await until(lambda: any(row.contract.conId == judged.conid and row.position == 100 for row in ib.positions()))


async def test_an_expiring_option_leaves_the_portfolio(judged: Judged) -> None:
    async with connected(judged, 178) as ib:
        option = Option("SPY", "20260302", 600, "C", "SMART", currency="USD")
        await soon(ib.qualifyContractsAsync(option))
        trade = ib.placeOrder(option, MarketOrder("BUY", 1, account=judged.account))
        await until(trade.isDone)
        judged.simulator.clock.advance(timedelta(hours=6, minutes=1))
        judged.simulator.exchange.advance()
        await until(lambda: any(row.contract.conId == 756733 for row in ib.positions()))
        assert all(row.contract.conId != option.conId for row in ib.positions())
