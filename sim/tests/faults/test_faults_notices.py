"""Faults that a client is told by a code: farms that sleep, a port that moves, bars and books that begin anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from ib_async import Stock

if TYPE_CHECKING:
    from sim.tests.faults.conftest import House, Message, Peer

AAPL: Any = Stock("AAPL", "SMART", "USD", conId=265598)
AT_NASDAQ: Any = Stock("AAPL", "NASDAQ", "USD", conId=265598)
QUOTES = {"1", "2", "45", "46"}


def notices(messages: list[Message]) -> list[tuple[str, str]]:
    return [(message[2], message[3]) for message in messages if message[0] == "4"]


def texts(messages: list[Message]) -> list[str]:
    return [message[4] for message in messages if message[0] == "4"]


async def quotes(client: Peer, request_id: int = 9) -> list[Message]:
    client.say.reqMktData(request_id, AAPL, "", False, False, [])
    return await client.settle()


async def live_bars(client: Peer, request_id: int) -> list[Message]:
    client.say.reqHistoricalData(request_id, AAPL, "", "1800 S", "1 min", "TRADES", False, 1, True, [])
    return await client.settle()


async def real_time_bars(client: Peer, request_id: int) -> list[Message]:
    client.say.reqRealTimeBars(request_id, AAPL, 5, "TRADES", False, [])
    return await client.settle()


async def told(house: House, client: Peer, *numbers: str) -> set[str]:
    """The ids of messages of these numbers while some seconds pass."""
    for _ in range(40):
        house.advance(0.25)
    await asyncio.sleep(0.05)  # the door looks at the clock every 0.01 s
    place = {"50": 2, "90": 1}
    return {message[place.get(message[0], 2)] for message in await client.settle() if message[0] in numbers}


async def test_the_end_of_the_port_is_announced_with_where_to_go_and_orders_live(house: House) -> None:
    one, two = await house.client(1), await house.client(2)
    await one.place(1, house.limit())
    house.fault("port_reset")
    port = house.simulator.tws_port
    text = "TWS socket port has been reset and this connection is being dropped. Please reconnect on the new port - "
    for client in (one, two):
        (notice,) = await client.until("4")
        assert notice[2:5] == ["-1", "1300", f"{text}{port}"]
        assert await client.rest() == b""
    await house.empty()
    await house.client(1)
    assert [order.status for order in house.orders()] == ["Submitted"]


async def test_the_announced_port_can_be_chosen(house: House) -> None:
    client = await house.client()
    house.fault("port_reset", port=7497)
    assert texts(await client.until("4"))[0].endswith("on the new port - 7497")


@pytest.mark.parametrize(
    ("farm", "asleep", "awake", "name"),
    [("usfarm", "2108", ["2119", "2104"], "Market data"), ("ushmds", "2107", ["2106"], "HMDS data")],
)
async def test_a_farm_that_sleeps_is_woken_by_the_first_request_that_needs_it(
    house: House, farm: str, asleep: str, awake: list[str], name: str
) -> None:
    client = await house.client()
    house.fault("farm_inactive", farm=farm)
    (notice,) = await client.settle()
    text = f"{name} farm connection is inactive but should be available upon demand.{farm}"
    assert notice[2:5] == ["-1", asleep, text]
    heard = await (quotes(client) if farm == "usfarm" else live_bars(client, 9))
    assert [code for _id, code in notices(heard)] == awake
    assert {"1", "17"} & {message[0] for message in heard}
    assert not house.simulator.faults.injections
    assert notices(await quotes(client, 10)) == []


async def test_while_a_farm_sleeps_nothing_stops(house: House) -> None:
    client = await house.client()
    await quotes(client)
    house.fault("farm_inactive", seconds=30)
    assert notices(await client.settle()) == [("-1", "2108")]
    assert await told(house, client, *QUOTES) == {"9"}
    house.advance(30)
    assert notices(await client.until("4")) == [("-1", "2104")]


async def test_while_a_farm_connects_no_price_moves(house: House) -> None:
    client = await house.client()
    await quotes(client)
    house.fault("farm_connecting")
    assert [message[2:5] for message in await client.settle()] == [
        ["-1", "2119", "Market data farm is connecting:usfarm"]
    ]
    assert await told(house, client, *QUOTES) == set()
    newcomer = await house.knock()
    await newcomer.start(2)
    assert [code for _id, code in notices(await newcomer.settle())] == ["2119", "2106", "2158"]
    house.fault("farm_up")
    assert notices(await client.settle()) == [("-1", "2104")]
    assert await told(house, client, *QUOTES) == {"9"}


async def test_a_broken_link_to_the_server_is_as_a_lost_one(house: House) -> None:
    client = await house.client()
    await quotes(client)
    house.fault("server_link_broken")
    text = "Connectivity between Trader Workstation and server is broken. It will be restored automatically."
    assert [message[2:5] for message in await client.until("4")] == [["-1", "2110", text]]
    assert await client.place(1) == []
    assert await told(house, client, *QUOTES) == set()
    house.fault("link_restored")
    assert notices(await client.until("59"))[0] == ("-1", "1102")
    assert await told(house, client, *QUOTES) == {"9"}


async def test_live_bars_end_with_10182_and_go_on_once_they_are_asked_for(house: House) -> None:
    client = await house.client()
    await live_bars(client, 5)
    await real_time_bars(client, 6)
    house.fault("live_bars_end")
    (notice,) = await client.settle()
    assert notice[2:5] == ["5", "10182", "Failed to request live updates (disconnected)."]
    assert await told(house, client, "90", "50") == {"6"}
    await live_bars(client, 5)
    assert await told(house, client, "90") == {"5"}


@pytest.mark.parametrize("fault", ["link_lost", "server_link_broken"])
async def test_live_bars_end_with_the_link_and_are_not_back_with_it(house: House, fault: str) -> None:
    client = await house.client()
    await live_bars(client, 5)
    house.fault(fault)
    assert notices(await client.settle())[1:] == [("5", "10182")]
    house.fault("link_restored")
    assert notices(await client.settle()) == [("-1", "1102")]
    assert await told(house, client, "90") == set()


async def test_a_busted_trade_ends_real_time_bars_with_10225(house: House) -> None:
    one, two = await house.client(1), await house.client(2)
    await real_time_bars(one, 6)
    await real_time_bars(two, 7)
    house.fault("bars_busted", client=1)
    (notice,) = await one.settle()
    assert notice[2:4] == ["6", "10225"]
    assert notice[4].endswith("Please resubscribe real-time bars immediately.")
    assert await told(house, one, "50") == set()
    assert "7" in {message[2] for message in await two.settle() if message[0] == "50"}
    house.advance(10)  # sooner the same request would be paced
    await real_time_bars(one, 6)
    assert await told(house, one, "50") == {"6"}


async def test_who_streams_nothing_hears_of_no_end(house: House) -> None:
    client = await house.client()
    house.fault("live_bars_end")
    house.fault("bars_busted")
    assert await client.settle() == []


Book = dict[tuple[str, str], Decimal]


def applied(book: Book, messages: list[Message]) -> Book:
    """The book by side and position, as one that obeys every message has it."""
    for message in messages:
        if message[0] == "4" and message[3] == "317":
            book.clear()
        elif message[0] == "12":
            _version, _request_id, position, operation, side, price, _size = message[1:]
            match operation:
                case "2":
                    del book[side, position]
                case "0":
                    assert (side, position) not in book
                    book[side, position] = Decimal(price)
                case _:
                    assert (side, position) in book
                    book[side, position] = Decimal(price)
    return book


@pytest.mark.parametrize(
    ("fault", "cure"), [("link_lost", "link_restored"), ("farm_down", "farm_up"), ("competing_session", None)]
)
async def test_a_book_of_which_nothing_came_through_is_emptied_with_317_and_told_anew(
    house: House, fault: str, cure: str | None, told_book: Callable[[House], Book]
) -> None:
    client = await house.client()
    client.say.reqMktDepth(9, AT_NASDAQ, 5, False, [])
    book = applied({}, await client.settle())
    assert book == told_book(house)
    house.fault(fault)
    assert await told(house, client, "12") == set()
    if cure is None:
        house.clear(fault)
    else:
        house.fault(cure)
    heard = await client.settle()
    reset = next(message for message in heard if message[3:4] == ["317"])
    text = "Market depth data has been RESET. Please empty deep book contents before applying any new entries."
    assert (reset[2], reset[4]) == ("9", text)
    assert applied(book, heard) == told_book(house)
    assert await told(house, client, "12") == {"9"}


@pytest.fixture
def told_book() -> Callable[[House], Book]:
    """What the exchange has in its book of AAPL, five levels deep."""

    def told_now(house: House) -> Book:
        depth = house.simulator.exchange.depth(265598, 5)
        sides = (("0", depth.asks), ("1", depth.bids))
        return {(side, str(place)): level.price for side, rows in sides for place, level in enumerate(rows)}

    return told_now


async def test_books_are_gone_with_the_data_and_nobody_says_reset(house: House) -> None:
    client = await house.client()
    client.say.reqMktDepth(9, AT_NASDAQ, 5, False, [])
    await client.settle()
    house.fault("link_lost")
    house.fault("link_restored_data_lost")
    assert notices(await client.settle()) == [("-1", "1100"), ("-1", "1101")]
    assert await told(house, client, "12") == set()
