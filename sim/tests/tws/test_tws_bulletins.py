"""IBKR's bulletins: told as they are issued, numbered, and forgotten with the day."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from ibkr_sim.tws.bulletins import BulletinKind

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message, Wire

NEW_ONES, ALL_OF_TODAY = (12, 1, 0), (12, 1, 1)
VERSIONS = [157, 163, 176, 178, 193, 194, 200]


def issue(house: House, text: str, kind: BulletinKind = BulletinKind.NEWS, exchange: str = "") -> int:
    board = house.simulator.door.bulletins
    return board.issue(kind, text, exchange, house.simulator.exchange.now()).id


async def heard(wire: Wire) -> list[Message]:
    return [message for message in await wire.settle() if message[0] == "14"]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_bulletin_has_the_same_five_fields_at_every_version(house: House, version: int) -> None:
    wire = await house.client(version=version)
    assert await wire.ask(*NEW_ONES) == []
    number = issue(house, "NYSE is not available", BulletinKind.EXCHANGE_DOWN, "NYSE")
    assert await heard(wire) == [["14", "1", str(number), "2", "NYSE is not available", "NYSE"]]


async def test_the_kinds_are_numbered_as_ibkr_numbers_them_and_ids_rise(house: House) -> None:
    wire = await house.client()
    await wire.ask(*NEW_ONES)
    for kind in BulletinKind:
        issue(house, kind.name, kind, "NYSE")
    rows = await heard(wire)
    assert [row[3:5] for row in rows] == [["1", "NEWS"], ["2", "EXCHANGE_DOWN"], ["3", "EXCHANGE_UP"]]
    ids = [int(row[2]) for row in rows]
    assert ids == sorted(set(ids))


async def test_who_asks_for_all_hears_those_of_the_day_first_and_who_does_not_hears_new_ones(house: House) -> None:
    issue(house, "early")
    patient, hasty = await house.client(1), await house.client(2)
    assert [row[4] for row in await patient.ask(*ALL_OF_TODAY)] == ["early"]
    assert await hasty.ask(*NEW_ONES) == []
    issue(house, "late")
    assert [[row[4] for row in await heard(wire)] for wire in (patient, hasty)] == [["late"], ["late"]]


async def test_a_cancel_ends_them_and_so_does_leaving(house: House) -> None:
    quiet, gone, still = await house.client(1), await house.client(2), await house.client(3)
    for wire in (quiet, gone, still):
        await wire.ask(*NEW_ONES)
    assert await quiet.ask(13, 1) == []
    await gone.close()
    issue(house, "closing")
    assert [row[4] for row in await heard(still)] == ["closing"]
    assert await heard(quiet) == []


async def test_a_second_request_does_not_double_them(house: House) -> None:
    wire = await house.client()
    await wire.ask(*NEW_ONES)
    await wire.ask(*ALL_OF_TODAY)
    issue(house, "once")
    assert len(await heard(wire)) == 1


async def test_bulletins_belong_to_the_day_of_the_login(house: House) -> None:
    first = issue(house, "yesterday's")
    house.advance(days=1)
    second = issue(house, "today's")
    wire = await house.client()
    assert [row[2] for row in await wire.ask(*ALL_OF_TODAY)] == [str(second)]
    assert second == first + 1


async def test_a_text_travels_as_ascii_whose_escapes_are_real(house: House) -> None:
    wire = await house.client()
    await wire.ask(*NEW_ONES)
    issue(house, "Zürich: C:\\temp")
    ((*_head, text, _exchange),) = await heard(wire)
    assert text == "Z\\u00fcrich: C:\\\\temp"


async def test_a_request_without_its_fields_is_unreadable_and_harms_nobody(house: House) -> None:
    other, wire = await house.client(1), await house.client(2)
    await other.ask(*NEW_ONES)
    wire.send(12, 1)
    refusal = await wire.read()
    assert refusal[0] == "4"
    assert "320" in refusal
    assert (await wire.ask(8, 1, 1))[0][0] == "9"
    issue(house, "for the others")
    assert len(await heard(other)) == 1


async def test_bulletins_are_no_orders_and_come_with_a_read_only_api(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(read_only=True)
    wire = await house.client()
    await wire.ask(*NEW_ONES)
    issue(house, "for readers")
    assert len(await heard(wire)) == 1
