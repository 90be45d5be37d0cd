"""Each socket tells loss and return once, however often the gateway refuses in between; no return without a loss."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from tests.e2e.silences.conftest import Broker, Ear, listening
from tests.house import House

REFUSALS = 6


async def refused_often(home: House) -> None:
    """The connection breaks, and every attempt at a new one is dropped."""
    home.tap.closed = True
    before = home.tap.connections
    home.tap.cut()

    async def often() -> bool:
        return home.tap.connections >= before + REFUSALS

    await home.until(often)
    home.tap.closed = False


async def mute_and_then_refused(home: House) -> None:
    """Nothing is heard any more until the connection is given up, and each new one hears nothing either."""
    home.tap.muted = True
    before = home.tap.connections

    async def given_up() -> bool:
        return home.tap.connections >= before + 2

    await home.until(given_up)
    home.tap.muted = False


async def link_lost_and_back(home: House) -> None:
    home.simulator.faults.inject("link_lost")
    await home.until_ready(ready=False)
    for _ in range(3):
        home.tap.message(-1, 1100, "Connectivity between IBKR and TWS has been lost.")
    assert (await home.call("GET", "/health"))[1]["ibkr"]["code"] == "session.link_lost"
    home.simulator.faults.inject("link_restored")


async def link_back_without_its_data(home: House) -> None:
    home.simulator.faults.inject("link_lost")
    await home.until_ready(ready=False)
    home.simulator.faults.inject("link_restored_data_lost")


async def restarted_with_its_client_id_held(home: House) -> None:
    before = home.tap.connections
    home.simulator.faults.inject("client_id_held", "leave", options={"tries": REFUSALS})
    home.tap.cut()

    async def often() -> bool:
        return home.tap.connections >= before + REFUSALS

    await home.until(often)


Story = Callable[[House], Awaitable[None]]
STORIES: tuple[tuple[Story, str], ...] = (
    (refused_often, "disconnected"),
    (mute_and_then_refused, "disconnected"),
    (link_lost_and_back, "degraded"),
    (link_back_without_its_data, "degraded"),
    (restarted_with_its_client_id_held, "disconnected"),
)
stories = pytest.mark.parametrize(("story", "lost"), STORIES, ids=[story.__name__ for story, _lost in STORIES])


@stories
async def test_an_outage_is_one_loss_and_one_return_on_ws_ib(broker: Broker, story: Story, lost: str) -> None:
    async with broker.served(broker.tap.port) as home, listening(home) as ear:
        await story(home)
        await home.until_ready()
        assert [state for state, _code in await ear.sessions()] == [lost, "ready"]


def quotes(home: House) -> AbstractAsyncContextManager[Ear]:
    return listening(home, "/ws/stream")


@stories
async def test_an_outage_is_one_loss_and_one_return_on_ws_stream(broker: Broker, story: Story, lost: str) -> None:
    async with broker.served(broker.tap.port) as home, quotes(home) as ear:
        await ear.socket.send_json({"action": "subscribe", "symbol": "AAPL"})
        await ear.until(lambda message: message["type"] == "quote")
        await story(home)
        await home.until_ready()
        await ear.until(lambda message: message["type"] == "status" and message["status"] == "live")
        await ear.until(lambda message: message["type"] == "quote")
        told = [message for message in await ear.all() if message["type"] == "status"]
        assert [message["status"] for message in told] == ["stale", "live"]
        assert told[0]["reason"]
        assert told[0]["as_of"]
        assert not between(ear.heard, told[0], told[1])


def between(heard: list[dict[str, Any]], first: dict[str, Any], last: dict[str, Any]) -> list[dict[str, Any]]:
    """The quotes told while they were stale."""
    return [message for message in heard[heard.index(first) : heard.index(last)] if message["type"] == "quote"]


@pytest.mark.parametrize("code", [1102, 2104], ids=["1102", "2104"])
async def test_a_return_that_nothing_was_lost_before_is_no_news(broker: Broker, code: int) -> None:
    async with broker.served(broker.tap.port) as home, listening(home) as ear:
        for _ in range(2):
            home.tap.message(-1, code, "Connectivity has been restored.")
        await home.call("GET", "/ib/handshake")  # its answer comes after the messages
        assert await ear.sessions() == []
        assert (await home.call("GET", "/readyz"))[0] == 200


async def test_lost_data_is_a_loss_until_all_of_it_has_been_asked_for_again(broker: Broker) -> None:
    async with broker.served(broker.tap.port) as home, listening(home) as ear:
        home.tap.message(-1, 1101, "Connectivity has been restored, data lost.")
        await home.call("GET", "/ib/handshake")  # its answer comes after the message
        await home.until_ready()
        assert await ear.sessions() == [("degraded", "session.data_lost"), ("ready", None)]


async def test_a_socket_opened_in_an_outage_hears_of_it_first_and_then_of_the_return(broker: Broker) -> None:
    async with broker.served(broker.tap.port) as home:
        home.tap.closed = True
        home.tap.cut()
        await home.until_ready(ready=False)
        async with listening(home) as ear:
            assert ear.heard[0]["data"]["connected"] is False
            assert ear.heard[0]["data"]["reason"]
            home.tap.closed = False
            await home.until_ready()
            assert await ear.sessions() == [("ready", None)]
