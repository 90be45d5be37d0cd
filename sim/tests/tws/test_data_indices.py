"""Data of indices: nobody bids, nobody offers, nothing changes hands; where they stand is told all the same."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House

SPX, VIX, DOW = 416904, 13455763, 900000114


def index(conid: int = SPX, exchange: str = "CBOE") -> list[object]:
    return [conid, *[""] * 6, exchange, *[""] * 4]


def bars(request_id: int, what: str, size: str = "1 hour", duration: str = "2 D") -> list[object]:
    return [20, request_id, *index(), 0, "", size, duration, 1, what, 2, 0, ""]


@pytest.mark.parametrize("conid", [SPX, VIX])
async def test_its_stream_has_a_last_price_and_nothing_of_an_order_book(house: House, conid: int) -> None:
    heard = await (await house.client()).ask(1, 11, 1, *index(conid), 0, "", 0, 0, "")
    told = {message[3]: message[4] for message in heard if message[0] in {"1", "2"}}
    assert "4" in told
    assert not {"0", "1", "2", "3"} & told.keys()
    assert told["8"] == "0"


@pytest.mark.parametrize("smart", [0, 1])
async def test_it_has_no_book(house: House, smart: int) -> None:
    (message,) = await (await house.client()).ask(10, 5, 1, *index(), 5, smart, "")
    assert message[2:4] == ["1", "10092"]


@pytest.mark.parametrize("size", ["1 min", "1 hour", "1 day", "1 week"])
async def test_its_bars_have_no_volume(house: House, size: str) -> None:
    wire = await house.client()
    house.advance(minutes=3)
    (message,) = await wire.ask(*bars(1, "TRADES", size, "1 D" if "min" in size else "1 M"))
    cells = message[5:]
    assert len(cells) > 8
    assert {cells[place + 5] for place in range(0, len(cells), 8)} == {"0"}
    assert all(float(cells[place + 4]) > 0 for place in range(0, len(cells), 8))


@pytest.mark.parametrize("what", ["BID", "ASK", "BID_ASK", "MIDPOINT"])
async def test_it_has_no_quotes_in_the_past_either(house: House, what: str) -> None:
    wire = await house.client()
    requests = [bars(1, what), [87, 1, *index(), 0, 1, what, 1]]
    if what in {"BID_ASK", "MIDPOINT"}:
        requests.append([96, 1, *index(), 0, "", "20260302-15:00:00", 3, what, 0, 0, ""])
    for request in requests:
        (message,) = await wire.ask(*request)
        assert message[2:4] == ["1", "162"]
        assert "HMDS query returned no data" in message[4]


async def test_it_has_no_histogram(house: House) -> None:
    (message,) = await (await house.client()).ask(88, 1, *index(), 0, 1, "3 days")
    assert message[2:4] == ["1", "10188"]


@pytest.mark.parametrize(("what", "expected"), [("BID", "420"), ("ASK", "420"), ("MIDPOINT", "420"), ("TRADES", None)])
async def test_its_bars_of_five_seconds_are_of_where_it_stood(house: House, what: str, expected: str | None) -> None:
    wire = await house.client()
    heard = await wire.ask(50, 3, 1, *index(), 5, what, 0, "")
    assert [message[3] for message in heard] == ([expected] if expected else [])
    house.advance(seconds=15)
    await asyncio.sleep(0.03)
    told = [message for message in await wire.settle() if message[0] == "50"]
    assert len(told) == (0 if expected else 3)
    assert {message[8] for message in told} <= {"0"}


@pytest.mark.parametrize("kind", ["Last", "AllLast", "BidAsk", "MidPoint"])
async def test_it_has_no_single_ticks(house: House, kind: str) -> None:
    (message,) = await (await house.client()).ask(97, 1, *index(), kind, 0, 0)
    text = f"Failed to request tick-by-tick data.{kind} tick-by-tick requests are not supported for SPX."
    assert message[2:5] == ["1", "10189", text]


@pytest.mark.parametrize("kind", ["BidAsk", "MidPoint"])
async def test_at_cme_it_has_none_of_quotes(house: House, kind: str) -> None:
    (message,) = await (await house.client()).ask(97, 1, *index(DOW, "CME"), kind, 0, 0)
    assert message[2:4] == ["1", "10189"]


async def test_at_cme_its_single_ticks_are_where_it_moves_to_without_size(house: House) -> None:
    wire, dow = await house.client(), index(DOW, "CME")
    (past,) = await wire.ask(97, 1, *dow, "AllLast", 3, 0)
    assert (past[0], past[6]) == ("98", "0")
    house.advance(seconds=20)
    await asyncio.sleep(0.03)
    told = [message for message in await wire.settle() if message[:3] == ["99", "1", "2"]]
    assert len(told) > 1
    assert {message[5] for message in told} == {"0"}
    prices = [message[4] for message in told]
    assert all(before != after for before, after in pairwise(prices))
    (later,) = await wire.ask(96, 2, *dow, 0, "20260302-15:00:01", "", 1000, "TRADES", 0, 0, "")
    assert set(prices[1:]) <= set(later[5::6]), "the same is told later"
