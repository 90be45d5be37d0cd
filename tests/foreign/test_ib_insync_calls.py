"""ib_insync's Client judges the TWS door, call by call, at both server versions that its tours are made at."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import pytest

from tests.foreign.dialects import Looped
from tests.foreign.full_tour import advise, play
from tests.foreign.puppet import Puppet, python_puppet
from tests.foreign.tour import advisory, everything, travelling

pytestmark = pytest.mark.parametrize("version", [157, 176])


def enter(port: int, client_id: int) -> AbstractAsyncContextManager[Puppet]:
    return python_puppet("loop_client.py", "ib_insync", port, client_id)


async def test_a_tour_of_every_call_of_ib_insync_finds_what_the_exchange_knows(version: int) -> None:
    async with travelling(everything(version), Looped(), enter, client_id=1) as tour:
        await play(tour)


async def test_an_advisor_with_ib_insync_shares_orders_and_binds_those_by_hand(version: int) -> None:
    async with travelling(advisory(version), Looped(), enter, client_id=0) as tour:
        await advise(tour)
