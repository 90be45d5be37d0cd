"""How many options and futures are held and what options imply, on TWS's wire: generic ticks 101, 588 and 106."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ibkr_sim.exchange.listing.contracts import Wanted
from ibkr_sim.reference.open_interest import on_underlying

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message

AAPL, EUR_USD = 265598, 12087792
CALLS, PUTS, FUTURES = "27", "28", "86"


def quotes(request_id: int, conid: int, generic: str, exchange: str = "SMART") -> list[object]:
    return [1, 11, request_id, conid, *[""] * 6, exchange, *[""] * 4, 0, generic, 0, 0, ""]


def interest(messages: list[Message]) -> dict[str, int]:
    return {row[3]: int(row[4]) for row in messages if row[0] == "2" and row[3] in {CALLS, PUTS, FUTURES}}


async def test_an_option_has_the_interest_of_its_right_and_its_computations(house: House) -> None:
    wire, market = await house.client(), house.simulator.exchange
    for number, right in enumerate("CP", 1):
        wanted = Wanted(symbol="AAPL", sec_type="OPT", expiry="20260320", right=right)
        option = next(row for row in market.search(wanted) if row.strike == 270)
        told = await wire.ask(*quotes(number, option.conid, "101"))
        own, other = (CALLS, PUTS) if right == "C" else (PUTS, CALLS)
        assert interest(told)[own] > 0
        assert interest(told)[other] == 0
        assert {row[2] for row in told if row[0] == "21"} >= {"10", "11", "13"}


async def test_a_stock_has_that_of_all_its_options(house: House) -> None:
    wire, market = await house.client(), house.simulator.exchange
    told = interest(await wire.ask(*quotes(1, AAPL, "101")))
    stock = market.contract(AAPL)
    assert stock is not None
    assert (told[CALLS], told[PUTS]) == on_underlying(market, stock)
    assert interest(await wire.ask(*quotes(2, EUR_USD, "101", "IDEALPRO"))) == {}
    assert interest(await wire.ask(*quotes(3, AAPL, ""))) == {}


async def test_futures_are_held_most_where_they_end_next(house: House) -> None:
    wire, market = await house.client(), house.simulator.exchange
    months = market.search(Wanted(symbol="ES", sec_type="FUT"))
    told = [interest(await wire.ask(*quotes(place, row.conid, "588", "CME"))) for place, row in enumerate(months[:3])]
    assert all(set(ticks) == {FUTURES} for ticks in told)
    assert told[0][FUTURES] > told[1][FUTURES] > told[2][FUTURES] > 0


async def test_a_stock_tells_what_its_options_expect(house: House) -> None:
    wire = await house.client()
    (tick,) = [row for row in await wire.ask(*quotes(1, AAPL, "106")) if row[0] == "45" and row[3] == "24"]
    assert 0.1 < float(tick[4]) < 1
    told = await wire.ask(*quotes(2, EUR_USD, "106", "IDEALPRO"))
    assert not [row for row in told if row[0] == "45" and row[3] == "24"]


def expectations(request_id: int, conid: int, size: str, duration: str, exchange: str = "SMART") -> list[object]:
    what = "OPTION_IMPLIED_VOLATILITY"
    return [20, request_id, conid, *[""] * 6, exchange, *[""] * 4, 0, "", size, duration, 1, what, 2, 0, ""]


def bars(message: Message) -> dict[str, list[float]]:
    """Open, high, low and close by date."""
    assert message[0] == "17"
    cells = message[5:]
    return {cells[at]: [float(cell) for cell in cells[at + 1 : at + 5]] for at in range(0, len(cells), 8)}


async def test_what_options_have_expected_is_kept(house: House) -> None:
    wire = await house.client()
    (tick,) = [row for row in await wire.ask(*quotes(1, AAPL, "106")) if row[0] == "45" and row[3] == "24"]
    (message,) = await wire.ask(*expectations(2, AAPL, "1 day", "1 Y"))
    days = bars(message)
    assert len(days) == 252
    assert all(0.7 < value / float(tick[4]) < 1.4 for row in days.values() for value in row)
    assert all(row[2] <= min(row[0], row[3]) <= max(row[0], row[3]) <= row[1] for row in days.values())
    assert len({row[3] for row in days.values()}) > 200, "it moves"
    assert set(message[10:13]) == {"-1"}, "and has no volume"


async def test_what_was_expected_stays_the_same_however_it_is_asked_for(house: House) -> None:
    wire = await house.client()
    days = bars((await wire.ask(*expectations(1, AAPL, "1 day", "1 M")))[0])
    few = bars((await wire.ask(*expectations(2, AAPL, "1 day", "2 D")))[0])
    hours = bars((await wire.ask(*expectations(3, AAPL, "1 hour", "1 D")))[0])
    assert few.items() <= days.items()
    assert list(hours.values())[-1][3] == days["20260302"][3]
    house.advance(days=1)
    after = bars((await wire.ask(*expectations(4, AAPL, "1 day", "1 M")))[0])
    assert {date: row for date, row in after.items() if date < "20260302"}.items() <= days.items()


async def test_what_has_no_options_is_expected_nothing_of(house: House) -> None:
    wire = await house.client()
    for conid, exchange in ((EUR_USD, "IDEALPRO"), (479624278, "PAXOS")):
        (message,) = await wire.ask(*expectations(1, conid, "1 day", "1 M", exchange))
        assert message[2:4] == ["1", "162"]
    (index,) = await wire.ask(*expectations(2, 416904, "1 day", "1 M", "CBOE"))
    assert len(bars(index)) == 21
