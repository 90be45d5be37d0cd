"""Orders by hand, as if typed into TWS: over HTTP and by command, and how an API client sees them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings

AAPL, PATIENCE = 265598, 20.0


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    start = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
    async with Simulator(SimulatorSettings(tws=TwsSettings(port=0), control_port=0, start=start, speed=0)) as opened:
        yield opened


@pytest.fixture
async def http(simulator: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    base = f"http://127.0.0.1:{simulator.control_port}"
    async with aiohttp.ClientSession(base, timeout=aiohttp.ClientTimeout(10)) as session:
        yield session


async def test_an_order_by_hand_belongs_to_nobody_and_fills_like_any_other(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    async with http.post("/control/orders", json={"symbol": "AAPL", "side": "buy", "quantity": 10}) as answer:
        told = await answer.json()
    assert answer.status == 201
    assert (told["order_id"], told["client_id"], told["conid"], told["status"]) == (0, 0, AAPL, "Filled")
    position = simulator.exchange.position("DU9912345", AAPL)
    assert position is not None
    assert position.quantity == 10


async def test_an_order_by_hand_can_be_cancelled(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    body = {"conid": AAPL, "side": "SELL", "quantity": "5", "stop": 100.5, "limit": 99, "tif": "GTC"}
    async with http.post("/control/orders", json=body | {"account": "DU9967890"}) as answer:
        told = await answer.json()
    assert (told["type"], told["status"], told["account"]) == ("STP LMT", "PreSubmitted", "DU9967890")
    async with http.delete("/control/orders", json={"perm_id": told["perm_id"]}) as answer:
        assert (await answer.json())["status"] == "Cancelled"
    assert not simulator.exchange.open_orders()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], "invalid_order"),
        ({"symbol": "AAPL", "side": "BUY", "quantity": 10, "colour": 1}, "invalid_order"),
        ({"symbol": "NOSUCH", "side": "BUY", "quantity": 10}, "invalid_order"),
        ({"symbol": "AAPL", "side": "HOLD", "quantity": 10}, "invalid_order"),
        ({"symbol": "AAPL", "side": "BUY", "quantity": "ten"}, "invalid_order"),
        ({"symbol": "AAPL", "side": "BUY", "quantity": "1e999"}, "invalid_order"),
        ({"symbol": "AAPL", "side": "BUY", "quantity": True}, "invalid_order"),
        ({"symbol": "AAPL", "side": "BUY", "quantity": 0}, "order_rejected"),
        ({"symbol": "AAPL", "side": "BUY", "quantity": 1, "type": "VWAP"}, "order_rejected"),
        ({"symbol": "AAPL", "side": "BUY", "quantity": 1, "account": "U1"}, "order_rejected"),
    ],
)
async def test_a_senseless_order_by_hand_is_refused(http: aiohttp.ClientSession, body: Any, code: str) -> None:
    async with http.post("/control/orders", json=body) as answer:
        assert (answer.status, json.loads(await answer.text())["code"]) == (422, code)


@pytest.mark.parametrize(("body", "code"), [({}, "invalid_order"), ({"perm_id": 1}, "order_rejected")])
async def test_what_is_no_order_cannot_be_cancelled(http: aiohttp.ClientSession, body: Any, code: str) -> None:
    async with http.delete("/control/orders", json=body) as answer:
        assert (answer.status, json.loads(await answer.text())["code"]) == (422, code)


async def run(simulator: Simulator, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ibkr_sim", *arguments, "--control-port", str(simulator.control_port)]
    return await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=PATIENCE, env=dict(os.environ), check=False
    )


async def test_a_command_places_and_cancels(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    async with http.get("/control/clock") as answer:
        assert answer.status == 200
    done = await run(simulator, "order", "buy", "3", "AAPL", "--limit", "100.5")
    told = json.loads(done.stdout)
    assert (told["type"], told["quantity"], told["status"]) == ("LMT", "3", "Submitted")
    done = await run(simulator, "cancel", str(told["perm_id"]))
    assert json.loads(done.stdout)["status"] == "Cancelled"
    done = await run(simulator, "order", "buy", "3", "NOSUCH")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
