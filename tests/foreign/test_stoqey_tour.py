"""@stoqey/ib judges the TWS door, call by call, at three server versions."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ibkr_sim.testing.choices import choose
from ibkr_sim.testing.running import RunningSimulator
from tests.foreign.dialects import Stoqey
from tests.foreign.full_tour import play
from tests.foreign.puppet import puppet
from tests.foreign.tour import Tour
from tests.foreign.tour_of_trading import binding

JAVASCRIPT = Path(__file__).parents[1] / "javascript"
PACKAGES = JAVASCRIPT / "node_modules"


pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="needs node"),
    pytest.mark.skipif(not (PACKAGES / "@stoqey").exists(), reason="needs: npm ci --prefix tests/javascript"),
    pytest.mark.parametrize("version", [157, 178, 193]),
]


@asynccontextmanager
async def arrived(version: int, client_id: int) -> AsyncIterator[Tour]:
    environment = {**os.environ, "NODE_PATH": str(PACKAGES)}
    with RunningSimulator(choose(version_cap=version, webapi=False, pacing=False)) as simulator:
        command = ("node", str(JAVASCRIPT / "stoqey.js"), str(simulator.port), str(client_id))
        async with puppet(*command, environment=environment) as app:
            yield Tour(simulator, app, Stoqey(), version)


async def test_a_tour_of_every_call_of_stoqey_ib_finds_what_the_exchange_knows(version: int) -> None:
    async with arrived(version, client_id=1) as tour:
        await play(tour)


async def test_client_zero_of_stoqey_ib_is_told_how_orders_by_hand_are_bound(version: int) -> None:
    async with arrived(version, client_id=0) as tour:
        await binding(tour)
