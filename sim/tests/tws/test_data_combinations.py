"""Data of combinations: quotes and bars out of those of the legs."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message, Wire

AAPL, MSFT = 265598, 272093
SPREAD = [2, AAPL, 2, "BUY", "SMART", MSFT, 1, "SELL", "SMART"]
BAG = [0, "AAPL,MSFT", "BAG", *[""] * 4, "SMART", "", "USD", "", ""]


def quotes(request_id: int, legs: list[object], generic: str = "", *, snapshot: int = 0) -> list[object]:
    return [1, 11, request_id, *BAG, *legs, 0, generic, snapshot, 0, ""]


def bars(
    request_id: int,
    what: str,
    legs: list[object] | None = None,
    *,
    size: str = "1 hour",
    duration: str = "2 D",
    keep: int = 0,
) -> list[object]:
    return [20, request_id, *BAG, 0, "", size, duration, 1, what, 2, *(legs or SPREAD), keep, ""]


def stock(request_id: int, conid: int, what: str) -> list[object]:
    return [20, request_id, conid, *[""] * 6, "SMART", *[""] * 4, 0, "", "1 hour", "2 D", 1, what, 2, 0, ""]


def rows(message: Message) -> list[list[str]]:
    """Date, open, high, low, close, volume, average and count of each bar."""
    assert message[0] == "17"
    cells = message[5:]
    return [cells[place : place + 8] for place in range(0, len(cells), 8)]


def prices(messages: list[Message]) -> dict[str, Decimal]:
    return {message[3]: Decimal(message[4]) for message in messages if message[0] == "1"}


def value(house: House, sides: tuple[str, str]) -> Decimal:
    """Of two of one against one of the other, at these sides of their quotes."""
    market = house.simulator.exchange
    aapl, msft = (getattr(market.quote(conid), side) for conid, side in zip((AAPL, MSFT), sides, strict=True))
    return Decimal(2 * aapl - msft)


async def later(house: House, wire: Wire, **duration: float) -> list[Message]:
    house.advance(**duration)
    await asyncio.sleep(0.03)
    return await wire.settle()


async def test_a_combination_is_quoted_by_its_legs_and_follows_them(house: House) -> None:
    wire = await house.client()
    heard = await wire.ask(*quotes(1, SPREAD))
    assert [message[0] for message in heard[:2]] == ["81", "58"]
    assert prices(heard) == {"1": value(house, ("bid", "ask")), "2": value(house, ("ask", "bid"))}
    moved = prices(await later(house, wire, seconds=30))
    assert moved
    assert moved.items() <= {"1": value(house, ("bid", "ask")), "2": value(house, ("ask", "bid"))}.items()
    assert await wire.ask(2, 2, 1) == []


async def test_a_snapshot_of_a_combination_ends(house: House) -> None:
    heard = await (await house.client()).ask(*quotes(1, SPREAD, snapshot=1))
    assert {"1", "2"} == prices(heard).keys()
    assert heard[-1] == ["57", "1", "1"]


async def test_generic_ticks_of_a_combination_harm_nobody(house: House) -> None:
    wire = await house.client()
    generic = "100,101,104,106,165,221,225,232,233,236,292:BRFG,293,294,295,318,375,411,456,588,595,619"
    assert "81" in {message[0] for message in await wire.ask(*quotes(1, SPREAD, generic))}
    heard = await later(house, wire, seconds=5)
    assert {message[0] for message in heard} <= {"1", "2"}
    assert (await wire.ask(8, 1, 1))[0][0] == "9"


@pytest.mark.parametrize(
    ("legs", "expected"),
    [
        ([0], "321"),
        ([1, AAPL, 1, "BUY", "SMART"], "321"),
        ([2, AAPL, 0, "BUY", "SMART", MSFT, 1, "SELL", "SMART"], "321"),
        ([2, AAPL, 1, "BUY", "SMART", 1, 1, "SELL", "SMART"], "200"),
    ],
)
async def test_legs_that_are_none_are_refused_for_quotes_and_for_bars(
    house: House, legs: list[object], expected: str
) -> None:
    wire = await house.client()
    for request in (quotes(1, legs), bars(1, "TRADES", legs)):
        (message,) = await wire.ask(*request)
        assert message[2:4] == ["1", expected]
    assert (await wire.ask(8, 1, 1))[0][0] == "9"


async def test_a_combination_has_no_book(house: House) -> None:
    wire = await house.client()
    (message,) = await wire.ask(10, 5, 1, *BAG, 5, 1, "")
    assert message[2:4] == ["1", "10092"]


@pytest.mark.parametrize(
    ("what", "sides"),
    [
        ("TRADES", ("TRADES", "TRADES")),
        ("MIDPOINT", ("MIDPOINT", "MIDPOINT")),
        ("BID", ("BID", "ASK")),
        ("ASK", ("ASK", "BID")),
    ],
)
async def test_its_bars_are_what_those_of_its_legs_add_up_to(house: House, what: str, sides: tuple[str, str]) -> None:
    wire = await house.client()
    house.advance(minutes=20)
    (told,) = await wire.ask(*bars(1, what))
    legs = [rows((await wire.ask(*stock(2, *leg)))[0]) for leg in zip((AAPL, MSFT), sides, strict=True)]
    assert len(rows(told)) == len(legs[0]) > 7
    for own, aapl, msft in zip(rows(told), *legs, strict=True):
        assert own[0] == aapl[0] == msft[0]
        for place in (1, 4):
            assert Decimal(own[place]) == 2 * Decimal(aapl[place]) - Decimal(msft[place])
        assert Decimal(own[3]) <= min(Decimal(own[1]), Decimal(own[4]))
        assert Decimal(own[2]) >= max(Decimal(own[1]), Decimal(own[4]))
        assert own[5] == ("0" if what == "TRADES" else "-1")


@pytest.mark.parametrize("what", ["BID_ASK", "HISTORICAL_VOLATILITY", "OPTION_IMPLIED_VOLATILITY"])
async def test_what_a_combination_has_not_is_refused(house: House, what: str) -> None:
    (message,) = await (await house.client()).ask(*bars(1, what, size="1 day", duration="5 D"))
    assert message[2:4] == ["1", "162"]
    assert "HMDS query returned no data" in message[4]


@pytest.mark.parametrize("size", ["1 day", "1 week", "1 month"])
async def test_its_long_bars_are_dated_by_trading_days(house: House, size: str) -> None:
    (told,) = await (await house.client()).ask(*bars(1, "TRADES", size=size, duration="2 M"))
    dates = [row[0] for row in rows(told)]
    assert dates == sorted(set(dates))
    assert dates[-1] == "20260302"


async def test_its_bars_are_kept_up_to_date(house: House) -> None:
    wire = await house.client()
    (told,) = await wire.ask(*bars(1, "TRADES", size="5 secs", duration="60 S", keep=1))
    assert len(rows(told)) == 12
    updates = [message for message in await later(house, wire, seconds=12) if message[0] == "90"]
    assert len(updates) >= 2
    assert Decimal(updates[-1][5]) == value(house, ("last", "last"))
    (over,) = await wire.ask(25, 1, 1)
    assert over[2:4] == ["1", "162"]
