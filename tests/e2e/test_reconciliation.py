"""Our books beside the broker's: positions that follow from fills, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import ib_async
import pytest

from ibkr_bridge.storage.memory import MemoryJournal

BUY = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "MARKET"}


@asynccontextmanager
async def hand(home: Any) -> Any:
    """Somebody who trades in the same account with another program."""
    ib = ib_async.IB()
    await ib.connectAsync("127.0.0.1", home.simulator.tws_port, clientId=7)
    try:
        yield ib
    finally:
        ib.disconnect()


async def trade(home: Any, ib: Any, side: str, qty: int) -> None:
    stock = ib_async.Stock("AAPL", "SMART", "USD")
    await ib.qualifyContractsAsync(stock)
    trade = ib.placeOrder(stock, ib_async.MarketOrder(side, qty, account=home.account))
    while not trade.isDone():
        await ib.updateEvent


async def bought(home: Any, order: dict[str, Any]) -> None:
    """With a yes to whatever IBKR asks about it."""
    _status, placed = await home.call("POST", "/orders", {"side": "BUY", "type": "LIMIT", **order})
    while placed["status"] == "awaiting_answer":
        _status, placed = await home.call("POST", f"/orders/{placed['id']}/answer", {"confirm": True})
    await home.until_order(placed["id"], "filled")


async def until(home: Any, true: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        _status, found = await home.call("GET", "/reconciliation")
        return found if true(found) else None

    found: dict[str, Any] = await home.until(look)
    return found


def unexplained(found: dict[str, Any]) -> bool:
    return any(line["cause"] == "unexplained" for line in found["positions"])


@pytest.fixture
def quick() -> dict[str, float]:
    return {"settling": 0.2, "reconcile_interval": 0.5}


async def test_fills_of_ours_and_the_positions_they_make_balance(build: Any, quick: Any) -> None:
    async with build(**quick) as home:
        await until(home, lambda found: found["status"] == "balanced")
        await home.call("POST", "/orders", BUY)
        found = await until(home, lambda found: found["positions"] and found["status"] == "balanced")
        [line] = found["positions"]
        assert (line["expected"], line["broker"], line["difference"], line["cause"]) == (10, 10, 0, None)


@pytest.mark.parametrize("door", ["tws", "webapi"])
async def test_a_trade_of_currencies_moves_cash_and_no_position(build: Any, quick: Any, door: str) -> None:
    async with build(door=door, questions_file=None, **quick) as home:
        await until(home, lambda found: found["status"] == "balanced")
        pair = {"symbol": "EUR", "sec_type": "CASH", "currency": "USD", "exchange": "IDEALPRO"}
        await bought(home, {**pair, "qty": 20_000, "limit": 2})
        await bought(home, {"symbol": "AAPL", "qty": 10, "limit": 300})
        found = await until(home, lambda found: len(found["positions"]) == 1 and found["status"] == "balanced")
        assert found["positions"][0]["contract"]["symbol"] == "AAPL"


async def test_what_another_program_trades_is_explained_by_its_fills(build: Any, quick: Any) -> None:
    async with build(**quick) as home:
        await until(home, lambda found: found["status"] == "balanced")
        async with hand(home) as ib:
            await trade(home, ib, "BUY", 5)
        found = await until(home, lambda found: found["positions"] and found["status"] == "balanced")
        [line] = found["positions"]
        assert (line["expected"], line["broker"], line["foreign"]) == (5, 5, 5)


async def test_a_position_that_no_fill_explains_is_told_once_with_age_and_cause(build: Any, quick: Any) -> None:
    async with build(**quick) as home:
        await until(home, lambda found: found["status"] == "balanced")
        home.simulator.faults.inject("executions_since_midnight", "now")
        async with home.http.ws_connect("/ws/ib") as socket:
            async with hand(home) as ib:
                await trade(home, ib, "BUY", 5)
            home.simulator.faults.inject("executions_since_midnight", "now")
            found = await until(
                home, lambda found: found["positions"] and found["positions"][0]["cause"] == "unexplained"
            )
            message = await socket.receive_json(timeout=5)
            while message["event"] != "reconciliation":
                message = await socket.receive_json(timeout=5)
        [line] = found["positions"]
        assert (line["expected"], line["broker"], line["difference"]) == (0, 5, 5)
        assert line["age_seconds"] > 0
        assert message["data"]["status"] == "different"
        status, accepted = await home.call("POST", "/reconciliation/accept", {"note": "bought by hand"})
        assert (status, accepted["status"]) == (200, "balanced")


async def test_a_restart_goes_on_counting_where_the_last_life_ended(build: Any, quick: Any) -> None:
    journal = MemoryJournal()
    async with build(journal=journal, **quick) as home:
        await until(home, lambda found: found["status"] == "balanced")
        await home.call("POST", "/orders", BUY)
        await until(home, lambda found: found["positions"] and found["status"] == "balanced")
    async with build(journal=journal, **quick) as home:  # a simulator that has forgotten everything
        found = await until(home, lambda found: found["status"] == "different")
        [line] = found["positions"]
        assert (line["expected"], line["broker"]) == (10, 0)
