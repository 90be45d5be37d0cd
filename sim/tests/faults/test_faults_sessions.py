"""Faults of the wire and of getting in: cut, refused, restarted, waiting for ever."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sim.tests.faults.conftest import House, Message, Peer

    Story = Callable[[list[Message]], list[str]]


async def refused(peer: Peer, client_id: int = 1) -> bool:
    """Whether 326 and the end are all that follows startApi."""
    await peer.start(client_id)
    (message, *more) = frames(await peer.rest())
    return message[3] == "326" and not more


def frames(heard: bytes) -> list[Message]:
    """Whole messages; a part of one is left out."""
    messages = []
    while len(heard) >= 4 and len(heard) >= 4 + (length := struct.unpack(">I", heard[:4])[0]):
        messages.append(heard[4 : 4 + length].decode().split("\0")[:-1])
        heard = heard[4 + length :]
    return messages


async def reachable(house: House) -> bool:
    try:
        (await house.knock()).leave()
    except ConnectionRefusedError:
        return False
    return True


async def opened(house: House) -> None:
    async with asyncio.timeout(5):
        while not await reachable(house):  # noqa: ASYNC110  a client can only knock again
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("count", [1, 3, 4, 500, 1001])
async def test_a_connection_is_cut_after_exactly_so_many_bytes(house: House, count: int) -> None:
    client = await house.client()
    house.fault("cut", bytes=count, when="after")
    client.order(1, orderRef="taken")
    assert len(await client.rest()) == count
    assert house.truth() == [("taken", "Filled", "10")]


async def test_a_cut_before_the_order_is_taken_leaves_no_order(house: House) -> None:
    client = await house.client()
    house.fault("cut", when="before")
    client.order(1)
    assert await client.rest() == b""
    assert house.truth() == []


async def test_a_cut_at_once_or_after_bytes_ends_one_connection(house: House) -> None:
    client, other = await house.client(1), await house.client(2)
    house.fault("cut", client=1)
    assert await client.rest() == b""
    house.fault("cut", "bytes:100", client=2)
    other.order(1)
    assert len(await other.rest()) >= 100
    await house.empty()
    assert await (await house.client()).settle() == []


async def test_a_client_id_is_held_for_some_tries_after_a_drop(house: House) -> None:
    client = await house.client()
    house.fault("client_id_held", "leave", tries=2)
    client.leave()
    await house.empty()
    other = await house.client(2)
    assert await other.settle() == []
    for _ in range(2):
        assert await refused(await house.knock())
    assert await (await house.client()).settle() == []


async def test_at_night_the_port_refuses_then_all_is_back_but_the_subscriptions(house: House, story: Story) -> None:
    client = await house.client()
    await client.place(1, house.limit(), orderRef="gtc")
    port = house.simulator.tws_port
    house.fault("nightly_restart", seconds=90)
    await client.rest()
    await house.empty()
    assert not await reachable(house)
    house.advance(90)
    await opened(house)
    assert house.simulator.tws_port == port
    assert await refused(await house.knock())
    again = await house.client()
    again.say.reqOpenOrders()
    assert story(await again.settle()) == ["open Submitted", "status Submitted", "end"]
    assert house.truth() == [("gtc", "Submitted", "0")]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a port at which nobody listens")
async def test_while_the_port_refuses_no_other_program_is_given_it(house: House) -> None:
    house.fault("nightly_restart", seconds=90)
    assert not await reachable(house)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", house.simulator.tws_port))
    house.advance(90)
    await opened(house)


async def test_at_a_set_hour_of_new_york_the_gateway_restarts_every_day(house: House) -> None:
    """The house stands at 10:00 in New York."""
    restarts = house.fault("nightly_restart", "time:23:45", seconds=60)
    for seconds in (13.75 * 3600, 24 * 3600 - 60):
        await house.client()
        house.advance(seconds - 1)
        assert await reachable(house)
        house.advance(1)
        await house.empty()
        assert not await reachable(house)
        house.advance(60)
        await opened(house)
        assert await refused(await house.knock())
    assert [f"{moment:%d %H:%M}" for moment in restarts.strikes] == ["03 04:45", "04 04:45"]


async def test_behind_a_relay_connections_are_accepted_and_dropped_until_it_is_cleared(house: House) -> None:
    await house.client()
    house.fault("nightly_restart", relay=True)
    await house.empty()
    assert await (await house.knock()).rest() == b""
    house.clear()
    assert await (await house.client()).settle() == []


async def test_clearing_a_restart_opens_the_port_at_once(house: House) -> None:
    house.fault("nightly_restart")
    assert not await reachable(house)
    house.clear()
    await opened(house)


async def test_without_the_second_factor_start_api_is_not_answered(house: House) -> None:
    before = await house.client()
    house.fault("second_factor")
    await before.rest()
    impatient, patient = await house.knock(), await house.knock()
    await impatient.start(1)
    assert await impatient.silent()
    impatient.leave()
    await patient.start(1)
    assert await patient.silent()
    house.clear()
    assert [message[0] for message in (await patient.until("9"))] == ["15", "9"]


async def test_a_gateway_that_hangs_accepts_and_says_nothing_until_it_goes_on(house: House, story: Story) -> None:
    client = await house.client()
    house.fault("gateway_hangs")
    client.order(1)
    late = await house.knock()
    late.writer.write(b"API\0")
    late.write(b"v157..178")
    assert await client.silent()
    assert await late.silent()
    assert house.truth() == []
    house.clear()
    assert (await late.read())[0] == "178"
    assert "fill" in story(await client.settle())
    assert house.truth() == [("", "Filled", "10")]


async def test_a_request_kept_by_a_fault_and_unreadable_is_complained_of_to_its_own_client(house: House) -> None:
    client, other = await house.client(1), await house.client(2)
    house.fault("gateway_hangs", client=1)
    client.write(b"3\0not a number\0")
    assert await client.silent()
    house.clear()
    assert [message[3] for message in await client.settle()] == ["320"]
    assert await other.settle() == []
