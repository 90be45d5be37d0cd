"""What becomes of a book when its contract is halted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message, Wire

AAPL = 265598
BOOK = [AAPL, *[""] * 6, "NASDAQ", *[""] * 4, 5, 0, ""]
SMART_BOOK = [AAPL, *[""] * 6, "SMART", *[""] * 4, 5, 1, ""]


async def pause(wire: Wire) -> list[Message]:
    """What comes while the door looks at the clock a few times."""
    await asyncio.sleep(0.05)
    return await wire.settle()


def rows(messages: list[Message]) -> set[str]:
    return {message[2] for message in messages if message[0] in ("12", "13")}


async def test_a_halt_ends_books_with_316_and_one_can_be_asked_for_again(house: House) -> None:
    wire = await house.client()
    for request_id, book in ((1, BOOK), (2, SMART_BOOK)):
        assert rows(await wire.ask(10, 5, request_id, *book)) == {str(request_id)}
    house.simulator.exchange.halt(AAPL)
    heard = await pause(wire)
    text = "Market depth data has been HALTED. Please re-subscribe."
    assert [message[2:5] for message in heard if message[0] == "4"] == [["1", "316", text], ["2", "316", text]]
    house.advance(seconds=20)
    assert rows(await pause(wire)) == set()
    assert [message[3] for message in await wire.ask(11, 1, 1, 0)] == ["310"]
    assert rows(await wire.ask(10, 5, 3, *BOOK)) == {"3"}  # while it is halted
    assert await pause(wire) == []
    house.simulator.exchange.resume(AAPL)
    house.advance(seconds=20)
    assert rows(await pause(wire)) == {"3"}
    house.simulator.exchange.halt(AAPL)
    assert ["3", "316"] in [message[2:4] for message in await pause(wire)]


async def test_a_halt_elsewhere_ends_no_book(house: House) -> None:
    wire = await house.client()
    await wire.ask(10, 5, 1, *BOOK)
    house.simulator.exchange.halt(272093)
    assert [message for message in await pause(wire) if message[0] == "4"] == []
