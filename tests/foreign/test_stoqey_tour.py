"""@stoqey/ib judges the TWS door, call by call, at three server versions."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ibkr_sim.testing.choices import choose
from ibkr_sim.testing.running import RunningSimulator
from tests.foreign.dialects import Stoqey
from tests.foreign.full_tour import Tour
from tests.foreign.puppet import puppet

JAVASCRIPT = Path(__file__).parents[1] / "javascript"
PACKAGES = JAVASCRIPT / "node_modules"


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.skipif(not (PACKAGES / "@stoqey").exists(), reason="needs: npm ci --prefix tests/javascript")
@pytest.mark.parametrize("version", [157, 178, 193])
async def test_a_tour_of_every_call_of_stoqey_ib_finds_what_the_exchange_knows(version: int) -> None:
    settings = choose(version_cap=version, webapi=False, pacing=False)
    environment = {**os.environ, "NODE_PATH": str(PACKAGES)}
    with RunningSimulator(settings) as simulator:
        command = ("node", str(JAVASCRIPT / "stoqey.js"), str(simulator.port), "1")
        async with puppet(*command, environment=environment) as app:
            await Tour(simulator, app, Stoqey(), version).play()
