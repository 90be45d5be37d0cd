"""Families of orders over the wire: held, transmitted, released and cancelled together; notices; bound orders."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ibkr_sim.exchange.model import OrderRequest, Side

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message

AAPL = 265598


def statuses(messages: list[Message]) -> list[tuple[str, str, str]]:
    """Order id, status and what holds it, of every orderStatus."""
    return [(message[1], message[2], message[10]) for message in messages if message[0] == "3"]


def errors(messages: list[Message]) -> list[tuple[str, str]]:
    return [(message[2], message[3]) for message in messages if message[0] == "4"]


async def test_the_last_child_transmits_the_whole_family_parents_first(house: House) -> None:
    wire = await house.client()
    low = {"kind": "LMT", "limit": house.price("0.5")}
    assert await wire.place(1, transmit=0, **low) == []
    assert await wire.place(2, transmit=0, parent=1, action="SELL", kind="LMT", limit=house.price("1.5")) == []
    assert await wire.place(3, transmit=0, parent=2, **low) == []
    heard = await wire.place(4, parent=1, action="SELL", kind="STP", stop=house.price("0.4"))
    assert list(dict.fromkeys(order_id for order_id, *_rest in statuses(heard))) == ["1", "2", "3", "4"]
    final = {order_id: (status, held) for order_id, status, held in statuses(heard)}
    assert final == {
        "1": ("Submitted", ""),
        "2": ("PreSubmitted", "child"),
        "3": ("PreSubmitted", "child"),
        "4": ("PreSubmitted", "child,trigger"),
    }
    assert {message[1]: message[7] for message in heard if message[0] == "3"} == {
        "1": "0",
        "2": "1",
        "3": "2",
        "4": "1",
    }
    gone = await wire.ask(4, 1, 1, "")
    assert sorted(errors(gone)) == [("1", "202"), ("2", "202"), ("3", "202"), ("4", "202")]
    assert not house.open_orders()


async def test_children_of_a_parent_that_is_refused_are_refused_too(house: House) -> None:
    wire = await house.client()
    await wire.place(1, transmit=0, kind="LMT", limit=house.price("0.5"), quantity=10_000_000)
    heard = await wire.place(2, parent=1, action="SELL", kind="LMT", limit=house.price("1.5"))
    assert errors(heard) == [("1", "201"), ("2", "10006")]
    assert not house.open_orders()


async def test_a_child_whose_parent_was_withdrawn_has_none(house: House) -> None:
    wire = await house.client()
    await wire.place(1, transmit=0)
    await wire.ask(4, 1, 1, "")
    assert errors(await wire.place(2, parent=1)) == [("2", "10006")]


async def test_a_child_changes_without_losing_its_parent(house: House) -> None:
    wire = await house.client()
    await wire.place(1, kind="LMT", limit=house.price("0.5"))
    child = {"parent": 1, "action": "SELL", "kind": "LMT"}
    await wire.place(2, limit=house.price("1.5"), **child)
    assert statuses(await wire.place(2, limit=house.price("1.4"), **child)) == [("2", "PreSubmitted", "child")]
    assert errors(await wire.ask(4, 1, 1, "")) == [("1", "202"), ("2", "202")]


async def test_a_global_cancel_ends_families_without_a_word_too_many(house: House) -> None:
    wire = await house.client()
    await wire.place(1, kind="LMT", limit=house.price("0.5"))
    await wire.place(2, parent=1, action="SELL", kind="LMT", limit=house.price("1.5"))
    assert errors(await wire.ask(58, 1)) == [("1", "202"), ("2", "202")]


async def test_a_preview_that_is_not_to_be_transmitted_is_refused(house: House) -> None:
    wire = await house.client()
    assert errors(await wire.place(1, what_if=1, transmit=0)) == [("1", "413")]


async def test_who_fills_whole_cancels_the_rest_of_its_group_with_202(house: House) -> None:
    wire = await house.client()
    opened = await wire.place(1, oca="one", kind="LMT", limit=house.price("0.5"))
    assert "one" in opened[0]
    heard = await wire.place(2, oca="one", quantity=5)
    assert errors(heard) == [("1", "202")]
    assert not house.open_orders()


async def test_a_short_sale_without_shares_is_held_with_404(house: House) -> None:
    house.simulator.exchange.lend(AAPL, Decimal(5))
    wire = await house.client()
    heard = await wire.place(1, action="SELL")
    assert (statuses(heard), errors(heard)) == ([("1", "PreSubmitted", "locate")], [("1", "404")])
    house.simulator.exchange.lend(AAPL, None)
    assert statuses(await wire.settle())[-1] == ("1", "Filled", "")


async def test_orders_by_hand_are_told_to_client_zero_and_bound_with_a_message(house: House) -> None:
    wire = await house.client(0)
    exchange = house.simulator.exchange
    order = exchange.place_by_hand(
        OrderRequest("DU9912345", AAPL, Side.BUY, Decimal(1), "LMT", limit_price=Decimal(100))
    )
    assert {message[1] for message in await wire.settle() if message[0] == "5"} == {"0"}
    bound, opened, *_rest = await wire.ask(5, 1)
    assert bound == ["100", str(order.perm_id), "0", "1"]
    assert opened[:2] == ["5", "1"]
    assert await wire.ask(15, 1, 1) == []
    later = exchange.place_by_hand(order.request)
    heard = await wire.settle()
    assert heard[0] == ["100", str(later.perm_id), "0", "2"]
    assert statuses(heard)[-1] == ("2", "Submitted", "")
    assert statuses(await wire.ask(4, 1, 2, "")) == [("2", "Cancelled", "")]
