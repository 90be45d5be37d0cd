"""Delta-neutral requests for quotes: the hedge is confirmed and locked; the hedge order itself is refused."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from ibkr_sim.exchange.listing.contracts import Wanted

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message, Wire

AAPL, SPY = 265598, 756733
VERSIONS = [157, 176, 178, 193, 194, 200]


def option(house: House, right: str, strike: int = 270) -> int:
    wanted = Wanted(symbol="AAPL", sec_type="OPT", right=right, strike=Decimal(strike))
    return house.simulator.exchange.search(wanted)[5].conid


def request(
    order_fields: Callable[..., list[object]],
    wire: Wire,
    order_id: int,
    conid: object,
    hedge: tuple[object, ...] = (0, "", ""),
    *,
    kind: str = "QUOTE",
    **changes: Any,
) -> list[object]:
    """An order with a delta-neutral contract behind the flag that says whether there is one."""
    fields = order_fields(wire.version, order_id, conid=conid, symbol="", kind=kind, **changes)
    at = 82 if wire.version < 177 else 81
    return [*fields[:at], 1, *hedge, *fields[at + 1 :]]


def validations(messages: list[Message]) -> list[Message]:
    return [row for row in messages if row[0] == "56"]


def codes(messages: list[Message]) -> list[str]:
    return [row[3] for row in messages if row[0] == "4"]


async def model(wire: Wire, conid: int, request_id: int = 99) -> tuple[Decimal, Decimal]:
    """Delta and price of the underlying, as an option's quote tells them."""
    rows = await wire.ask(1, 11, request_id, conid, *[""] * 6, "SMART", *[""] * 4, 0, "", 0, 0, "")
    (row,) = [row for row in rows if row[0] == "21" and row[2] == "13"]
    return Decimal(row[5]), Decimal(row[11])


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_request_for_quotes_is_told_the_hedge_of_the_model(
    house: House, order_fields: Callable[..., list[object]], version: int
) -> None:
    wire = await house.client(version=version)
    conid = option(house, "C")
    delta, price = await model(wire, conid)
    ((number, ver, order_id, under, told_delta, told_price),) = await wire.ask(*request(order_fields, wire, 1, conid))
    assert (number, ver, order_id, under) == ("56", "1", "1", str(AAPL))
    assert (Decimal(told_delta), Decimal(told_price)) == (delta, price)
    assert Decimal(0) < delta < 1


async def test_a_put_is_hedged_the_other_way(house: House, order_fields: Callable[..., list[object]]) -> None:
    wire = await house.client()
    ((*_head, delta, _price),) = await wire.ask(*request(order_fields, wire, 1, option(house, "P")))
    assert -1 < Decimal(delta) < 0


async def test_a_combination_is_hedged_by_the_sum_of_its_legs(
    house: House, order_fields: Callable[..., list[object]]
) -> None:
    wire = await house.client()
    call, put = option(house, "C"), option(house, "P")
    deltas = [(await model(wire, conid, 90 + place))[0] for place, conid in enumerate((call, put))]
    fields = request(order_fields, wire, 1, 0)
    fields[3:5] = ["AAPL", "BAG"]
    legs = [field for conid, ratio in ((call, 2), (put, 1)) for field in (conid, ratio, "BUY", "SMART", 0, 0, "", -1)]
    answer = validations(await wire.ask(*fields[:35], 2, *legs, 0, 0, *fields[35:]))
    assert [Decimal(row[4]) for row in answer] == [2 * deltas[0] + deltas[1]]


async def test_what_the_client_names_is_confirmed_as_it_is(
    house: House, order_fields: Callable[..., list[object]]
) -> None:
    wire = await house.client()
    answer = await wire.ask(*request(order_fields, wire, 1, option(house, "C"), (AAPL, "0.5", "271.25")))
    assert answer == [["56", "1", "1", str(AAPL), "0.5", "271.25"]]


async def test_the_hedge_stays_locked_until_the_request_is_cancelled(
    house: House, order_fields: Callable[..., list[object]]
) -> None:
    wire = await house.client()
    fields = request(order_fields, wire, 1, option(house, "C"))
    first = await wire.ask(*fields)
    house.advance(minutes=30)
    assert await wire.ask(*fields) == first
    cancelled = await wire.ask(4, 1, 1, "")
    assert [row[2] for row in cancelled if row[0] == "3"] == ["Cancelled"]
    assert codes(cancelled) == ["202"]
    assert codes(await wire.ask(*fields)) == ["103"]
    later = await wire.ask(*request(order_fields, wire, 2, option(house, "C")))
    assert later[0][4:] != first[0][4:]


async def test_a_request_for_quotes_never_trades(house: House, order_fields: Callable[..., list[object]]) -> None:
    wire = await house.client()
    await wire.ask(*request(order_fields, wire, 1, option(house, "C")))
    house.advance(minutes=5)
    assert [row for row in await wire.settle() if row[0] in ("3", "5", "11")] == []
    assert not house.open_orders()


async def test_one_that_is_not_transmitted_is_told_nothing_until_it_is(
    house: House, order_fields: Callable[..., list[object]]
) -> None:
    wire = await house.client()
    conid = option(house, "C")
    assert await wire.ask(*request(order_fields, wire, 1, conid, transmit=0)) == []
    assert len(validations(await wire.ask(*request(order_fields, wire, 1, conid)))) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": "LMT", "limit": "5.0"}, "201"),
        ({"kind": "MKT"}, "201"),
        ({"hedge": (SPY, 0, 0)}, "201"),
        ({"conid": AAPL}, "201"),
        ({"conid": 999_999_999}, "200"),
        ({"what_if": 1}, "201"),
        ({"quantity": 0}, "434"),
        ({"action": "HOLD"}, "321"),
    ],
)
async def test_what_is_no_such_request_is_refused(
    house: House, order_fields: Callable[..., list[object]], changes: dict[str, Any], code: str
) -> None:
    wire = await house.client()
    chosen = {"conid": option(house, "C"), **changes}
    answer = await wire.ask(*request(order_fields, wire, 1, **chosen))
    assert codes(answer) == [code]
    assert not validations(answer)


async def test_a_hedge_that_is_no_number_is_unreadable(house: House, order_fields: Callable[..., list[object]]) -> None:
    wire = await house.client()
    wire.send(*request(order_fields, wire, 1, option(house, "C"), (AAPL, "half", "")))
    assert "320" in await wire.read()
    assert (await wire.ask(8, 1, 1))[0][0] == "9"
