"""Every version gets exactly the fields it reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ibkr_sim.tws.fields import FieldReader
from ibkr_sim.tws.requests.orders import place_order

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message

# version: openOrder, completedOrder, contractDetails, placeOrder, error, execDetails; each including the message id
COUNTS = {
    157: (128, 96, 41, 110, 5, 31),
    160: (130, 96, 41, 112, 5, 31),
    163: (131, 96, 42, 113, 5, 31),
    164: (131, 96, 42, 113, 5, 31),
    166: (131, 96, 42, 114, 6, 31),
    169: (131, 96, 42, 115, 6, 31),
    170: (136, 101, 42, 115, 6, 31),
    176: (136, 101, 42, 115, 6, 31),
    177: (135, 100, 42, 114, 6, 31),
    178: (135, 100, 42, 114, 6, 32),
}
FIXED = {"1": 7, "2": 5, "3": 12, "6": 6, "7": 20, "8": 3, "45": 5, "46": 5, "54": 3, "58": 4, "59": 8, "61": 16}
FIXED |= {"62": 2, "63": 7, "64": 3, "81": 5, "94": 5, "95": 7, "71": 18, "72": 3, "73": 8, "74": 3, "9": 3}


def only(messages: list[Message], number: int) -> list[Message]:
    return [message for message in messages if message[0] == str(number)]


@pytest.mark.parametrize("version", COUNTS)
async def test_a_message_has_the_fields_of_its_version(house: House, version: int) -> None:
    open_order, completed, details, _placed, error, execution = COUNTS[version]
    wire = await house.client(version=version)
    placed = await wire.place(1)
    assert {len(message) for message in only(placed, 5)} == {open_order}
    assert {len(message) for message in only(placed, 11)} == {execution}
    done = await wire.ask(99, 0)
    assert [len(message) for message in done] == [completed, 1]
    found = await wire.ask(9, 8, 5, 265598, *[""] * 11, 0, "", "", *([""] if version >= 176 else []))
    assert [len(message) for message in found] == [details, 3]
    assert [len(message) for message in await wire.ask(2, 2, 999)] == [error]


@pytest.mark.parametrize("version", COUNTS)
def test_an_order_is_read_to_its_last_field(version: int, order_fields: Callable[..., list[object]]) -> None:
    for conditions in ((), (1, "a", 1, "150.0", 265598, "SMART", 0)):
        fields = order_fields(version, 1, conditions=conditions)
        if not conditions:
            assert len(fields) == COUNTS[version][3]
        reader = FieldReader("".join(f"{field}\0" for field in fields[1:]).encode(), version)
        assert place_order(reader).features == (frozenset({"conditions"}) if conditions else frozenset())
        assert reader.remaining == 0


@pytest.mark.parametrize("version", [157, 178])
async def test_messages_that_never_changed_have_the_count_clients_insist_on(house: House, version: int) -> None:
    wire = await house.client(version=version)
    contract = [265598, *[""] * 6, "SMART", *[""] * 4]
    messages = await wire.ask(1, 11, 1, *contract, 0, "", 0, 0, "")
    messages += await wire.place(1)
    for request in (
        (6, 2, 1, "DU9912345"),
        (61, 1),
        (62, 1, 2, "All", "NetLiquidation"),
        (74, 1, 3, "DU9912345", ""),
        (76, 1, 4, "DU9912345", "", 0),
        (92, 5, "DU9912345", ""),
        (94, 6, "DU9912345", "", 265598),
        (8, 1, 1),
    ):
        messages += await wire.ask(*request)
    assert {message[0] for message in messages} >= FIXED.keys() - {"2"}
    assert all(len(message) == FIXED[message[0]] for message in messages if message[0] in FIXED)


async def test_open_orders_name_no_delta_neutral_order_as_a_live_server_does(house: House) -> None:
    wire = await house.client()
    order = only(await wire.place(1, ref="mine"), 5)[0]
    assert order[1:16] == [
        "1",
        "265598",
        "AAPL",
        "STK",
        "",
        "0",
        "?",
        "",
        "SMART",
        "USD",
        "AAPL",
        "NMS",
        "BUY",
        "10",
        "MKT",
    ]
    assert order[23] == "mine"
    assert "None" in order
    assert order.count("1.7976931348623157E308") >= 9


async def test_contract_details_carry_what_a_trader_looks_up(house: House) -> None:
    wire = await house.client()
    details = (await wire.ask(9, 8, 5, 0, "AAPL", "STK", "", "0.0", "", "", "SMART", "", "USD", "", "", 0, "", "", ""))[
        0
    ]
    assert details[:3] == ["10", "5", "AAPL"]
    assert {"265598", "0.01", "APPLE INC", "NASDAQ", "US/Eastern", "US0378331005"} <= set(details)
    assert any(field.startswith("20260302:0930-20260302:1600;") for field in details)
