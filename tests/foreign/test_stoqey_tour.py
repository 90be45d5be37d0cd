"""@stoqey/ib judges the TWS door, call by call, at three server versions."""

from __future__ import annotations

import os
import shutil
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.foreign.dialects import Stoqey
from tests.foreign.full_tour import advise, play
from tests.foreign.puppet import Puppet, puppet
from tests.foreign.tour import advisory, everything, travelling

JAVASCRIPT = Path(__file__).parents[1] / "javascript"
PACKAGES = JAVASCRIPT / "node_modules"
pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="needs node"),
    pytest.mark.skipif(not (PACKAGES / "@stoqey").exists(), reason="needs: npm ci --prefix tests/javascript"),
    pytest.mark.parametrize("version", [157, 178, 193]),
]


def enter(port: int, client_id: int) -> AbstractAsyncContextManager[Puppet]:
    command = ("node", str(JAVASCRIPT / "stoqey.js"), str(port), str(client_id))
    return puppet(*command, environment={**os.environ, "NODE_PATH": str(PACKAGES)})


async def test_a_tour_of_every_call_of_stoqey_ib_finds_what_the_exchange_knows(version: int) -> None:
    async with travelling(everything(version), Stoqey(), enter, client_id=1) as tour:
        await play(tour)


async def test_an_advisor_with_stoqey_ib_shares_orders_and_binds_those_by_hand(version: int) -> None:
    async with travelling(advisory(version), Stoqey(), enter, client_id=0) as tour:
        await advise(tour)
