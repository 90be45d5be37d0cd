"""Options assigned early on command: the account's short position becomes one in the share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from ibkr_sim.exchange.listing.contracts import Wanted
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings

AAPL, ACCOUNT = 265598, "DU9912345"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    start = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
    async with Simulator(SimulatorSettings(tws=TwsSettings(port=0), control_port=0, start=start, speed=0)) as opened:
        yield opened


async def post(simulator: Simulator, path: str, body: Any) -> tuple[int, Any]:
    base = f"http://127.0.0.1:{simulator.control_port}"
    async with aiohttp.ClientSession(base) as session, session.post(path, json=body) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_a_short_put_that_is_assigned_becomes_shares(simulator: Simulator) -> None:
    wanted = Wanted(symbol="AAPL", sec_type="OPT", expiry="20260320", strike=Decimal(300), right="P")
    (put,) = simulator.exchange.search(wanted)
    await post(simulator, "/control/orders", {"conid": put.conid, "side": "SELL", "quantity": 3})
    told = await post(simulator, "/control/assignments", {"conid": put.conid, "quantity": 2})
    assert told == (200, {"account": ACCOUNT, "conid": put.conid, "position": "-1"})
    shares = simulator.exchange.position(ACCOUNT, AAPL)
    assert shares is not None
    assert shares.quantity == 200


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"conid": AAPL, "quantity": 1},
        {"conid": AAPL},
        {"conid": 1, "quantity": 1},
        {"conid": AAPL, "quantity": 1, "account": "DU1"},
        {"conid": AAPL, "quantity": 1, "account": []},
        {"conid": AAPL, "quantity": 1, "when": "now"},
    ],
)
async def test_an_assignment_that_makes_no_sense_is_refused(simulator: Simulator, body: Any) -> None:
    status, problem = await post(simulator, "/control/assignments", body)
    assert (status, bool(problem["detail"])) == (422, True)
