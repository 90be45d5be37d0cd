"""Who enters before the Web API's server is loaded, and who trades meanwhile."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ibkr_sim.exchange.model import OrderRequest, Side
from ibkr_sim.listening import NotOpened
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings
from ibkr_sim.webapi.settings import WebApiSettings

PATIENCE = 20.0
SETTINGS = SimulatorSettings(
    tws=TwsSettings(port=0), webapi=WebApiSettings(port=0, auto_login=True, pacing=False), control_port=0
)


async def told(simulator: Simulator, path: str) -> Any:
    url = f"{simulator.webapi_url}{path}"
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as http, http.get(url) as answer:
        return await answer.json()


async def test_a_trade_from_before_the_server_was_loaded_is_told() -> None:
    async with Simulator(SETTINGS, early=True) as simulator:
        assert simulator.webapi is None
        simulator.exchange.place(OrderRequest("DU9912345", 265598, Side.BUY, Decimal(3), "MKT", order_ref="soon"))
        await told(simulator, "/iserver/accounts")
        await told(simulator, "/iserver/account/trades")
        assert [row["order_ref"] for row in await told(simulator, "/iserver/account/trades")] == ["soon"]


async def test_who_leaves_before_the_server_is_loaded_waits_for_nothing_and_frees_the_port() -> None:
    async with Simulator(SETTINGS, early=True) as simulator:
        port = simulator.webapi_port
    with socket.create_server(("127.0.0.1", port or 0)):
        assert simulator.webapi is None


async def test_it_runs_until_it_is_told_to_stop() -> None:
    async with Simulator(SETTINGS, early=True) as simulator:
        stop = asyncio.Event()
        running = asyncio.create_task(simulator.run_until(stop))
        await told(simulator, "/iserver/auth/status")
        assert not running.done()
        stop.set()
        await asyncio.wait_for(running, PATIENCE)


@pytest.mark.parametrize("early", [True, False])
async def test_a_server_that_cannot_open_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, early: bool
) -> None:
    # A certificate is made by way of a file: here there is no folder for it.
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    assert SETTINGS.webapi is not None
    settings = replace(SETTINGS, webapi=replace(SETTINGS.webapi, tls=True))
    with pytest.raises(NotOpened, match="the Web API cannot open"):
        async with asyncio.timeout(PATIENCE), Simulator(settings, early=early) as simulator:
            await simulator.run_until(asyncio.Event())
