"""IBKR's older client judges the TWS door, call by call, at its own server version."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import pytest

from tests.foreign.dialects import Classic
from tests.foreign.full_tour import advise, play
from tests.foreign.puppet import Puppet, python_puppet
from tests.foreign.tour import advisory, everything, travelling

pytestmark = [pytest.mark.foreign, pytest.mark.parametrize("version", [157])]


def enter(port: int, client_id: int) -> AbstractAsyncContextManager[Puppet]:
    return python_puppet("ibapi_client.py", port, client_id)


async def test_a_tour_of_every_call_of_ibkrs_older_client_finds_what_the_exchange_knows(version: int) -> None:
    async with travelling(everything(version), Classic(), enter, client_id=1) as tour:
        await play(tour)


async def test_an_advisor_with_ibkrs_older_client_shares_orders_and_binds_those_by_hand(version: int) -> None:
    async with travelling(advisory(version), Classic(), enter, client_id=0) as tour:
        await advise(tour)
