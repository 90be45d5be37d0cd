"""Dividends and splits on command: over HTTP, and by the commands of the simulator."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings

AAPL, ACCOUNT = 265598, "DU9912345"
PATH = "/control/corporate-actions"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    start = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
    async with Simulator(SimulatorSettings(tws=TwsSettings(port=0), control_port=0, start=start, speed=0)) as opened:
        yield opened


async def post(simulator: Simulator, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    base = f"http://127.0.0.1:{simulator.control_port}"
    async with (
        aiohttp.ClientSession(base, timeout=aiohttp.ClientTimeout(10)) as session,
        session.post(path, json=body) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


def held(simulator: Simulator) -> Decimal:
    position = simulator.exchange.position(ACCOUNT, AAPL)
    return position.quantity if position else Decimal(0)


async def test_shares_are_split_on_command(simulator: Simulator) -> None:
    await post(simulator, "/control/orders", {"symbol": "AAPL", "side": "BUY", "quantity": 10})
    status, told = await post(simulator, PATH, {"kind": "split", "symbol": "AAPL", "amount": 4})
    assert (status, told) == (201, {"kind": "split", "conid": AAPL, "amount": "4", "at": None})
    assert held(simulator) == 40


async def test_a_dividend_waits_for_its_day(simulator: Simulator) -> None:
    await post(simulator, "/control/orders", {"symbol": "AAPL", "side": "BUY", "quantity": 10})
    before = simulator.exchange.net_liquidation(ACCOUNT)
    body = {"kind": "dividend", "conid": AAPL, "amount": "0.26", "at": "2026-03-03T15:00:00Z"}
    assert (await post(simulator, PATH, body))[0] == 201
    assert simulator.exchange.net_liquidation(ACCOUNT) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"kind": "merger", "symbol": "AAPL", "amount": 1},
        {"kind": "split", "symbol": "AAPL"},
        {"kind": "split", "symbol": "NOPE", "amount": 2},
        {"kind": "split", "conid": 12087792, "amount": 2},
        {"kind": "dividend", "symbol": "AAPL", "amount": 1, "at": "tomorrow"},
        {"kind": "dividend", "symbol": "AAPL", "amount": 1, "at": "2026-03-03T15:00:00"},
    ],
)
async def test_what_makes_no_sense_is_refused_with_its_reason(simulator: Simulator, wrong: dict[str, Any]) -> None:
    status, told = await post(simulator, PATH, wrong)
    assert status == 422
    assert told["detail"]


async def test_the_command_splits_and_pays(simulator: Simulator) -> None:
    await post(simulator, "/control/orders", {"symbol": "AAPL", "side": "BUY", "quantity": 10})
    environment = os.environ | {"IBKR_SIM_CONTROL_PORT": str(simulator.control_port)}
    for words in (("split", "AAPL", "2"), ("dividend", str(AAPL), "0.5")):
        command = [sys.executable, "-m", "ibkr_sim", *words]
        done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    assert held(simulator) == 20
