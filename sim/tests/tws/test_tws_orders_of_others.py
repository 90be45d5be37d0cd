"""Orders as others see and cancel them, and what is told of orders that have ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message, Wire

ALL, COMPLETED, NEXT_ID = (16, 1), (99, 0), (8, 1, 1)
NEW_CANCEL = ("", "", 2147483647)
"""Behind the order id, from server version 192 on."""


def statuses(messages: list[Message]) -> list[tuple[str, str]]:
    """Status and client id."""
    return [(message[2], message[9]) for message in messages if message[0] == "3"]


def codes(messages: list[Message]) -> list[tuple[str, str]]:
    """Id and code; from server version 194 on they stand one field earlier, and a time is the last."""
    errors = (message for message in messages if message[0] == "4")
    return [(row[0], row[1]) for row in (one[1:] if one[-1].isdecimal() else one[2:] for one in errors)]


async def ids(wire: Wire) -> int:
    return int((await wire.ask(*NEXT_ID))[-1][2])


async def test_who_was_shown_anothers_order_may_cancel_it_and_is_told_as_if_it_were_its_own(house: House) -> None:
    owner, other = await house.client(1, version=200), await house.client(2, version=200)
    await owner.place(7, kind="LMT", limit=house.price("0.5"))
    assert codes(await other.ask(4, 7, *NEW_CANCEL)) == [("7", "10147")], "nobody has shown it yet"
    await other.ask(*ALL)
    heard = await other.ask(4, 7, *NEW_CANCEL)
    assert (statuses(heard), codes(heard)) == ([("Cancelled", "2")], [("7", "202")])
    told = await owner.settle()
    assert (statuses(told), codes(told)) == ([("Cancelled", "1")], [("7", "202")])
    assert codes(await other.ask(4, 7, *NEW_CANCEL)) == [("7", "10147")]


@pytest.mark.parametrize(("first", "version"), [(None, 200), (200, 178)])
async def test_before_the_version_that_allows_it_anothers_order_is_not_found(
    open_house: Callable[..., Any], first: int | None, version: int
) -> None:
    house: House = await open_house(cancels_of_others_from=first)
    owner, other = await house.client(1, version=version), await house.client(2, version=version)
    await owner.place(7, kind="LMT", limit=house.price("0.5"))
    await other.ask(*ALL)
    cancel = (4, 7, *NEW_CANCEL) if version == 200 else (4, 1, 7, "")
    assert codes(await other.ask(*cancel)) == [("7", "10147")]
    assert len(house.open_orders()) == 1


async def test_an_own_order_goes_before_one_that_was_shown(house: House) -> None:
    owner, other = await house.client(1, version=200), await house.client(2, version=200)
    await other.place(7, kind="LMT", limit=house.price("0.4"))
    await owner.place(7, kind="LMT", limit=house.price("0.5"))
    await other.ask(*ALL)
    assert statuses(await other.ask(4, 7, *NEW_CANCEL)) == [("Cancelled", "2")]
    assert [order.request.client_id for order in house.open_orders()] == [1]


async def test_ids_go_on_behind_those_of_the_orders_that_were_shown(house: House) -> None:
    owner, other = await house.client(1), await house.client(2)
    await owner.place(41, kind="LMT", limit=house.price("0.5"))
    assert await ids(other) == 1
    await other.ask(*ALL)
    assert await ids(other) == 42
    assert ("5", "103") in codes(await other.place(5, kind="LMT", limit=house.price("0.5")))


async def test_the_masters_ids_go_on_behind_everybodys(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(master_client_id=9)
    master, owner = await house.client(9), await house.client(1)
    await owner.place(41, kind="LMT", limit=house.price("0.5"))
    await master.settle()
    assert await ids(master) == 42


async def test_an_unfilled_ioc_is_about_to_be_cancelled_and_then_is(house: House) -> None:
    wire = await house.client()
    order = await wire.place(1, kind="LMT", limit=house.price("0.5"), tif="IOC")
    assert [status for status, _client in statuses(order)] == ["PreSubmitted", "PendingCancel", "Cancelled"]
    assert codes(order) == [("1", "202")]


async def test_completed_orders_say_who_has_cancelled_them(house: House) -> None:
    wire = await house.client(version=200)
    await wire.place(1, kind="LMT", limit=house.price("0.5"))
    await wire.ask(4, 1, *NEW_CANCEL)
    await wire.place(2, kind="LMT", limit=house.price("0.5"), tif="IOC")
    await wire.place(3, kind="LMT", limit=house.price("0.5"), tif="FOK")
    told = [message for message in await wire.ask(*COMPLETED) if message[0] == "101"]
    assert [message[94] for message in told] == ["Cancelled by Trader", *["Cancelled by System:\n"] * 2]


async def test_what_a_client_leaves_at_zero_comes_back_as_ibkr_leaves_it(house: House) -> None:
    wire = await house.client(version=200)
    await wire.place(1, kind="LMT", limit=house.price("0.5"))
    await wire.ask(4, 1, *NEW_CANCEL)
    (told,) = [message for message in await wire.ask(*COMPLETED) if message[0] == "101"]
    display_size, oca_type, hedge_price, futures = (told[place] for place in (44, 48, 83, 87))
    assert (display_size, oca_type, hedge_price, futures) == ("2147483647", "3", "1", "2147483647")


@pytest.mark.parametrize(("version", "time"), [(178, "20260302 10:00:00 US/Eastern"), (173, "20260302  16:00:00")])
async def test_a_fill_is_timed_in_its_contracts_zone_and_for_older_clients_in_that_of_the_login(
    open_house: Callable[..., Any], version: int, time: str
) -> None:
    house: House = await open_house(time_zone="Europe/Zurich")
    wire = await house.client(version=version)
    (fill,) = [message for message in await wire.place(1) if message[0] == "11"]
    assert fill[15] == time


async def test_an_order_type_that_ibkr_does_not_know_is_321_and_one_that_does_not_fit_387(house: House) -> None:
    wire = await house.client()
    unknown, unfit = await wire.place(1, kind="NONSENSE"), await wire.place(2, kind="BOX TOP")
    assert (codes(unknown), statuses(unknown)) == ([("1", "321")], [])
    assert codes(unfit) == [("2", "387")]


async def test_a_global_cancel_tells_of_what_was_only_held(house: House) -> None:
    wire = await house.client()
    await wire.place(1, kind="LMT", limit=house.price("0.5"), transmit=0)
    heard = await wire.ask(58, 1)
    assert (statuses(heard), codes(heard)) == ([("Cancelled", "1")], [("1", "202")])


async def test_a_summary_names_accrued_and_settled_cash(house: House) -> None:
    wire = await house.client()
    told = [
        message[4:7] for message in await wire.ask(62, 1, 1, "All", "AccruedCash,SettledCash") if message[0] == "63"
    ]
    assert sorted(told)[:2] == [["AccruedCash", "0.00", "CHF"], ["AccruedCash", "0.00", "USD"]]
    assert {tag for tag, *_rest in told} == {"AccruedCash", "SettledCash"}
