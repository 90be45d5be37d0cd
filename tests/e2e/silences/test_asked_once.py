"""The gateway's time has no number by which answers are told apart: it is asked once for all who want it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from tests.e2e.silences.conftest import listening

if TYPE_CHECKING:
    from tests.e2e.silences.conftest import Broker
    from tests.house import House

TIME = "49"
"""Question and answer have the same message id."""


def asked(home: House) -> int:
    return sum(message[0] == TIME for message in home.tap.said)


async def test_callers_who_ask_for_the_time_at_once_share_one_question(broker: Broker) -> None:
    async with broker.served(broker.tap.port) as home, listening(home) as ear:
        home.tap.muted = True
        before = asked(home)
        calls = [asyncio.create_task(home.call("GET", "/ib/handshake")) for _caller in range(4)]

        async def once() -> bool:
            return asked(home) > before

        await home.until(once)
        await asyncio.sleep(0.1)
        home.tap.whisper(TIME, 1, int(time.time()))
        assert [status for status, _answer in await asyncio.gather(*calls)] == [200] * 4
        assert asked(home) == before + 1
        home.tap.muted = False
        assert not await ear.sessions()


async def test_a_caller_who_meets_the_keep_alive_ends_no_session(broker: Broker) -> None:
    async with broker.served(broker.tap.port) as home, listening(home) as ear:
        home.tap.muted = True
        before = asked(home)

        async def by_the_service_itself() -> bool:
            return asked(home) > before

        await home.until(by_the_service_itself)
        call = asyncio.create_task(home.call("GET", "/ib/handshake"))
        await asyncio.sleep(0.1)
        home.tap.whisper(TIME, 1, int(time.time()))
        assert (await call)[0] == 200
        home.tap.muted = False
        answered = asked(home)

        async def again_by_the_service() -> bool:
            return asked(home) > answered or bool(await ear.sessions())

        await home.until(again_by_the_service)
        assert not await ear.sessions()
