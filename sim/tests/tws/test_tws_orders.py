"""Orders over the wire: what is said, to whom, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message

STATUSES = ("PreSubmitted", "Submitted", "Filled", "Cancelled", "Inactive", "PendingCancel")


def story(messages: list[Message]) -> list[str]:
    """What order messages say, in short: `open Submitted`, `status Filled`, `fill`, `commission`, `error 202`."""
    told = []
    for message in messages:
        match message[0]:
            case "5":
                told.append("open " + next(field for field in message[80:] if field in STATUSES))
            case "3":
                told.append(f"status {message[2]}")
            case "4":
                told.append(f"error {message[3]}")
            case "11":
                told.append("fill")
            case "59":
                told.append("commission")
            case number:
                told.append(number)
    return told


async def test_a_market_order_is_told_from_acceptance_to_commission(house: House) -> None:
    wire = await house.client()
    heard = await wire.place(1)
    assert story(heard) == [
        *("open PreSubmitted", "status PreSubmitted", "fill", "open Filled", "status Filled", "open Filled"),
        "commission",
    ]
    fill, commission = heard[2], heard[-1]
    (execution, charge), *_ = house.simulator.exchange.executions()
    assert fill[1:3] == ["-1", "1"]
    assert (Decimal(fill[19]), Decimal(fill[20])) == (10, execution.price)
    assert (commission[2], Decimal(commission[3])) == (execution.exec_id, charge.amount)
    assert fill[15] == "20260302 10:00:00 US/Eastern"


async def test_a_limit_order_waits_and_its_cancel_is_acknowledged_with_202(house: House) -> None:
    wire = await house.client()
    assert story(await wire.place(1, kind="LMT", limit=house.price("0.5")))[-1] == "status Submitted"
    assert story(await wire.ask(4, 1, 1, "")) == ["status Cancelled", "error 202"]
    assert not house.open_orders()


async def test_an_order_that_is_not_transmitted_is_held_in_silence_until_it_is(house: House) -> None:
    wire = await house.client()
    order = {"kind": "LMT", "limit": house.price("0.5")}
    assert await wire.place(1, transmit=0, **order) == []
    assert await wire.place(1, transmit="", **order) == []
    assert not house.open_orders()
    assert story(await wire.place(1, **order))[0] == "open PreSubmitted"
    assert len(house.open_orders()) == 1


async def test_a_held_order_can_be_withdrawn(house: House) -> None:
    wire = await house.client()
    await wire.place(1, transmit=0)
    assert story(await wire.ask(4, 1, 1, "")) == ["status Cancelled", "error 202"]
    assert story(await wire.ask(4, 1, 1, "")) == ["error 10147"]


async def test_the_same_id_again_changes_the_order_and_keeps_its_permanent_id(house: House) -> None:
    wire = await house.client()
    first = await wire.place(1, kind="LMT", limit=house.price("0.5"))
    second = await wire.place(1, kind="LMT", limit=house.price("0.6"), quantity=20)
    assert first[0][25] == second[0][25]
    (order,) = house.open_orders()
    assert (order.request.quantity, str(order.request.limit_price)) == (20, house.price("0.6").rstrip("0"))


async def test_ids_are_used_once(house: House) -> None:
    wire = await house.client()
    await wire.place(5)
    assert story(await wire.place(5)) == ["error 104"]
    assert story(await wire.place(4)) == ["error 103"]
    await wire.place(6, kind="LMT", limit=house.price("0.5"))
    await wire.ask(4, 1, 6, "")
    assert story(await wire.place(6)) == ["error 103"]
    assert story(await wire.ask(4, 1, 6, "")) == ["error 10148"]
    assert story(await wire.ask(4, 1, 77, "")) == ["error 10147"]


async def test_a_preview_is_one_open_order_with_margin_and_leaves_nothing_behind(house: House) -> None:
    wire = await house.client()
    (message,) = await wire.place(1, what_if=1, kind="LMT", limit=house.price())
    at = 80 + message[80:].index("PreSubmitted")
    assert all(Decimal(amount) < 10**9 for amount in message[at + 1 : at + 13])
    assert Decimal(message[at + 4]) > 0
    assert message[at + 13] == "USD"
    assert not house.open_orders()
    assert await wire.ask(8, 1, 1) == [["9", "1", "1"]]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": "VWAP"}, ["error 387"]),
        ({"quantity": 0}, ["error 434"]),
        ({"kind": "LMT", "limit": "100.001"}, ["error 110"]),
        ({"conid": 0, "symbol": "NOSUCH"}, ["error 200"]),
        ({"conid": 0, "symbol": "TWIN"}, ["error 200"]),
        ({"action": "HOLD"}, ["error 321"]),
        ({"account": "DU1"}, ["error 321"]),
        ({"account": ""}, ["error 435"]),
        ({"parent": 3}, ["error 10006"]),
        ({"conditions": (1, "a", 1, "150.0", 1, "SMART", 0)}, ["error 398"]),
        ({"quantity": 10_000_000}, ["error 201", "status Inactive"]),
    ],
)
async def test_a_refusal_carries_ibkrs_code_and_the_orders_id(
    house: House, changes: dict[str, Any], told: list[str]
) -> None:
    wire = await house.client()
    heard = await wire.place(9, **changes)
    assert story(heard) == told
    assert heard[0][2] == "9"
    assert not house.open_orders()


async def test_an_ambiguous_contract_is_named(house: House) -> None:
    wire = await house.client()
    ((*_, text, _advanced),) = await wire.place(1, conid=0, symbol="TWIN")
    assert text == "The contract description specified for TWIN is ambiguous."


async def test_a_clients_orders_are_its_own_affair(house: House) -> None:
    mine, theirs = await house.client(1), await house.client(2)
    await mine.place(1)
    await mine.place(2, kind="LMT", limit=house.price("0.5"))
    assert await theirs.settle() == []
    assert story(await theirs.ask(5, 1)) == ["53"]
    assert story(await theirs.ask(16, 1)) == ["open Submitted", "status Submitted", "53"]
    assert story(await theirs.ask(4, 1, 2, "")) == ["error 10147"]
    assert story(await mine.ask(5, 1)) == ["open Submitted", "status Submitted", "53"]


async def test_the_master_client_hears_of_everybodys_orders(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(master_client_id=9)
    master, client = await house.client(9), await house.client(1)
    assert await client.place(1) == await master.settle()


async def test_a_global_cancel_ends_every_order(house: House) -> None:
    wire, other = await house.client(1), await house.client(2)
    await wire.place(1, kind="LMT", limit=house.price("0.5"))
    await other.place(1, kind="LMT", limit=house.price("0.5"))
    assert story(await wire.ask(58, 1)) == ["status Cancelled", "error 202"]
    assert story(await other.settle()) == ["status Cancelled", "error 202"]


async def test_executions_are_filtered_and_each_has_its_commission(house: House) -> None:
    wire = await house.client()
    await wire.place(1)
    await wire.place(2, action="SELL", quantity=5)

    async def fills(*criteria: object) -> list[Message]:
        heard = await wire.ask(7, 3, 8, *criteria)
        assert story(heard) == ["fill", "commission"] * (len(heard) // 2) + ["55"]
        return heard[:-1:2]

    everything = ["0", "", "", "", "", "", ""]
    assert len(await fills(*everything)) == 2
    assert [fill[18] for fill in await fills(*everything[:-1], "SELL")] == ["SLD"]
    assert await fills("4", *everything[1:]) == []
    assert await fills("0", "DU9967890", *everything[2:]) == []
    assert await fills("0", "", "20260302-15:00:01", *everything[3:]) == []
    assert len(await fills("0", "", "20260302 09:00:00", *everything[3:])) == 2
    assert await fills("0", "", "", "MSFT", *everything[4:]) == []


async def test_only_client_zero_may_bind_orders(house: House) -> None:
    assert story(await (await house.client(1)).ask(15, 1, 1)) == ["error 327"]
    assert await (await house.client(0)).ask(15, 1, 1) == []
