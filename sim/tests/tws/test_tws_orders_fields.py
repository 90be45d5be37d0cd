"""Every field of an order is read at every version, and told back as it was written."""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from ibkr_sim.clock import Clock
from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.settings import ExchangeSettings
from ibkr_sim.exchange.terms import ComboLeg
from ibkr_sim.tws.answers.orders import completed_order, open_order
from ibkr_sim.tws.fields import FieldReader
from ibkr_sim.tws.requests.orders import PlaceOrder, cancel_order, place_order
from ibkr_sim.tws.translation import Circumstances, order_request

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House

ACCOUNT, ZONE = "DU9912345", "US/Eastern"
VERSIONS = (*range(157, 179), 183, 184, 187, 189, 192, 193, 195, 198, 199, 200)
PLACED = {157: 110, 176: 115, 178: 114, 193: 118, 200: 119}
OPENED = {157: 128, 176: 136, 178: 135, 193: 141, 200: 156}
COMPLETED = {157: 96, 176: 101, 178: 100, 193: 102, 200: 103}


def written(version: int, *, full: bool = False, kind: str = "LMT", combo: bool = False) -> list[object]:
    """An order field by field; `full` gives every field a value that can be recognised."""

    def told(value: object, otherwise: object = "") -> object:
        return value if full else otherwise

    legs = [2, *(265598, 2, "BUY", "SMART", 0, 0, "", -1), *(272093, 1, "SELL", "SMART", 1, 2, "there", 3)]
    fields: list[object] = [3, 1, 0 if combo else 265598, "AAPL", "BAG" if combo else "STK", "", "0.0", "", "", "SMART"]
    fields += ["", "USD", "", "", told("ISIN"), told("US0378331005"), "BUY", 100, kind, "250.5", told("1.5"), "GTD"]
    fields += [told("oca-1"), ACCOUNT, told("O"), told(1, 0), told("ref-1"), 1, 0, told(1, 0), told(1, 0), told(40, 0)]
    fields += [told(2, 0), told(1, 0), told(1, 0)]
    fields += [*legs, 2, "1.25", "", 1, "NonGuaranteed", "1"] if combo else []
    fields += ["", told("0.05"), told("20260302 10:01:00 US/Eastern"), "20260401 16:00:00 US/Eastern", told("group")]
    fields += [told("method"), told("40")] + ([told("profile")] if version < 177 else [])
    fields += [told("model"), told(2, 0), told("desk"), told(5, -1), told(2, 0), told("I"), told("settle"), told(1, 0)]
    fields += [told(10), told("0.02"), 0, 0, "", told(3, 0), told("1.1"), told("2.2"), told("3.3"), told("4.4")]
    fields += [told("5.5"), told(1, 0), told("6.6"), told(1, ""), told("MKT"), told("7.7")]
    fields += [11, "ds", "dc", "di", "O", 1, 2, "dd"] if full else []
    fields += [told(1, 0), told(2), told("250.25"), told("1.5"), told(10), told(20), told("0.5")]
    fields += ["0.1", 5, "0.2", 1, 7, 8, 1] if full else []
    fields += ["", "", "", told("D")] + (["hedged"] if full else [])
    fields += [told(1, 0), told("clear"), told("Away"), told(1, 0), told(1, 0)]
    fields += [265598, "0.5", "270"] if full else []
    fields += [told("Adaptive")] + ([1, "adaptivePriority", "Urgent"] if full else [])
    fields += ["algo-id", 0, "", told(1, 0), told(1, 0), told(1, 0)]
    fields += [272093, 1, "0.3", "0.4", "ISLAND"] if kind == "PEG BENCH" else []
    fields += (
        [2, 1, "a", 1, "280", 265598, "SMART", 2, 3, "o", 1, "20260302 11:00:00 US/Eastern", 1, 0] if full else [0]
    )
    fields += [told("TRAIL"), told("281"), told("0.25"), told("282"), told("283"), told("0.75"), told(100, 0)]
    fields += [told("operator"), told("tier"), told("gold"), "", "", "", "", "", told(1, 0), told(1, 0), told(1, 0)]
    fields += [told(1, 0)]
    since = {158: told(60), 160: told(5, 0), 162: told(1, 0), 166: "", 169: ""}
    fields += [value for first, value in since.items() if version >= first]
    if version >= 170 and kind == "PEG BEST":
        fields += [10, "Infinity", "0.01", "0.02"]
    elif version >= 170 and kind == "PEG MID":
        fields += ["0.01", "0.02"]
    fields += [value for first, value in {183: told("customer"), 184: told(1, 0)}.items() if version >= first]
    fields += ["", 2147483647] if 187 <= version <= 189 else []
    tail = {189: told(1, 0), 192: told(1, 2147483647), 199: told(1, 0)}
    return fields + [value for first, value in tail.items() if version >= first]


def read(version: int, fields: list[object]) -> tuple[PlaceOrder, int]:
    """The order, and how many fields were left over."""
    reader = FieldReader("".join(f"{field}\0" for field in fields[1:]).encode(), version)
    return place_order(reader), reader.remaining


def told_back(version: int, order: PlaceOrder) -> tuple[list[str], list[str]]:
    """The open and the completed order that the exchange would tell of."""
    exchange = Exchange(ExchangeSettings(), Clock(datetime(2026, 3, 2, 15, 0, tzinfo=UTC), speed=0))
    contract = exchange.contract(265598)
    if order.contract.sec_type == "BAG":
        contract = exchange.combination("", "USD", [ComboLeg(265598, 2, "BUY"), ComboLeg(272093, 1, "SELL")])
    assert contract is not None
    plain = PlaceOrder(order.order_id, order.contract, {**order.fields, **IGNORED}, {})
    request = order_request(plain, contract, Circumstances(7, (ACCOUNT,), ZONE))
    request = replace(request, adjustment=None, order_type="LMT", display_size=None, oca_group="", conditions=None)
    placed = exchange.place(request)
    shown = replace(placed, request=replace(placed.request, wire={**order.fields, **order.blocks}))
    return (
        unframed(open_order(version, contract, shown)),
        unframed(completed_order(version, contract, shown, "20260302 10:00:00 US/Eastern")),
    )


IGNORED = dict.fromkeys(("minQty", "volatility", "discretionaryAmt", "deltaNeutralOrderType", "goodAfterTime"), "")


def unframed(frame: bytes) -> list[str]:
    assert struct.unpack(">I", frame[:4])[0] == len(frame) - 4
    return frame[4:-1].decode("ascii").split("\0")


@pytest.mark.parametrize("version", VERSIONS)
def test_an_order_is_read_to_its_last_field_at_every_version(version: int) -> None:
    plain = written(version)
    assert len(plain) == PLACED.get(version, len(plain))
    for fields in (
        plain,
        written(version, full=True),
        written(version, full=True, combo=True),
        *(written(version, kind=kind) for kind in ("PEG BENCH", "PEG BEST", "PEG MID")),
    ):
        order, left = read(version, fields)
        assert left == 0
        assert order.amount("totalQuantity") == Decimal(100)


@pytest.mark.parametrize("version", OPENED)
def test_an_order_is_told_with_as_many_fields_as_its_version_has(version: int) -> None:
    opened, completed = told_back(version, read(version, written(version))[0])
    assert (len(opened), len(completed)) == (OPENED[version], COMPLETED[version])


@pytest.mark.parametrize("version", [157, 178, 200])
def test_lists_and_blocks_are_told_as_they_were_written(version: int) -> None:
    order, _left = read(version, written(version, full=True, combo=True))
    for message in told_back(version, order):
        text = "\0".join(message)
        for part in (
            ("265598|2,272093|-1",),
            ("2", "265598", "2", "BUY", "SMART", "0", "0", "", "-1", "272093", "1", "SELL", "SMART", "1", "2", "there"),
            ("3", "2", "1.25", "", "1", "NonGuaranteed", "1", "10", "20", "0.5", "0.1", "5", "0.2", "1", "7", "8", "1"),
            ("D", "hedged"),
            ("1", "265598", "0.5", "270", "Adaptive", "1", "adaptivePriority", "Urgent", "1"),
            (
                "2",
                "1",
                "a",
                "1",
                "280",
                "265598",
                "SMART",
                "2",
                "3",
                "o",
                "1",
                "20260302 11:00:00 US/Eastern",
                "1",
                "0",
            ),
        ):
            assert "\0".join(part) in text


def test_single_fields_are_told_as_they_were_written() -> None:
    order, _left = read(200, written(200, full=True))
    opened, completed = told_back(200, order)
    told = "group method 40 model I settle 1.1 2.2 3.3 4.4 5.5 6.6 7.7 ds dc di dd clear Away 281 0.25 282 283 0.75"
    assert set(told.split()) <= set(opened)
    assert opened[-13:] == [*["", "", "", "", ""], "customer", "1", "", "1", "operator", "1", "", "1"]
    assert {"model", "I", "settle", "7.7", "clear", "Away", "0.25", "customer"} <= set(completed)
    assert completed[-3:] == ["customer", "1", ""]


@pytest.mark.parametrize("version", [157, 168, 169, 187, 189, 190, 191, 192, 200])
def test_a_cancel_is_read_at_every_version(version: int) -> None:
    fields: list[object] = [*([1] if version < 192 else []), 42, *([""] if version >= 169 else [])]
    fields += ["", "", 2147483647] if 187 <= version <= 189 else ["", 2147483647] if version >= 192 else []
    reader = FieldReader("".join(f"{field}\0" for field in fields).encode(), version)
    assert cancel_order(reader).order_id == 42


@pytest.mark.parametrize("version", OPENED)
async def test_the_door_speaks_of_orders_at_every_version(house: House, version: int) -> None:
    wire = await house.client(version=version)
    opened = [message for message in await wire.ask(*written(version)) if message[0] == "5"]
    assert {len(message) for message in opened} == {OPENED[version]}
    since = [value for first, value in {169: "", 192: "", 193: ""}.items() if version >= first]
    gone = await wire.ask(4, *([1] if version < 192 else []), 1, *since)
    assert [message[2] for message in gone if message[0] == "3"] == ["Cancelled"]
    completed = [message for message in await wire.ask(99, 0) if message[0] == "101"]
    assert [len(message) for message in completed] == [COMPLETED[version]]
