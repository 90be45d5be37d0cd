"""Sizes as old clients read them: whole numbers below 163, and lots of a hundred below 159 where TWS says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message, Wire

COIN, AAPL = 479624278, 265598
BITCOIN = [COIN, "BTC", "CRYPTO", "", 0, "", "", "PAXOS", "", "USD", "", ""]
SHARE = [AAPL, *[""] * 6, "SMART", *[""] * 4]
COIN_ORDER = {"conid": COIN, "symbol": "BTC", "sec_type": "CRYPTO", "exchange": "PAXOS"}


def requests(contract: list[object]) -> dict[str, list[object]]:
    """For data whose sizes are told, all with the id 7."""
    return {
        "quotes": [1, 11, 7, *contract, 0, "233", 0, 0, ""],
        "depth": [10, 5, 7, *contract, 10, 0, ""],
        "ticks": [97, 7, *contract, "AllLast", 0, 0],
        "quotes one by one": [97, 7, *contract, "BidAsk", 0, 0],
    }


async def heard_of(house: House, wire: Wire, request: list[object]) -> list[Message]:
    """What a request brings while somebody else offers and trades fractions of a coin."""
    other = await house.client(9, version=200)
    bid, half = house.simulator.exchange.quote(COIN).bid, {**COIN_ORDER, "quantity": "0.5"}
    await other.place(1, kind="LMT", limit=bid, **{**COIN_ORDER, "quantity": "0.004"})
    await other.place(2, **half)
    heard = await wire.ask(*request)
    await other.place(3, **half)
    house.advance(seconds=10)
    await asyncio.sleep(0.1)  # the door looks at the clock every 0.01 s
    return heard + await wire.settle()


def fractions(messages: list[Message]) -> list[Message]:
    """Messages with a size that is a fraction of a coin: prices are above a thousand, and 81 has a step of prices."""
    told = [message for message in messages if message[0] not in ("4", "81")]
    return [message for message in told if any(is_fraction(field) for field in split(message))]


def split(message: Message) -> list[str]:
    return [part for field in message for part in field.split(";")]


def is_fraction(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal() and Decimal(text) < 1000 and Decimal(text) % 1 != 0


@pytest.mark.parametrize("version", [157, 162])
@pytest.mark.parametrize("data", requests([]))
async def test_fractions_of_a_coin_are_cut_off_for_old_clients_who_are_told_so_once(
    house: House, data: str, version: int
) -> None:
    wire = await house.client(version=version)
    heard = await heard_of(house, wire, requests(BITCOIN)[data])
    (warning,) = [message for message in heard if message[0] == "4"]
    text = (
        "Warning: Your API version does not support fractional share size rules. Please upgrade to a minimum version "
    )
    assert warning[2:4] == ["7", "2176"]
    assert warning[4].startswith(f"{text}163. Trimmed value ")
    assert len(heard) > 1
    assert fractions(heard) == []


@pytest.mark.parametrize("data", requests([]))
async def test_newer_clients_read_fractions(house: House, data: str) -> None:
    wire = await house.client(version=163)
    heard = await heard_of(house, wire, requests(BITCOIN)[data])
    assert [message for message in heard if message[0] == "4"] == []
    assert fractions(heard)


async def test_what_was_cut_off_is_named(house: House) -> None:
    wire, other = await house.client(version=162), await house.client(2, version=200)
    bid = house.simulator.exchange.quote(COIN).bid
    assert bid is not None
    await other.place(1, kind="LMT", limit=bid + Decimal("0.25"), action="SELL", **{**COIN_ORDER, "quantity": "0.004"})
    heard = await wire.ask(*requests(BITCOIN)["depth"])
    (warning,) = [message for message in heard if message[0] == "4"]
    assert warning[4].endswith("Trimmed value 4.004 to 4")


async def test_positions_and_executions_are_whole_truths_for_old_clients_too(house: House) -> None:
    wire = await house.client(version=157)
    await wire.ask(61, 1)
    heard = await wire.place(1, **{**COIN_ORDER, "quantity": "0.5"})
    assert [message[14] for message in heard if message[0] == "61"] == ["0.5"]
    assert [message[19] for message in heard if message[0] == "11"] == ["0.5"]


def told_sizes(messages: list[Message]) -> dict[str, Decimal]:
    """By kind of tick."""
    ticks = [message[3:] for message in messages if message[0] in ("1", "2")]
    return {row[0]: Decimal(row[2] if len(row) == 4 else row[1]) for row in ticks}


@pytest.mark.parametrize(("version", "lots"), [(157, True), (158, True), (159, False), (178, False)])
async def test_sizes_of_us_stocks_are_in_lots_for_the_oldest_clients_where_tws_says_so(
    open_house: Callable[..., Any], version: int, lots: bool
) -> None:
    house: House = await open_house(sizes_in_lots_below_159=True)
    wire, unit = await house.client(version=version), 100 if lots else 1
    house.advance(seconds=20)
    heard = told_sizes(await wire.ask(*requests(SHARE)["quotes"]))
    quote = house.simulator.exchange.quote(AAPL)
    assert quote.bid_size is not None
    assert quote.ask_size is not None
    assert (heard["1"], heard["2"], heard["8"]) == (
        quote.bid_size // unit,
        quote.ask_size // unit,
        quote.volume // unit,
    )


@pytest.fixture
async def both(open_house: Callable[..., Any]) -> Callable[..., Any]:
    """Asks two simulators of the same seed, one in lots and one in shares, and pairs a field of their answers."""
    houses: list[House] = [await open_house(sizes_in_lots_below_159=lots) for lots in (True, False)]
    wires = [await house.client(version=158) for house in houses]

    async def ask(request: list[object], number: str, place: int, seconds: int = 0) -> list[tuple[Decimal, Decimal]]:
        heard = [await wire.ask(*request) for wire in wires]
        for house, wire, messages in zip(houses, wires, heard, strict=True):
            house.advance(seconds=seconds)
            await asyncio.sleep(0.05 if seconds else 0)
            messages.extend(await wire.settle())
        sizes = [[Decimal(message[place]) for message in messages if message[0] == number] for messages in heard]
        return list(zip(*sizes, strict=True))

    return ask


@pytest.mark.parametrize(
    ("request_", "number", "place", "seconds"),
    [
        ([20, 7, *SHARE, 0, "", "1 hour", "1 D", 1, "TRADES", 1, 0, ""], "17", 10, 0),
        ([20, 7, *SHARE, 0, "", "1 min", "1800 S", 1, "TRADES", 1, 1, ""], "90", 9, 20),
        ([50, 3, 7, *SHARE, 5, "TRADES", 0, ""], "50", 8, 6),
        ([96, 7, *SHARE, 0, "20260302-14:45:00", "", 1, "TRADES", 1, 0, ""], "98", 6, 0),
        ([96, 7, *SHARE, 0, "20260302-14:45:00", "", 1, "BID_ASK", 1, 0, ""], "97", 8, 0),
        ([10, 5, 7, *SHARE[:7], "NASDAQ", *SHARE[8:], 5, 0, ""], "12", 7, 0),
    ],
    ids=["bars", "live bars", "real-time bars", "past trades", "past quotes", "depth"],
)
async def test_what_is_told_in_lots_is_what_newer_clients_are_told_in_shares(
    both: Callable[..., Any], request_: list[object], number: str, place: int, seconds: int
) -> None:
    pairs = await both(request_, number, place, seconds)
    assert pairs
    assert all(lots == shares // 100 for lots, shares in pairs)
    assert any(lots for lots, _shares in pairs)


async def test_other_contracts_are_told_as_ever(both: Callable[..., Any]) -> None:
    pairs = await both([10, 5, 7, 900000006, *[""] * 6, "EBS", *[""] * 4, 5, 0, ""], "12", 7)
    assert len(pairs) == 10
    assert all(lots == shares for lots, shares in pairs)


async def test_every_trade_is_told_in_lots_too(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(sizes_in_lots_below_159=True)
    wire, other = await house.client(version=158), await house.client(2)
    await wire.ask(*requests(SHARE)["quotes"])
    await wire.ask(97, 8, *SHARE, "Last", 0, 0)
    await other.place(1, quantity=250)
    heard = await wire.settle()
    (trade,) = [message[4].split(";") for message in heard if message[0] == "46" and message[3] == "48"]
    (tick,) = [message for message in heard if message[0] == "99"]
    assert (trade[1], tick[5]) == ("2", "2")
