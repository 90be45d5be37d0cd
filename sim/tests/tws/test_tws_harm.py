"""Nothing a client sends, or fails to read, harms the server or another client."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House

HELLO = b"API\0" + struct.pack(">I", 9) + b"v157..178"
TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)
NUMBER = st.one_of(st.integers(-(10**12), 10**12), st.floats()).map(str)
FIELD = st.one_of(TEXT, NUMBER, st.sampled_from(["", "0", "1", "2147483647", "1.7976931348623157E308", "BAG", "AAPL"]))
MESSAGE = st.builds(
    lambda number, rest: "".join(f"{field}\0" for field in (number, *rest)).encode(),
    st.integers(0, 110),
    st.lists(FIELD, max_size=130),
)
FRAMES = st.lists(st.one_of(MESSAGE, st.binary(max_size=200)), min_size=1, max_size=8)


def framed(payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + payload


@settings(max_examples=60, deadline=None)
@given(FRAMES)
def test_random_frames_leave_everyone_else_in_peace(frames: list[bytes]) -> None:
    asyncio.run(noise_beside_a_quiet_client(frames))


async def noise_beside_a_quiet_client(frames: list[bytes]) -> None:
    failures: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context))
    async with (
        Simulator(SimulatorSettings(tws=TwsSettings(port=0), control_port=None, speed=0)) as simulator,
        asyncio.timeout(10),
    ):
        quiet = await started(simulator.tws_port, 1)
        noisy = await started(simulator.tws_port, 2)
        noisy[1].write(b"".join(map(framed, frames)))
        noisy[1].write(framed(b"14\x001\x005\x00"))
        noisy[1].write_eof()
        while await noisy[0].read(65536):
            continue
        quiet[1].write(framed(b"16\x001\x00") + framed(b"49\x001\x00"))
        while (await payload(quiet[0]))[:3] != b"49\0":
            continue
        for _reader, writer in (quiet, noisy):
            writer.transport.abort()
    assert not failures


async def started(port: int, client_id: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HELLO)
    await payload(reader)
    writer.write(framed(b"71\x002\x00%d\x00\x00" % client_id))
    await payload(reader)
    return reader, writer


async def payload(reader: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack(">I", await reader.readexactly(4))
    return await reader.readexactly(length)


async def test_an_unknown_message_is_refused_and_the_client_stays(house: House) -> None:
    wire = await house.client()
    assert [message[2:4] for message in await wire.ask(999, "x")] == [["-1", "320"]]
    assert (await wire.ask(8, 1, 1))[0][0] == "9"


@pytest.mark.parametrize(
    "frame",
    [
        framed(b"9\0008\0"),
        framed(b"62\x001\x00one\x00All\x00x\x00"),
        framed(b"49\x001"),
        framed(b"\xff\xfe\x00"),
        framed(b"abc\0"),
    ],
)
@pytest.mark.parametrize("keeps", [True, False])
async def test_an_unreadable_message_is_its_senders_trouble_alone_and_costs_the_connection_only_where_tws_is_told_so(
    open_house: Callable[..., Any], frame: bytes, keeps: bool
) -> None:
    house: House = await open_house(keeps_unreadable=keeps)
    good, bad = await house.client(1), await house.client(2)
    bad.writer.write(frame)
    assert (await bad.read())[2:4] == ["-1", "320"]
    assert (await good.ask(8, 1, 1))[0][0] == "9"
    if keeps:
        assert (await bad.ask(8, 1, 1))[0][0] == "9"
    else:
        assert await bad.ended()


@pytest.mark.parametrize("frame", [b"\xff\xff\xff\xff"])
async def test_a_frame_without_end_costs_only_its_sender_the_connection(house: House, frame: bytes) -> None:
    good, bad = await house.client(1), await house.client(2)
    bad.writer.write(frame)
    assert (await bad.read())[2:4] == ["-1", "320"]
    assert await bad.ended()
    assert (await good.ask(8, 1, 1))[0][0] == "9"


@pytest.mark.parametrize("beginning", [b"", b"AP", b"GET / HTTP/1.1\r\n\r\n", b"API\0", b"API\0\0\0\0\x09v157", HELLO])
async def test_a_peer_that_leaves_half_way_through_its_hello_is_forgotten(house: House, beginning: bytes) -> None:
    wire = await house.knock()
    wire.writer.write(beginning)
    wire.writer.write_eof()
    assert await wire.ended()
    assert not house.simulator.door.guests


async def test_a_peer_that_sends_half_a_frame_and_leaves_frees_its_id(house: House) -> None:
    wire = await house.client(5)
    wire.writer.write(struct.pack(">I", 100) + b"3\0001\0")
    wire.writer.write_eof()
    assert await wire.ended()
    await house.client(5)


async def test_a_peer_that_dawdles_over_its_hello_or_over_a_frame_is_closed(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(patience=0.05)
    silent, slow = await house.knock(), await house.client(5)
    slow.writer.write(struct.pack(">I", 100) + b"3\0001\0")
    assert await silent.ended()
    assert await slow.ended()


async def test_a_client_that_does_not_read_is_cut_off_and_delays_nobody(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(most_unsent_bytes=64 << 10)
    deaf, other = await house.client(1), await house.client(2)
    deaf.reader._transport.pause_reading()  # type: ignore[attr-defined]
    async with asyncio.timeout(20):
        while len(house.simulator.door.guests) == 2:
            for _ in range(200):
                deaf.send(76, 1, 1, "DU9912345", "", 0)
            assert (await other.ask(8, 1, 1))[0][0] == "9"
    assert house.simulator.door.guests[0].client_id == 2


@pytest.mark.parametrize("number", [21, 52, 100, 102])
async def test_what_is_not_offered_is_refused_under_the_requests_own_id(house: House, number: int) -> None:
    versioned = number in {21, 52}
    wire = await house.client()
    heard = await wire.ask(number, *([1] if versioned else []), 4711, *[""] * 30)
    assert [(message[0], message[2]) for message in heard] == [("4", "4711")]


async def test_a_name_beyond_ascii_comes_back_escaped_to_every_client(house: House) -> None:
    mine, theirs = await house.client(1), await house.client(2)
    await mine.place(1, kind="LMT", limit=house.price("0.5"), ref="Zürich 🚀")
    shown = (await theirs.ask(16, 1))[0]
    assert shown[23] == r"Z\u00fcrich \ud83d\ude80"


async def test_a_field_that_others_read_as_a_number_must_be_one(house: House) -> None:
    wire = await house.client()
    wire.send(*["x" if field == -1 else field for field in fields_of_an_order(wire.version)])
    assert (await wire.read())[2:4] == ["-1", "320"]
    assert not house.open_orders()


def fields_of_an_order(version: int) -> list[object]:
    """Up to exemptCode, the one field that is -1, and a tail long enough."""
    head: list[object] = [
        3,
        1,
        265598,
        *[""] * 6,
        "SMART",
        *[""] * 4,
        "",
        "",
        "BUY",
        1,
        "LMT",
        1,
        "",
        "DAY",
        "",
        "DU9912345",
        "",
        0,
        "",
    ]
    return [*head, 1, *[0] * 7, "", 0, *[""] * 5, "", 0, "", -1, *[0] * 4, *[""] * 62]
