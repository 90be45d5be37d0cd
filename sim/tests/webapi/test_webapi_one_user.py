"""Two doors and one user: who has the brokerage session, and what the other one loses by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from ib_async import IB, Stock

COMPETE = {"publish": True, "compete": True}
MODEST = {"publish": True, "compete": False}
COMPETING = 10197


class Trader:
    """A client of the TWS door, and the codes that it hears."""

    def __init__(self) -> None:
        self.ib = IB()
        self.codes: asyncio.Queue[int] = asyncio.Queue()
        self.ib.errorEvent += lambda _id, code, _text, _contract: self.codes.put_nowait(code)

    async def come(self, port: int) -> None:
        await self.ib.connectAsync("127.0.0.1", port, clientId=7, timeout=5)
        self.ib.reqMktData(Stock("AAPL", "SMART", "USD", conId=265598))

    async def hears(self, code: int) -> None:
        async with asyncio.timeout(5):
            while await self.codes.get() != code:
                pass


@pytest.fixture
async def trader() -> AsyncIterator[Trader]:
    one = Trader()
    yield one
    one.ib.disconnect()


async def test_the_doors_do_not_disturb_each_other_unless_told_to(
    open_house: Callable[..., Any], trader: Trader
) -> None:
    house = await open_house(speed=1)
    await trader.come(house.simulator.tws_port)
    assert (await house.post("/iserver/auth/ssodh/init", MODEST))["authenticated"] is True
    assert house.simulator.faults.injections == ()


async def test_a_session_here_takes_the_market_data_from_tws_until_it_ends(
    open_house: Callable[..., Any], trader: Trader
) -> None:
    house = await open_house(auto_login=False, competes_with_tws=True)
    await trader.come(house.simulator.tws_port)
    house.door.house.sessions.log_in()
    told = await house.post("/iserver/auth/ssodh/init", MODEST)
    assert (told["authenticated"], told["competing"]) == (False, True)
    assert (await house.post("/iserver/auth/ssodh/init", COMPETE))["authenticated"] is True
    await trader.hears(COMPETING)
    await house.post("/logout")
    assert house.simulator.faults.injections == ()


async def test_nobody_at_the_other_door_leaves_the_session_to_the_modest(open_house: Callable[..., Any]) -> None:
    house = await open_house(competes_with_tws=True)
    assert (await house.post("/iserver/auth/status"))["authenticated"] is True
    (row,) = house.simulator.faults.injections
    assert row.order.name == "competing_session"
