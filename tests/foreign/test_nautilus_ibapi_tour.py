"""IBKR's present client judges the TWS door, call by call, at three server versions."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ibkr_sim.testing.choices import choose
from ibkr_sim.testing.running import RunningSimulator
from tests.foreign.dialects import Modern
from tests.foreign.full_tour import Tour
from tests.foreign.puppet import puppet

pytestmark = pytest.mark.foreign
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


@pytest.mark.parametrize("version", [178, 193, 200])
async def test_a_tour_of_every_call_of_ibkrs_present_client_finds_what_the_exchange_knows(
    client: Path, version: int
) -> None:
    settings = choose(version_cap=version, webapi=False, pacing=False)
    program = str(Path(__file__).parent / "modern_ibapi.py")
    with RunningSimulator(settings) as simulator:
        command = (sys.executable, program, str(simulator.port), "1")
        async with puppet(*command, environment={**os.environ, "PYTHONPATH": str(client)}) as app:
            await Tour(simulator, app, Modern(), version).play()
