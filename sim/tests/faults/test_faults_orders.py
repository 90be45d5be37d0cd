"""Faults of orders: what the client is told, and what really happened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sim.tests.faults.conftest import House, Message

    Story = Callable[[list[Message]], list[str]]

WHOLE = [
    *("open PreSubmitted", "status PreSubmitted", "fill", "open Filled", "status Filled", "open Filled"),
    "commission",
]


async def test_a_lost_answer_comes_back_with_the_next_connection_only(house: House, story: Story) -> None:
    house.fault("answer_lost", "order:2")
    client = await house.client()
    assert story(await client.place(1)) == WHOLE
    assert await client.place(2, house.limit(), orderRef="lost") == []
    client.say.reqOpenOrders()
    assert story(await client.settle()) == ["end"]
    assert house.truth() == [("", "Filled", "10"), ("lost", "Submitted", "0")]
    client.leave()
    await house.empty()
    again = await house.client()
    again.say.reqOpenOrders()
    assert story(await again.settle()) == ["open Submitted", "status Submitted", "end"]


async def test_the_fill_of_a_lost_order_is_lost_too_but_not_from_the_ledger(house: House, story: Story) -> None:
    house.fault("answer_lost")
    client = await house.client()
    assert await client.place(1, orderRef="lost") == []
    assert house.truth() == [("lost", "Filled", "10")]
    assert house.position() == 10
    assert story(await client.place(2)) == WHOLE


async def test_an_order_dropped_in_silence_was_never_taken(house: House, story: Story) -> None:
    house.fault("silent_drop", "order:3")
    client = await house.client()
    for number in range(1, 6):
        client.order(number, house.limit(), orderRef=f"order {number}")
    heard = story(await client.settle())
    assert heard.count("open Submitted") == 4
    assert [row[0] for row in house.truth()] == ["order 1", "order 2", "order 4", "order 5"]
    client.say.reqAllOpenOrders()
    assert len(await client.settle()) == 4 * 2 + 1


@pytest.mark.parametrize(("place", "at"), [("first", 0), ("last", -1)])
async def test_a_preset_time_in_force_is_an_error_though_the_order_lives(
    house: House, story: Story, place: str, at: int
) -> None:
    house.fault("tif_preset", place=place)
    client = await house.client()
    heard = await client.place(7, house.limit())
    assert story(heard)[at] == "error 10349"
    assert heard[at][2] == "7"
    assert house.truth() == [("", "Submitted", "0")]


async def test_a_held_order_is_warned_of_with_399_and_trades_when_it_is_released(house: House, story: Story) -> None:
    house.fault("order_held", seconds=60)
    client = await house.client()
    heard = await client.place(1)
    assert story(heard) == ["open PreSubmitted", "status PreSubmitted", "error 399"]
    assert "will not be placed at the exchange until 2026-03-03 09:30:00" in heard[-1][4]
    assert house.truth() == [("", "PreSubmitted", "0")]
    house.advance(61)
    assert "fill" in story(await client.until("59"))
    assert house.truth() == [("", "Filled", "10")]


async def test_clearing_releases_an_order_that_is_held(house: House, story: Story) -> None:
    house.fault("order_held")
    client = await house.client()
    await client.place(1)
    house.advance(3600)
    assert house.position() == 0
    house.clear()
    assert story(await client.settle())[0] == "fill"
    assert house.position() == 10


async def test_a_held_order_can_be_cancelled(house: House, story: Story) -> None:
    house.fault("order_held")
    client = await house.client()
    await client.place(1)
    client.say.cancelOrder(1)
    assert story(await client.settle()) == ["status Cancelled", "error 202"]
    assert house.truth() == [("", "Cancelled", "0")]


async def test_an_instant_fill_comes_without_any_status(house: House, story: Story) -> None:
    house.fault("status_missing", times=2)
    client = await house.client()
    assert story(await client.place(1)) == [word for word in WHOLE if not word.startswith("status")]
    resting = story(await client.place(2, house.limit()))
    assert resting == ["open PreSubmitted", "status PreSubmitted", "open Submitted", "status Submitted"]
    assert house.truth() == [("", "Filled", "10"), ("", "Submitted", "0")]


@pytest.mark.parametrize(("status", "told"), [(True, ["error 201", "status Inactive"]), (False, ["error 201"])])
async def test_a_rejection_comes_with_or_without_a_status(
    house: House, story: Story, *, status: bool, told: list[str]
) -> None:
    house.fault("inactive_reject", status=status)
    client = await house.client()
    assert story(await client.place(1)) == told
    assert house.truth() == []
    assert story(await client.place(2)) == WHOLE


async def test_a_refused_cancel_leaves_the_order_alive(house: House, story: Story) -> None:
    house.fault("refused_cancel")
    client = await house.client()
    await client.place(1, house.limit())
    client.say.cancelOrder(1)
    heard = await client.settle()
    assert story(heard) == ["error 10148"]
    assert heard[0][2] == "1"
    assert house.truth() == [("", "Submitted", "0")]
    client.say.cancelOrder(1)
    assert story(await client.settle()) == ["status Cancelled", "error 202"]


async def test_a_forked_change_leaves_two_orders_with_one_id(house: House, story: Story) -> None:
    house.fault("modify_forks")
    client = await house.client()
    first = await client.place(1, house.limit("0.5"))
    second = await client.place(1, house.limit("0.6"))
    assert first[0][1] == second[0][1] == "1"
    assert first[0][25] != second[0][25]
    assert [order.request.order_id for order in house.orders()] == [1, 1]
    assert {str(order.perm_id) for order in house.orders()} == {first[0][25], second[0][25]}
    client.say.cancelOrder(1)
    await client.settle()
    assert [(str(order.perm_id), order.status) for order in house.orders() if not order.status.done] == [
        (first[0][25], "Submitted")
    ]


async def test_the_order_fills_while_its_client_is_cut_off(house: House, story: Story) -> None:
    house.fault("fill_in_outage")
    client = await house.client()
    client.order(1, house.limit(), orderRef="outage")
    heard = await client.until("3")
    assert story(heard) == ["open PreSubmitted", "status PreSubmitted"]
    assert b"Filled" not in await client.rest()
    await house.empty()
    assert house.truth() == [("outage", "Filled", "10")]
    again = await house.client()
    assert await again.settle() == []
    again.say.reqOpenOrders()
    assert story(await again.settle()) == ["end"]
    again.say.reqCompletedOrders(True)
    assert story(await again.settle()) == ["101", "end"]


async def test_a_held_order_ends_with_its_day_and_is_not_filled_afterwards(house: House) -> None:
    injection = house.fault("order_held")
    client = await house.client()
    await client.place(1, orderRef="day")
    (order,) = house.orders()
    house.simulator.clock.advance(timedelta(days=1))
    assert house.simulator.exchange.backstage.fill(order.perm_id) is None
    house.simulator.faults.remove(injection)
    assert house.truth() == [("day", "Cancelled", "0")]
    assert house.position() == 0
