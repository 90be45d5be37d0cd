"""A halt on command: nobody trades the contract until it is resumed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings

AAPL = 265598
BUY = {"symbol": "AAPL", "side": "BUY", "quantity": 10}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    start = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
    async with Simulator(SimulatorSettings(tws=TwsSettings(port=0), control_port=0, start=start, speed=0)) as opened:
        yield opened


async def post(simulator: Simulator, path: str, body: Any) -> tuple[int, Any]:
    base = f"http://127.0.0.1:{simulator.control_port}"
    async with aiohttp.ClientSession(base) as session, session.post(path, json=body) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_a_halted_contract_trades_when_it_is_resumed(simulator: Simulator) -> None:
    told = await post(simulator, "/control/halts", {"symbol": "AAPL"})
    assert told == (200, {"conid": AAPL, "halted": True})
    _status, order = await post(simulator, "/control/orders", BUY)
    assert order["filled"] == "0"
    assert await post(simulator, "/control/halts", {"conid": AAPL, "halted": False}) == (
        200,
        {"conid": AAPL, "halted": False},
    )
    await post(simulator, "/control/clock", {"advance_seconds": 60})
    assert [filled.perm_id for filled in simulator.exchange.completed_orders()] == [order["perm_id"]]


@pytest.mark.parametrize(
    "body", [[], {"symbol": "AAPL", "halted": "yes"}, {"symbol": "AAPL", "for": 5}, {"symbol": "X?"}]
)
async def test_a_halt_that_makes_no_sense_is_refused(simulator: Simulator, body: Any) -> None:
    status, problem = await post(simulator, "/control/halts", body)
    assert (status, bool(problem["detail"])) == (422, True)
