"""Quotes, accounts, positions, profit: first the state, then what changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ibkr_sim.tws.settings import Entitlement

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message, Wire

AAPL = [265598, *[""] * 6, "SMART", *[""] * 4]
ACCOUNT = "DU9912345"


def quotes(request_id: int, *, snapshot: int = 0, contract: list[object] | None = None) -> list[object]:
    return [1, 11, request_id, *(contract or AAPL), 0, "", snapshot, 0, ""]


def numbers(messages: list[Message]) -> list[str]:
    return [message[0] for message in messages]


async def test_a_stream_begins_with_its_terms_and_then_tells_only_what_changes(house: House) -> None:
    wire = await house.client()
    first = await wire.ask(*quotes(1))
    assert numbers(first)[:2] == ["81", "58"]
    assert first[1] == ["58", "1", "1", "1"]
    quote = house.simulator.exchange.quote(265598)
    prices = {message[3]: Decimal(message[4]) for message in first if message[0] == "1"}
    assert (prices["1"], prices["2"], prices["9"]) == (quote.bid, quote.ask, quote.close)
    assert await wire.settle() == []
    house.advance(seconds=30)
    changed = await wire.settle()
    assert changed
    assert "9" not in {message[3] for message in changed if message[0] == "1"}
    assert await wire.ask(2, 2, 1) == []
    house.advance(seconds=30)
    assert await wire.settle() == []


async def test_a_snapshot_ends_and_leaves_no_line(house: House) -> None:
    wire = await house.client()
    assert (await wire.ask(*quotes(1, snapshot=1)))[-1] == ["57", "1", "1"]
    assert [message[3] for message in await wire.ask(2, 2, 1)] == ["300"]


async def test_ids_and_lines_are_counted(open_house: Callable[..., Any]) -> None:
    wire = await (await open_house(market_data_lines=1)).client()
    await wire.ask(*quotes(1))
    assert (await wire.ask(*quotes(1)))[0][2:4] == ["1", "102"]
    assert (await wire.ask(*quotes(2)))[0][2:4] == ["2", "101"]
    assert (await wire.ask(*quotes(3, snapshot=1)))[-1][0] == "57"
    twin = [0, "TWIN", "STK", "", 0, "", "", "SMART", "", "USD", "", ""]
    assert (await wire.ask(*quotes(4, contract=twin)))[0][3:5] == [
        "200",
        "The contract description specified for TWIN is ambiguous.",
    ]


async def test_who_has_no_subscription_gets_delayed_data_if_it_allows_that(open_house: Callable[..., Any]) -> None:
    wire = await (await open_house(entitlement=Entitlement.DELAYED)).client()
    assert (await wire.ask(*quotes(1)))[0][2:4] == ["1", "354"]
    assert await wire.ask(59, 1, 3) == []
    told = await wire.ask(*quotes(1))
    assert told[0][2:4] == ["1", "10167"]
    assert ["58", "1", "1", "3"] in told
    assert {"66", "67"} <= {message[3] for message in told if message[0] == "1"}
    assert not {"1", "2"} & {message[3] for message in told if message[0] == "1"}


async def test_positions_are_told_once_and_then_as_they_change_down_to_nothing(house: House) -> None:
    wire = await house.client()
    assert await wire.ask(61, 1) == [["62", "1"]]
    opened = [message for message in await wire.place(1) if message[0] == "61"]
    assert [(message[2], message[3], message[14]) for message in opened] == [(ACCOUNT, "265598", "10")]
    closed = [message for message in await wire.place(2, action="SELL") if message[0] == "61"]
    assert closed[-1][14] == "0"
    await wire.ask(64, 1)
    assert "61" not in numbers(await wire.place(3))


async def test_an_account_is_told_whole_and_then_what_a_fill_changes(house: House) -> None:
    wire = await house.client()
    whole = await wire.ask(6, 2, 1, ACCOUNT)
    assert numbers(whole)[-2:] == ["8", "54"]
    assert ["6", "2", "NetLiquidation", "1000000.00", "USD", ACCOUNT] in whole
    changed = await wire.place(1)
    assert "7" in numbers(changed)
    cash = next(message[3] for message in changed if message[:3] == ["6", "2", "TotalCashValue"])
    rows = house.simulator.exchange.account_values(ACCOUNT)
    assert cash == next(row.value for row in rows if row.key == "TotalCashValue")
    assert await wire.ask(6, 2, 0, ACCOUNT) == []
    assert not {"6", "7"} & set(numbers(await wire.place(2)))


async def test_account_values_come_again_every_three_minutes(house: House) -> None:
    wire = await house.client()
    await wire.ask(6, 2, 1, ACCOUNT)
    await wire.place(1)
    house.advance(minutes=2)
    await pause(wire)
    house.advance(minutes=1.5)
    assert "8" in numbers(await pause(wire))


async def pause(wire: Wire) -> list[Message]:
    """What comes while the door looks at the clock a few times."""
    await asyncio.sleep(0.05)
    return await wire.settle()


async def test_a_third_account_summary_is_refused_until_one_is_cancelled(house: House) -> None:
    wire = await house.client()
    rows = await wire.ask(62, 1, 1, "All", "NetLiquidation,TotalCashValue")
    assert [(row[3], row[4]) for row in rows[:-1]] == [
        (ACCOUNT, "NetLiquidation"),
        (ACCOUNT, "TotalCashValue"),
        ("DU9967890", "NetLiquidation"),
        ("DU9967890", "TotalCashValue"),
    ]
    assert rows[-1] == ["64", "1", "1"]
    await wire.ask(62, 1, 2, "All", "$LEDGER")
    assert (await wire.ask(62, 1, 3, "All", "$LEDGER"))[0][2:4] == ["3", "322"]
    await wire.ask(63, 1, 1)
    assert numbers(await wire.ask(62, 1, 3, "All", "$LEDGER:USD"))[-1] == "64"


async def test_the_ledger_tags_choose_currencies(house: House) -> None:
    wire = await house.client()

    async def currencies(tag: str) -> set[str]:
        rows = await wire.ask(62, 1, 1, "All", tag)
        await wire.ask(63, 1, 1)
        return {row[6] for row in rows[:-1] if row[6]}

    assert await currencies("$LEDGER") == {"BASE"}
    assert await currencies("$LEDGER:USD") == {"USD"}
    assert await currencies("$LEDGER:ALL") >= {"BASE", "USD", "CHF"}


async def test_profit_follows_the_price(house: House) -> None:
    wire = await house.client()
    await wire.place(1)
    (total,) = await wire.ask(92, 1, ACCOUNT, "")
    (single,) = await wire.ask(94, 2, ACCOUNT, "", 265598)
    assert (total[0], single[2]) == ("94", "10")
    house.advance(seconds=60)
    told = await pause(wire)
    assert {"94", "95"} <= set(numbers(told))
    profit = house.simulator.exchange.pnl(ACCOUNT)
    last = [message for message in told if message[0] == "94"][-1]
    assert [Decimal(amount) for amount in last[2:]] == [profit.daily, profit.unrealized, profit.realized]
    assert await wire.ask(93, 1) == []
    assert await wire.ask(95, 2) == []
    assert [message[3] for message in await wire.ask(93, 1)] == ["321"]


async def test_positions_and_values_of_one_account_can_be_asked_by_request(house: House) -> None:
    wire = await house.client()
    await wire.place(1)
    positions = await wire.ask(74, 1, 1, ACCOUNT, "")
    assert numbers(positions) == ["71", "72"]
    values = await wire.ask(76, 1, 2, ACCOUNT, "", 0)
    assert {message[3] for message in values[:-1]} == {ACCOUNT}
    assert values[-1] == ["74", "1", "2"]
    assert (await wire.ask(74, 1, 3, "DU1", ""))[0][2:4] == ["3", "321"]


async def test_symbols_are_found_by_beginning_and_by_name(house: House) -> None:
    wire = await house.client()
    (found,) = await wire.ask(81, 1, "aapl")
    assert (found[0], found[1], "265598" in found) == ("79", "1", True)
    assert await wire.ask(81, 2, "aapl") == [], "twice within a second"
    (none,) = await (await house.client(2)).ask(81, 2, "NOSUCHTHING")
    assert none == ["79", "2", "0"]


async def test_the_rule_that_details_name_is_told(house: House) -> None:
    wire = await house.client()
    assert await wire.ask(91, 26) == [["93", "26", "1", "0", "0.01"]]
    assert (await wire.ask(91, 5))[0][2:4] == ["-1", "321"]
