"""The service dies and comes back: what it still knows, and what it never does twice."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ibkr_bridge.config.settings import (
    ApiSettings,
    GuardSettings,
    JournalSettings,
    Settings,
    TradingSettings,
    TwsSettings,
)
from ibkr_bridge.domain.world import World
from ibkr_bridge.runtime.service import StartError, running
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings as DoorSettings

LIMIT = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "LIMIT", "limit": 100, "client_order_id": "mine"}
MARKET = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "MARKET", "client_order_id": "filled"}


def settings(simulator: Simulator, folder: Path, **journal: Any) -> Settings:
    return Settings(
        api=ApiSettings(port=0),
        tws=TwsSettings(port=simulator.tws_port, account=simulator.exchange.accounts[0]),
        trading=TradingSettings(read_only=False, world=World.SIMULATED),
        guards=GuardSettings.wide_open(),
        journal=JournalSettings(
            **{
                "url": f"sqlite:///{folder / 'journal.sqlite'}",
                "audit_key_file": folder / "audit.key",
                "audit_mark": folder / "audit.mark",
                **journal,
            }
        ),
    )


def simulated() -> Simulator:
    return Simulator(SimulatorSettings(tws=DoorSettings(port=0), control_port=None))


async def call(url: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
    async with aiohttp.ClientSession(url) as http, http.request(method, path, json=body) as answer:
        return answer.status, await answer.json()


async def until(url: str, order_id: str, status: str) -> dict[str, Any]:
    async with asyncio.timeout(15):
        while True:
            _code, order = await call(url, "GET", f"/orders/{order_id}")
            if order["status"] == status:
                return dict(order)
            await asyncio.sleep(0.05)


async def test_a_client_order_id_is_remembered_over_a_restart(tmp_path: Path) -> None:
    async with simulated() as simulator:
        async with running(settings(simulator, tmp_path)) as service:
            status, first = await call(service.url, "POST", "/orders", LIMIT)
            assert status == 201
        async with running(settings(simulator, tmp_path)) as service:
            status, again = await call(service.url, "POST", "/orders", LIMIT)
            assert (status, again["id"], again["status"]) == (200, first["id"], "working")
            assert len(simulator.exchange.open_orders()) == 1
            status, cancelled = await call(service.url, "DELETE", f"/orders/{first['id']}")
            assert (status, cancelled["status"]) == (200, "cancelled")


async def test_what_filled_while_the_service_was_away_is_found(tmp_path: Path) -> None:
    async with simulated() as simulator:
        quote = simulator.exchange.quote(265598)
        async with running(settings(simulator, tmp_path)) as service:
            resting = {**LIMIT, "limit": str(quote.bid)}
            _status, order = await call(service.url, "POST", "/orders", resting)
        async with asyncio.timeout(60):  # the price walks over it while nobody listens
            while simulator.exchange.open_orders():
                simulator.clock.set_speed(60)
                await asyncio.sleep(0.05)
        simulator.clock.set_speed(1)
        async with running(settings(simulator, tmp_path)) as service:
            found = await until(service.url, order["id"], "filled")
            assert found["filled_qty"] == 10


async def test_a_halt_outlives_a_restart(tmp_path: Path) -> None:
    async with simulated() as simulator:
        async with running(settings(simulator, tmp_path)) as service:
            await call(service.url, "POST", "/admin/halt", {})
        async with running(settings(simulator, tmp_path)) as service:
            status, problem = await call(service.url, "POST", "/orders", LIMIT)
            assert (status, problem["code"]) == (422, "guard.halt")
            await call(service.url, "POST", "/admin/resume", {})
        async with running(settings(simulator, tmp_path)) as service:
            assert (await call(service.url, "POST", "/orders", LIMIT))[0] == 201


async def test_a_second_service_on_the_same_journal_is_refused(tmp_path: Path) -> None:
    async with simulated() as simulator, running(settings(simulator, tmp_path)):
        with pytest.raises(StartError, match="journal"):
            async with running(settings(simulator, tmp_path)):
                pass


async def test_a_wrong_audit_key_is_refused_at_the_start(tmp_path: Path) -> None:
    async with simulated() as simulator:
        async with running(settings(simulator, tmp_path)) as service:
            await call(service.url, "POST", "/orders", LIMIT)
        with pytest.raises(StartError, match="key"):
            async with running(settings(simulator, tmp_path, audit_key="another key of sufficient length")):
                pass


class Process:
    """`ibkr-bridge serve` as a process of its own, on a journal of its own."""

    def __init__(self, folder: Path, port: int, tws_port: int, account: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("IB_", "IBKR_"))},
            "PORT": str(port),
            "IB_PORT": str(tws_port),
            "IB_ACCOUNT": account,
            "IBKR_SERVICE_WORLD": "simulated",
            "IBKR_SERVICE_READ_ONLY": "false",
            "IBKR_SERVICE_MARKET_HOURS": "false",
            "IBKR_SERVICE_RESET_MARGIN": "0",
            "IBKR_SERVICE_REPEAT_SECONDS": "0",
            "ALLOW_MARKET_ORDERS": "true",
            "IBKR_SERVICE_AUDIT_KEY_FILE": str(folder / "audit.key"),
            "IBKR_SERVICE_AUDIT_MARK": str(folder / "audit.mark"),
            "LOG_LEVEL": "error",
        }
        self._folder = folder

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ibkr_bridge", "serve", cwd=self._folder, env=self._environment
        )
        async with asyncio.timeout(30):
            while True:
                with suppress(aiohttp.ClientConnectionError):
                    if (await call(self.url, "GET", "/readyz"))[0] == 200:
                        return
                assert self.process.returncode is None
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is not a Windows word")
@pytest.mark.parametrize("delay", [0.0, 0.001, 0.002, 0.004, 0.008, 0.016])
async def test_kill_9_at_any_moment_of_an_order_leaves_one_order_and_one_truth(
    tmp_path: Path, port: int, delay: float
) -> None:
    async with simulated() as simulator:
        service = Process(tmp_path, port, simulator.tws_port, simulator.exchange.accounts[0])
        await service.start()
        try:
            await call(service.url, "GET", "/market/quote/AAPL")
            placing = asyncio.create_task(call(service.url, "POST", "/orders", MARKET))
            await asyncio.sleep(delay)
            await service.kill()
            with suppress(aiohttp.ClientError):
                await placing
            await service.start()
            status, order = await call(service.url, "POST", "/orders", MARKET)
            assert status in (200, 201, 202)
            bought = sum(execution.shares for execution, _commission in simulator.exchange.executions())
            if simulator.exchange.open_orders() or bought:
                found = await until(service.url, order["id"], "filled")
                bought = sum(execution.shares for execution, _commission in simulator.exchange.executions())
                assert (found["filled_qty"], bought) == (10, 10)
            else:  # killed between the journal and the wire: the broker never heard of it, and nobody sends it again
                assert order["status"] in ("unknown", "never_arrived")
        finally:
            await service.kill()
