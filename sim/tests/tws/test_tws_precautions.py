"""What TWS minds about an order: terms it ignores, what its settings refuse, changes that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message

IGNORED = (
    "Order Event Warning:Attribute 'Outside Regular Trading Hours' is ignored based on the order type and destination. "
    "PlaceOrder is now being processed."
)
OUTSIDE_RTH = 26
"""Where an open order says whether it trades outside regular hours."""


def notices(messages: list[Message]) -> list[tuple[str, str]]:
    return [(message[2], message[3]) for message in messages if message[0] == "4"]


def statuses(messages: list[Message]) -> list[str]:
    return [message[2] for message in messages if message[0] == "3"]


def flags(messages: list[Message]) -> set[str]:
    return {message[OUTSIDE_RTH] for message in messages if message[0] == "5"}


async def test_a_market_order_is_told_first_that_it_will_not_trade_outside_regular_hours(house: House) -> None:
    wire = await house.client()
    heard = await wire.place(1, outside_rth=1)
    assert heard[0][2:5] == ["1", "2109", IGNORED]
    assert (statuses(heard)[-1], flags(heard)) == ("Filled", {"0"})


@pytest.mark.parametrize(
    ("terms", "ignored"),
    [
        ({"kind": "LMT", "limit": "100"}, False),
        ({"kind": "STP", "stop": "900", "action": "BUY"}, False),
        ({"kind": "STP LMT", "stop": "900", "limit": "901"}, False),
        ({"kind": "MIT", "stop": "100"}, False),
        ({"kind": "LIT", "stop": "100", "limit": "101"}, False),
        ({"kind": "TRAIL", "stop": "50"}, False),
        ({"kind": "MOC"}, True),
        ({"kind": "LOC", "limit": "100"}, True),
        ({"kind": "LMT", "limit": "100", "tif": "OPG"}, True),
        ({"kind": "MIDPRICE", "limit": "100"}, True),
        ({"kind": "REL", "limit": "100", "stop": "0.01"}, True),
        ({"kind": "PEG MID", "limit": "100", "stop": "0.01"}, True),
    ],
)
async def test_orders_with_a_limit_or_a_trigger_of_their_own_keep_the_flag(
    house: House, terms: dict[str, Any], ignored: bool
) -> None:
    wire = await house.client(version=169)  # later ones have more to say of some types
    heard = await wire.place(1, outside_rth=1, **terms)
    assert (("1", "2109") in notices(heard)) is ignored
    assert flags(heard) == {"0" if ignored else "1"}


async def test_a_market_order_before_the_opening_waits_for_it_whatever_it_says(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(always_open=False)
    house.advance(hours=7)  # 17:00 in New York: liquid hours are over
    wire = await house.client()
    assert notices(await wire.place(1, outside_rth=1)) == [("1", "2109"), ("1", "399")]
    assert notices(await wire.place(2, outside_rth=1, kind="LMT", limit=house.price("0.5"))) == []


async def test_the_flag_can_be_kept_by_a_setting(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(ignores_outside_rth=False)
    wire = await house.client()
    heard = await wire.place(1, outside_rth=1)
    assert (notices(heard), flags(heard)) == ([], {"1"})


async def test_an_order_that_is_held_is_warned_of_once_it_is_sent(house: House) -> None:
    wire = await house.client()
    assert await wire.place(1, outside_rth=1, transmit=0) == []
    assert notices(await wire.place(1, outside_rth=1)) == [("1", "2109")]


async def test_a_change_is_warned_of_too(house: House) -> None:
    wire = await house.client()
    await wire.place(1, kind="MOC")
    assert notices(await wire.place(1, kind="MOC", quantity=20, outside_rth=1)) == [("1", "2109")]
    assert house.open_orders()[0].request.quantity == 20


async def test_an_order_that_turns_a_position_over_is_warned_of_where_tws_is_told_to(
    open_house: Callable[..., Any],
) -> None:
    house: House = await open_house(warns_of_crossing=True)
    wire = await house.client()
    assert notices(await wire.place(1)) == []
    assert notices(await wire.place(2, action="SELL", kind="LMT", limit=house.price("2"))) == []
    heard = await wire.place(3, action="SELL", quantity=15)
    assert heard[0][2:5] == ["3", "2137", "The closing order quantity is greater than your current position."]
    assert statuses(heard)[-1] == "Filled"
    assert notices(await wire.place(4, action="BUY", quantity=6)) == [("4", "2137")]


async def test_turning_a_position_over_is_nobodys_business_by_default(house: House) -> None:
    wire = await house.client()
    await wire.place(1)
    assert notices(await wire.place(2, action="SELL", quantity=15)) == []


@pytest.mark.parametrize(
    ("withdrawn", "code", "name"),
    [
        ((1, 0, ""), "10268", "EtradeOnly"),
        ((0, 1, ""), "10269", "FirmQuoteOnly"),
        ((0, 0, "0.05"), "10270", "NbboPriceCap"),
    ],
)
async def test_attributes_that_are_no_more_are_refused_by_name(
    open_house: Callable[..., Any], withdrawn: tuple[object, ...], code: str, name: str
) -> None:
    house: House = await open_house(refuses_withdrawn_attributes=True)
    wire = await house.client()
    (refusal,) = await wire.place(1, withdrawn=withdrawn)
    assert refusal[2:5] == ["1", code, f"The '{name}' order attribute is not supported."]
    assert statuses(await wire.place(2))[-1] == "Filled"


async def test_the_default_order_of_older_clients_is_taken_by_default(house: House) -> None:
    wire = await house.client(version=157)
    assert statuses(await wire.place(1, withdrawn=(1, 1, "")))[-1] == "Filled"


async def test_an_order_past_smart_routing_is_refused_where_tws_is_told_to(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(refuses_direct_routing=True)
    wire = await house.client()
    (refusal,) = await wire.place(1, exchange="ISLAND")
    assert refusal[2:4] == ["1", "10311"]
    assert refusal[4].startswith("This order will be directly routed to NASDAQ. Direct routed orders may result in")
    assert statuses(await wire.place(2))[-1] == "Filled"
    pair = {"conid": 12087792, "symbol": "EUR", "sec_type": "CASH", "exchange": "IDEALPRO", "quantity": 20_000}
    assert statuses(await wire.place(3, **pair))[-1] == "Filled"  # no smart routing to go past


async def test_an_order_past_smart_routing_goes_its_way_by_default(house: House) -> None:
    wire = await house.client()
    heard = await wire.place(1, exchange="NASDAQ")
    assert (statuses(heard)[-1], notices(heard)) == ("Filled", [])


async def test_more_orders_than_may_work_are_refused_each_side_and_contract_for_itself(
    open_house: Callable[..., Any],
) -> None:
    house: House = await open_house(most_working_orders=2)
    wire = await house.client()
    low, high = house.price("0.5"), house.price("2")
    for order_id in (1, 2):
        assert notices(await wire.place(order_id, kind="LMT", limit=low)) == []
    refused = await wire.place(3, kind="LMT", limit=low)
    assert (notices(refused), statuses(refused)) == ([("3", "201")], ["Inactive"])
    assert notices(await wire.place(4, kind="LMT", limit=high, action="SELL")) == []
    assert notices(await wire.place(5, kind="LMT", limit=low, account="DU9967890")) == []
    assert notices(await wire.place(6, kind="LMT", limit=low, conid=272093, symbol="MSFT")) == []
    assert notices(await wire.place(1, kind="LMT", limit=low, quantity=20)) == []  # a change adds none
    await wire.ask(4, 1, 1, "")
    assert notices(await wire.place(7, kind="LMT", limit=low)) == []


async def test_what_is_held_or_waits_for_its_parent_does_not_count_among_working_orders(
    open_house: Callable[..., Any],
) -> None:
    house: House = await open_house(most_working_orders=1)
    wire = await house.client()
    high = house.price("2")
    await wire.place(1, kind="LMT", limit=house.price("0.5"), transmit=0)
    for order_id in (2, 3):
        sold = {"action": "SELL", "kind": "LMT", "limit": high, "parent": 1, "transmit": int(order_id == 3)}
        assert notices(await wire.place(order_id, **sold)) == []
    assert len(house.open_orders()) == 3
    assert notices(await wire.place(4, action="SELL", kind="LMT", limit=high)) == []
    assert notices(await wire.place(5, action="SELL", kind="LMT", limit=high)) == [("5", "201")]
    house.simulator.exchange.backstage.fill(house.open_orders()[0].perm_id)
    await wire.settle()
    assert notices(await wire.ask(4, 1, 4, "")) == [("4", "202")]
    assert notices(await wire.place(6, action="SELL", kind="LMT", limit=high)) == [("6", "201")]


async def test_an_order_cannot_become_one_of_a_type_that_is_not_traded(house: House) -> None:
    wire = await house.client()
    await wire.place(1, kind="LMT", limit=house.price("0.5"))
    (refusal,) = await wire.place(1, kind="BOX TOP")
    assert refusal[2:5] == ["1", "329", "Order modify failed. Cannot change to the new order type."]
    assert notices(await wire.place(1, kind="STP", stop=house.price("2"))) == []
    assert [order.request.order_type for order in house.open_orders()] == ["STP"]


async def test_a_change_must_match_its_order_and_come_before_the_fill(house: House) -> None:
    wire = await house.client()
    await wire.place(1, kind="LMT", limit=house.price("0.5"))
    for other in ({"action": "SELL"}, {"conid": 272093, "symbol": "MSFT"}, {"account": "DU9967890"}):
        (refusal,) = await wire.place(1, kind="LMT", limit=house.price("0.5"), **other)
        assert refusal[2:5] == ["1", "105", "Order being modified does not match original order."]
    assert len(house.open_orders()) == 1
    await wire.place(2)
    (late,) = await wire.place(2, kind="LMT", limit=house.price("0.5"))
    assert late[2:4] == ["2", "104"]
    (cancelled,) = await wire.ask(4, 1, 2, "")
    assert cancelled[2:4] == ["2", "10148"]
