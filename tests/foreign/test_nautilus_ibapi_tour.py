"""IBKR's present client judges the TWS door, call by call, at four server versions."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ibkr_sim.testing.choices import choose
from ibkr_sim.testing.running import RunningSimulator
from tests.foreign.dialects import Modern
from tests.foreign.full_tour import play
from tests.foreign.puppet import puppet
from tests.foreign.tour import Tour
from tests.foreign.tour_of_trading import binding

VERSIONS = (176, 178, 193, 200)
pytestmark = [pytest.mark.foreign, pytest.mark.parametrize("version", VERSIONS)]
ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".tools"
LOCK = ROOT / "requirements/nautilus.txt"


@pytest.fixture(scope="module")
def client() -> Path:
    """The folder in which it is installed; beside the environment, where the older client has the module's name."""
    folder, stamp = TOOLS / "nautilus-ibapi", TOOLS / "nautilus-ibapi/installed"
    wanted = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        uv = TOOLS / "bin" / ("uv.exe" if os.name == "nt" else "uv")
        into = ("--target", str(folder), "--python", sys.executable, "--require-hashes", "-r", str(LOCK))
        environment = {**os.environ, "UV_CACHE_DIR": str(TOOLS / "cache"), "UV_NO_CONFIG": "1"}
        subprocess.run([str(uv), "pip", "install", "--quiet", *into], check=True, timeout=120, env=environment)
        stamp.write_text(wanted)
    return folder


@asynccontextmanager
async def arrived(client: Path, version: int, client_id: int) -> AsyncIterator[Tour]:
    program = str(Path(__file__).parent / "modern_ibapi.py")
    with RunningSimulator(choose(version_cap=version, webapi=False, pacing=False)) as simulator:
        command = (sys.executable, program, str(simulator.port), str(client_id))
        async with puppet(*command, environment={**os.environ, "PYTHONPATH": str(client)}) as app:
            yield Tour(simulator, app, Modern(), version)


async def test_a_tour_of_every_call_of_ibkrs_present_client_finds_what_the_exchange_knows(
    client: Path, version: int
) -> None:
    async with arrived(client, version, client_id=1) as tour:
        await play(tour)


async def test_client_zero_of_ibkrs_present_client_is_told_how_orders_by_hand_are_bound(
    client: Path, version: int
) -> None:
    async with arrived(client, version, client_id=0) as tour:
        await binding(tour)
