"""What a user may see, and how much of it at a time: subscriptions, lines over all clients, types of contracts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from ibkr_sim.exchange.listing.contracts import Wanted
from ibkr_sim.tws.settings import Entitlement

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message, Wire

AAPL, MSFT, SPY, BITCOIN = 265598, 272093, 756733, 479624278
HISTORY = "Historical Market Data Service error message:"
REFUSED = "No market data permissions for NASDAQ STK"
WHERE = (
    ". Requested market data requires additional subscription for API. "
    "See link in 'Market Data Connections' dialog for more details."
)


def contract(conid: int = AAPL, exchange: str = "SMART") -> list[object]:
    return [conid, *[""] * 6, exchange, *[""] * 4]


def quotes(request_id: int, conid: int = AAPL, *, snapshot: int = 0) -> list[object]:
    return [1, 11, request_id, *contract(conid), 0, "", snapshot, 0, ""]


def book(request_id: int, conid: int = AAPL) -> list[object]:
    return [10, 5, request_id, *contract(conid), 2, 1, ""]


def single(request_id: int, kind: str = "Last", conid: int = AAPL, most: int = 0) -> list[object]:
    return [97, request_id, *contract(conid), kind, most, 0]


def real_time(request_id: int, conid: int = AAPL) -> list[object]:
    return [50, 3, request_id, *contract(conid), 5, "TRADES", 0, ""]


def bars(
    request_id: int, what: str = "TRADES", *, conid: int = AAPL, end: str = "", exchange: str = "SMART", keep: int = 0
) -> list[object]:
    return [20, request_id, *contract(conid, exchange), 0, end, "1 hour", "1 D", 0, what, 2, keep, ""]


def ticks(request_id: int, end: str = "20260302-15:00:00", conid: int = AAPL) -> list[object]:
    return [96, request_id, *contract(conid), 0, "", end, 3, "TRADES", 0, 0, ""]


def refusal(messages: Sequence[Message]) -> list[str]:
    """The only answer: id, code and text."""
    (message,) = messages
    assert message[0] == "4"
    return message[2:5]


@pytest.mark.parametrize(
    ("request_", "expected", "text"),
    [
        (single(1, "AllLast", most=5), "10189", f"Failed to request tick-by-tick data.{REFUSED}."),
        (single(1, "BidAsk"), "10189", f"Failed to request tick-by-tick data.{REFUSED}."),
        (real_time(1), "420", f"Invalid Real-time Query:{REFUSED}{WHERE}"),
        (book(1), "354", "Requested market data is not subscribed.AAPL NASDAQ/DEEP/ALL"),
        (bars(1), "162", f"{HISTORY}{REFUSED}{WHERE}"),
        (bars(1, "MIDPOINT", exchange="NASDAQ"), "162", f"{HISTORY}{REFUSED}{WHERE}"),
        (bars(1, keep=1), "162", f"{HISTORY}{REFUSED}{WHERE}"),
        ([88, 1, *contract(), 0, 1, "3 days"], "10188", f"Failed to request histogram data:{REFUSED}"),
        (ticks(1), "10187", f"Failed to request historical ticks:{REFUSED}"),
    ],
)
@pytest.mark.parametrize("kind", [1, 3])
async def test_delayed_data_are_quotes_alone(
    open_house: Callable[..., Any], request_: list[object], expected: str, text: str, kind: int
) -> None:
    house: House = await open_house(entitlement=Entitlement.DELAYED)
    wire = await house.client()
    wire.send(59, 1, kind)
    assert refusal(await wire.ask(*request_)) == ["1", expected, text]
    house.advance(seconds=30)
    await asyncio.sleep(0.03)
    assert await wire.settle() == [], "nothing live leaks out later"


async def test_a_schedule_of_trading_days_needs_no_subscription(open_house: Callable[..., Any]) -> None:
    wire = await (await open_house(entitlement=Entitlement.DELAYED)).client()
    request = [20, 1, *contract(), 0, "", "1 day", "2 D", 1, "SCHEDULE", 1, 0, ""]
    assert [message[0] for message in await wire.ask(*request)] == ["106"]


@pytest.mark.parametrize(
    ("opened", "others"),
    [
        (quotes(1), [quotes(1, MSFT), real_time(2, MSFT)]),
        (real_time(1), [quotes(1, MSFT)]),
        (bars(1, keep=1), [quotes(1, MSFT), bars(2, conid=MSFT, keep=1)]),
    ],
    ids=["quotes", "bars of five seconds", "bars kept up to date"],
)
async def test_lines_are_the_users_whichever_client_opens_them(
    open_house: Callable[..., Any], opened: list[object], others: list[list[object]]
) -> None:
    house: House = await open_house(market_data_lines=1)
    first, second = await house.client(1), await house.client(2)
    assert "4" not in {message[0] for message in await first.ask(*opened)}
    for request in others:
        assert refusal(await second.ask(*request))[1:] == ["101", "Max number of tickers has been reached"]
    assert (await second.ask(*quotes(5, snapshot=1)))[-1][0] == "57", "a snapshot takes no line"
    await leave(house, first)
    assert (await second.ask(*quotes(1, MSFT)))[0][0] == "81", "who leaves gives its lines back"


async def test_books_and_single_ticks_are_counted_over_all_clients(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(depth_lines=1)
    first, second = await house.client(1), await house.client(2)
    await first.ask(*book(1))
    await first.ask(*single(2))
    assert refusal(await second.ask(*book(1, MSFT)))[1] == "309"
    assert refusal(await second.ask(*single(2, conid=MSFT)))[1] == "10190"
    await first.ask(11, 1, 1, 1)
    await first.ask(98, 2)
    assert {message[0] for message in await second.ask(*book(1, MSFT))} == {"13"}
    assert await second.ask(*single(2, conid=MSFT)) == []


async def leave(house: House, wire: Wire) -> None:
    """Until the door has noticed."""
    before = len(house.simulator.door.guests)
    await wire.close()
    async with asyncio.timeout(5):
        while len(house.simulator.door.guests) == before:  # noqa: ASYNC110 - the door has no event for tests
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("kind", ["Last", "AllLast", "BidAsk", "MidPoint"])
async def test_options_have_single_ticks_of_the_past_alone(house: House, kind: str) -> None:
    wire, market = await house.client(), house.simulator.exchange
    wanted = Wanted(symbol="AAPL", sec_type="OPT", expiry="20260320", right="C")
    option = next(row for row in market.search(wanted) if row.strike == 270)
    text = f"Failed to request tick-by-tick data.{kind} tick-by-tick requests are not supported for"
    assert refusal(await wire.ask(*single(1, kind, option.conid))) == ["1", "10189", f"{text} {option.local_symbol}."]
    assert (await wire.ask(*ticks(2, conid=option.conid)))[0][0] == "98"


async def test_combinations_and_metals_have_no_single_ticks(house: House) -> None:
    wire = await house.client()
    (gold,) = house.simulator.exchange.search(Wanted(symbol="XAUUSD", sec_type="CMDTY"))
    assert refusal(await wire.ask(*single(1, "BidAsk", gold.conid)))[1] == "10189"
    combination = [0, "AAPL,MSFT", "BAG", *[""] * 4, "SMART", "", "USD", "", ""]
    assert refusal(await wire.ask(97, 2, *combination, "BidAsk", 0, 0))[1] == "10189"


@pytest.mark.parametrize(
    ("asked", "closed"), [(1, "1"), (2, "2"), (3, "1"), (4, "2")], ids=["live", "frozen", "delayed", "delayed-frozen"]
)
async def test_frozen_quotes_are_named_so_while_the_exchange_is_closed(
    open_house: Callable[..., Any], asked: int, closed: str
) -> None:
    """A subscriber of live data gets nothing delayed."""
    house: House = await open_house(always_open=False)
    wire = await house.client()
    wire.send(59, 1, asked)
    assert ["58", "1", "1", "1"] in await wire.ask(*quotes(1)), "the exchange is open"
    house.advance(hours=14)
    await asyncio.sleep(0.03)
    told = [message[2:] for message in await wire.settle() if message[0] == "58"]
    assert told == ([["1", "2"]] if closed == "2" else [])
    assert ["58", "1", "2", closed] in await wire.ask(*quotes(2))
    assert ["58", "1", "3", closed] in await wire.ask(*quotes(3, snapshot=1))
    house.advance(hours=8)
    await asyncio.sleep(0.03)
    told = [message[2:] for message in await wire.settle() if message[0] == "58"]
    assert told == ([["1", "1"], ["2", "1"]] if closed == "2" else []), "the next morning"


async def test_delayed_quotes_freeze_too(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(always_open=False, entitlement=Entitlement.DELAYED)
    wire = await house.client()
    house.advance(hours=14)
    for request_id, (asked, named) in enumerate([(3, "3"), (4, "4")], 1):
        wire.send(59, 1, asked)
        assert ["58", "1", str(request_id), named] in await wire.ask(*quotes(request_id))


async def test_what_never_closes_is_never_frozen(house: House) -> None:
    wire = await house.client()
    house.advance(hours=14)
    wire.send(59, 1, 2)
    assert ["58", "1", "1", "1"] in await wire.ask(*quotes(1))


@pytest.mark.parametrize("request_", [bars(1, end="20260227 16:00:00"), ticks(1, "20260227 16:00:00")])
async def test_a_time_without_a_zone_is_warned_of(house: House, request_: list[object]) -> None:
    wire = await house.client()
    warning, answer = await wire.ask(*request_)
    assert warning[2:4] == ["1", "2174"]
    assert answer[0] in {"17", "98"}
    old = await house.client(2, version=165)
    assert len(await old.ask(*request_)) == 1


@pytest.mark.parametrize("end", ["20260227-21:00:00", "20260227 16:00:00 US/Eastern"])
async def test_a_time_with_a_zone_is_taken_without_a_word(house: House, end: str) -> None:
    wire = await house.client()
    assert [message[0] for message in await wire.ask(*bars(1, end=end))] == ["17"]
    assert [message[0] for message in await wire.ask(*ticks(2, end))] == ["98"]


async def test_bars_of_a_cryptocurrencys_trades_go_by_another_name(house: House) -> None:
    wire = await house.client()
    text = "Expected what to show is AGGTRADES, please use that instead of TRADES."
    assert refusal(await wire.ask(*bars(1, conid=BITCOIN, exchange="PAXOS"))) == ["1", "10299", text]
    (told,) = await wire.ask(*bars(2, "AGGTRADES", conid=BITCOIN, exchange="PAXOS"))
    assert told[0] == "17"
    assert int(told[4]) > 0
    assert float(told[10]) > 0, "they have a volume"
    assert refusal(await wire.ask(*bars(3, "AGGTRADES")))[1] == "162", "of a stock there are none"
