"""How much a client may ask, and that nothing it asks for harms it or another client."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message, Wire

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


async def flood(wire: Wire, count: int) -> list[Message]:
    for _time in range(count - 1):
        wire.send(8, 1, 1)
    return await wire.settle()


async def test_fifty_messages_a_second_are_answered_and_more_are_told_so(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(most_messages=50)
    wire = await house.client()
    assert {message[0] for message in await flood(wire, 48)} == {"9"}
    heard = await flood(wire, 2)
    assert [message[2:4] for message in heard if message[0] == "4"] == [["-1", "100"]]
    assert heard[-1][4] == "Max rate of messages per second has been exceeded:max=50 rec=51 (1)"


async def test_who_goes_on_too_fast_is_closed(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(most_messages=20)
    wire, other = await house.client(1), await house.client(2)
    for _time in range(30):
        wire.send(8, 1, 1)
    assert await wire.ended()
    assert (await other.ask(8, 1, 1))[0][0] == "9"


async def test_a_client_that_asks_for_it_is_slowed_down_instead(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(most_messages=30)
    wire = await house.knock()
    await wire.greet("v100..178 +PACEAPI")
    wire.send(71, 2, 1, "")
    before = asyncio.get_running_loop().time()
    assert [message[0] for message in await flood(wire, 40)].count("9") == 40
    assert asyncio.get_running_loop().time() - before >= 0.95


async def test_thirty_two_clients_are_served_at_once(house: House) -> None:
    wires = [await house.client(client_id) for client_id in range(32)]
    for wire in wires:
        wire.send(91, 26)
    for wire in wires:
        assert await wire.read() == ["93", "26", "1", "0", "0.01"]


@pytest.mark.parametrize(
    ("version", "fields"), [(157, ["2", "9", "300"]), (166, ["2", "9", "300"]), (193, ["2", "9", "300"])]
)
async def test_a_refusal_has_the_layout_of_its_version(house: House, version: int, fields: list[str]) -> None:
    wire = await house.client(version=version)
    (message,) = await wire.ask(2, 2, 9)
    assert (message[:4], len(message)) == (["4", *fields], 5 if version < 166 else 6)


@pytest.mark.parametrize("version", [194, 200])
async def test_a_late_refusal_says_when_instead_of_its_version(house: House, version: int) -> None:
    wire = await house.client(version=version)
    (message,) = await wire.ask(2, 2, 9)
    assert (message[:3], message[4:]) == (["4", "9", "300"], ["", str(int(START.timestamp() * 1000))])


@pytest.mark.parametrize(("version", "count"), [(178, 42), (182, 43), (186, 44), (193, 44), (200, 44)])
async def test_contract_details_have_the_fields_of_their_version(house: House, version: int, count: int) -> None:
    wire = await house.client(version=version)
    details, _end = await wire.ask(9, 8, 5, 265598, *[""] * 11, 0, "", "", "")
    assert len(details) == count
    assert details[-4:] == ["1", "1", "100", "0"] if version >= 186 else details[-3:] == ["1", "1", "100"]


async def test_a_feed_that_breaks_ends_its_own_client_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    wire, other = await house.client(1), await house.client(2)
    session, _connection = house.simulator.door._sessions[1]

    def broken(_now: datetime) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(session.pnl, "refresh", broken)
    assert await wire.ended()
    assert (await other.ask(8, 1, 1))[0][0] == "9"


def one(*values: object) -> st.SearchStrategy[object]:
    return st.sampled_from(values)


CONTRACT = one(265598, 12087792, 38708091, 0, 1, "", 2147483647)
SYMBOL = one("AAPL", "EUR", "TWIN", "", "Ünder\\")
VENUE = one("SMART", "NASDAQ", "IDEALPRO", "", "MOON")
FLAG = one(0, 1, "", "true")
SMALL = one(0, 1, 2, 5, 20, 1000, -1, "", 2147483647)
TEXT = st.one_of(
    one("", "AAPL", "none", "265598@SMART", "BRFG", "BRFG+DJNL", "BRFG$40d7e.20260227", "9c0001"),
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=6),
)
TIME = one(
    "", "20260227-17:00:00", "20260227 12:00:00", "20260227 12:00:00 Europe/Zurich", "20260101", "soon", "99999999"
)
SIZE = one("1 secs", "5 secs", "30 secs", "1 min", "1 hour", "4 hours", "1 day", "1W", "1M", "1 week", "2 parsecs")
DURATION = one("60 S", "1800 S", "86400 S", "1 D", "2 W", "1 M", "1 Y", "20 Y", "0 D", "9 Z", "")
WHAT = one("TRADES", "Bid_Ask", "MIDPOINT", "BID", "ASK", "ADJUSTED_LAST", "HISTORICAL_VOLATILITY", "SCHEDULE", "X", "")
PERIOD = one("3 days", "1 week", "20 years", "1 second", "0 days", "x")
NUMBER = one("", 0, 0.3, 270, -1, "1e-17", "1.7976931348623157E308", 1e9)
DESCRIPTION: tuple[st.SearchStrategy[object], ...] = (
    CONTRACT,
    SYMBOL,
    one("STK", "CASH", "OPT", ""),
    one("", "20260619", "soonsoon"),
    NUMBER,
)
DESCRIPTION += (one("", "C", "P"), one("", "100"), VENUE, one("", "NASDAQ"), one("USD", ""), one(""), one(""))
ID = one(*range(1, 9))
NONE = one("")
LAYOUTS: dict[int, Sequence[st.SearchStrategy[object]]] = {
    1: (one(11), ID, *DESCRIPTION, one(0), one("", "233", "mdoff,292", "165,221,411,595", "7"), FLAG, one(0), NONE),
    2: (one(2), ID),
    10: (one(5), ID, *DESCRIPTION, SMALL, FLAG, NONE),
    11: (one(1), ID, FLAG),
    20: (ID, *DESCRIPTION, one(0), TIME, SIZE, DURATION, FLAG, WHAT, one(1, 2, ""), FLAG, NONE),
    22: (
        ID,
        SMALL,
        one("STK", "X"),
        one("STK.US", "X"),
        one("MOST_ACTIVE", "X"),
        *[NUMBER] * 13,
        *[SMALL] * 4,
        TEXT,
        NONE,
    ),
    23: (one(1), ID),
    24: (one(1),),
    25: (one(1), ID),
    50: (one(3), ID, *DESCRIPTION, one(5, 10), WHAT, FLAG, NONE),
    51: (one(1), ID),
    54: (one(3), ID, *DESCRIPTION, NUMBER, NUMBER, NONE),
    55: (one(3), ID, *DESCRIPTION, NUMBER, NUMBER, NONE),
    67: (one(1), ID),
    68: (one(1), ID, SMALL),
    69: (one(1), ID, TEXT),
    70: (one(1), ID),
    78: (ID, SYMBOL, VENUE, one("STK", ""), CONTRACT),
    81: (ID, TEXT),
    83: (ID, TEXT),
    84: (ID, TEXT, TEXT, NONE),
    86: (ID, CONTRACT, TEXT, TIME, TIME, SMALL, NONE),
    87: (ID, *DESCRIPTION, one(0), FLAG, WHAT, one(1, 2)),
    88: (ID, *DESCRIPTION, one(0), FLAG, PERIOD),
    91: (SMALL,),
    96: (ID, *DESCRIPTION, one(0), TIME, TIME, SMALL, WHAT, FLAG, FLAG, NONE),
    97: (ID, *DESCRIPTION, one("Last", "BidAsk", "MidPoint", "X"), SMALL, FLAG),
    98: (ID,),
}
REQUEST = st.one_of(*[st.tuples(st.just(number), *fields) for number, fields in LAYOUTS.items()])
STORY = st.lists(st.one_of(REQUEST, st.timedeltas(timedelta(0), timedelta(minutes=3))), min_size=60, max_size=60)


@settings(max_examples=12, deadline=None)
@given(STORY, st.sampled_from([157, 178, 200]))
def test_whatever_is_asked_has_an_answer_and_harms_nobody(story: list[Any], version: int) -> None:
    asyncio.run(_told(story, version))


async def _told(story: list[Any], version: int) -> None:
    """Every request can be read: none may end the connection, and each is followed by the answer to the next."""
    failures: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context))
    doors = TwsSettings(port=0, beat=0.001, most_messages=0)
    async with (
        Simulator(SimulatorSettings(tws=doors, control_port=None, start=START, speed=0)) as simulator,
        asyncio.timeout(20),
    ):
        quiet, noisy = [await _client(simulator.tws_port, client_id, version) for client_id in (1, 2)]
        for step in story:
            if isinstance(step, timedelta):
                simulator.clock.advance(step)
                simulator.exchange.advance()
                await asyncio.sleep(0.002)
            else:
                await _ask(*noisy, *step)
        await _ask(*quiet, 61, 1)
        for _reader, writer in (quiet, noisy):
            writer.transport.abort()
    assert not failures


async def _client(port: int, client_id: int, version: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    offer = f"v{version}..{version}".encode()
    writer.write(b"API\0" + struct.pack(">I", len(offer)) + offer)
    await _read(reader)
    writer.write(_frame(71, 2, client_id, ""))
    return reader, writer


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *fields: object) -> None:
    """And wait for the answer to a question after it."""
    writer.write(_frame(*fields) + _frame(49, 1))
    while not (await _read(reader)).startswith(b"49\0"):
        continue


def _frame(*fields: object) -> bytes:
    payload = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(payload)) + payload


async def _read(reader: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack(">I", await reader.readexactly(4))
    return await reader.readexactly(length)
