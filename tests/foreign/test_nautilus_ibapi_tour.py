"""IBKR's present client judges the TWS door, call by call, at four server versions."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.foreign.dialects import Modern
from tests.foreign.full_tour import advise, play
from tests.foreign.puppet import python_puppet
from tests.foreign.tour import Enter, advisory, everything, travelling

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


def enter(client: Path) -> Enter:
    return lambda port, client_id: python_puppet("ibapi_client.py", port, client_id, installed=client)


async def test_a_tour_of_every_call_of_ibkrs_present_client_finds_what_the_exchange_knows(
    client: Path, version: int
) -> None:
    async with travelling(everything(version), Modern(), enter(client), client_id=1) as tour:
        await play(tour)


async def test_an_advisor_with_ibkrs_present_client_shares_orders_and_binds_those_by_hand(
    client: Path, version: int
) -> None:
    async with travelling(advisory(version), Modern(), enter(client), client_id=0) as tour:
        await advise(tour)
