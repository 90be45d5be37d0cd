"""Coming in: versions, silence, client ids."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House


@pytest.mark.parametrize(
    ("offer", "version"),
    [("v157..176", 176), ("v157..178", 178), ("v100..157", 157), ("v157", 157), ("v100..225 +PACEAPI", 200)],
)
async def test_both_sides_speak_the_highest_version_they_share(house: House, offer: str, version: int) -> None:
    wire = await house.knock()
    reply = await wire.greet(offer)
    assert reply == [str(version), "20260302 10:00:00 US/Eastern"]


@pytest.mark.parametrize("offer", ["v100..156", "v201..225", "hello", ""])
async def test_a_client_without_a_common_version_is_left_without_a_word(house: House, offer: str) -> None:
    wire = await house.knock()
    wire.writer.write(b"API\0" + len(offer).to_bytes(4, "big") + offer.encode())
    assert await wire.reader.read() == b""


async def test_a_lower_cap_lowers_the_version(open_house: Callable[..., Any]) -> None:
    wire = await (await open_house(version_cap=163)).knock()
    assert (await wire.greet("v100..178"))[0] == "163"


async def test_nothing_is_said_between_the_handshake_and_start_api(house: House) -> None:
    wire = await house.knock()
    await wire.greet("v157..178")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(wire.reader.read(1), 0.1)


async def test_a_client_is_told_accounts_its_next_id_and_that_the_farms_are_well(house: House) -> None:
    wire = await house.knock()
    await wire.greet("v157..178")
    messages = await wire.ask(71, 2, 1, "")
    assert messages[:2] == [["15", "1", "DU9912345,DU9967890"], ["9", "1", "1"]]
    assert [message[3] for message in messages[2:]] == ["2104", "2106", "2158"]


async def test_a_used_client_id_is_refused_with_326_and_free_again_afterwards(house: House) -> None:
    first = await house.client(7)
    second = await house.knock()
    await second.greet("v157..178")
    second.send(71, 2, 7, "")
    assert (await second.read())[2:4] == ["-1", "326"]
    assert await second.ended()
    await first.close()
    await house.empty()
    assert await (await house.client(7)).ask(17, 1) == [["15", "1", "DU9912345,DU9967890"]]


async def test_no_more_than_32_clients_are_let_in(house: House) -> None:
    for client_id in range(32):
        await house.client(client_id)
    late = await house.knock()
    await late.greet("v157..178")
    late.send(71, 2, 32, "")
    assert await late.ended()


async def test_the_next_order_id_outlives_the_connection_and_belongs_to_the_client(house: House) -> None:
    wire = await house.client(3)
    await wire.place(41)
    await wire.close()
    await house.empty()
    assert await (await house.client(3)).ask(8, 1, 1) == [["9", "1", "42"]]
    assert await (await house.client(4)).ask(8, 1, 1) == [["9", "1", "1"]]


async def test_a_read_only_api_neither_takes_nor_shows_orders(
    open_house: Callable[..., Any], order_fields: Callable[..., list[object]]
) -> None:
    house = await open_house(read_only=True)
    client = await house.client()
    for message, request_id in ((order_fields(178, 7), "7"), ((4, 1, 7, ""), "7"), ((5, 1), "-1"), ((99, 1), "-1")):
        [told] = await client.ask(*message)
        assert (told[0], told[2:4]) == ("4", [request_id, "321"])
        assert "The API interface is currently in Read-Only mode." in told[4]
    assert not house.simulator.exchange.open_orders()
    assert [message[0] for message in await client.ask(61, 1)] == ["62"]
