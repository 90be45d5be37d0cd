"""CFDs on shares have no quotes: whoever asks is told which share to ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House

AAPL, SPY = 265598, 756733
VERSIONS = [157, 163, 176, 178, 193, 194, 200]


def cfd(symbol: str) -> list[object]:
    return [0, symbol, "CFD", "", "0.0", "", "", "SMART", "", "USD", "", ""]


def quote(request_id: int, contract: list[object], ticks: str = "", snapshot: int = 0) -> list[object]:
    return [1, 11, request_id, *contract, 0, ticks, snapshot, 0, ""]


def book(request_id: int, contract: list[object], rows: int = 5, *, smart: int = 1) -> list[object]:
    return [10, 5, request_id, *contract, rows, smart, ""]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_quote_of_a_cfd_on_a_share_is_rerouted_to_the_share(house: House, version: int) -> None:
    wire = await house.client(version=version)
    assert await wire.ask(*quote(7, cfd("AAPL"))) == [["91", "7", str(AAPL), "SMART"]]
    assert await wire.ask(*quote(8, cfd("SPY"), snapshot=1)) == [["91", "8", str(SPY), "SMART"]]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_book_of_a_cfd_on_a_share_is_rerouted_to_where_the_share_has_one(house: House, version: int) -> None:
    wire = await house.client(version=version)
    assert await wire.ask(*book(7, cfd("AAPL"))) == [["92", "7", str(AAPL), "SMART"]]
    assert await wire.ask(*book(8, cfd("AAPL"), smart=0)) == [["92", "8", str(AAPL), "NASDAQ"]]


async def test_what_a_client_is_sent_to_can_be_asked_for_under_the_same_id(house: House) -> None:
    wire = await house.client()
    ((_number, request_id, conid, exchange),) = await wire.ask(*quote(7, cfd("AAPL")))
    share: list[object] = [conid, "", "", "", "0.0", "", "", exchange, "", "", "", ""]
    kinds = [message[0] for message in await wire.ask(*quote(int(request_id), share))]
    assert kinds[:3] == ["81", "58", "1"]
    for smart in (0, 1):
        ((_number, request_id, conid, exchange),) = await wire.ask(*book(20 + smart, cfd("AAPL"), smart=smart))
        share = [conid, "", "", "", "0.0", "", "", exchange, "", "", "", ""]
        rows = await wire.ask(*book(int(request_id), share, smart=smart))
        assert {row[0] for row in rows} == {"13" if smart else "12"}


async def test_a_rerouted_request_takes_no_line_and_tells_nothing_more(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(market_data_lines=1)
    wire = await house.client()
    for request_id in (7, 8):
        assert [row[0] for row in await wire.ask(*quote(request_id, cfd("AAPL")))] == ["91"]
    house.advance(minutes=1)
    assert await wire.settle() == []
    assert [row[2:4] for row in await wire.ask(2, 2, 7)] == [["7", "300"]]


async def test_a_cfd_on_an_index_is_quoted_by_itself(house: House) -> None:
    wire = await house.client()
    kinds = {message[0] for message in await wire.ask(*quote(7, cfd("IBUS500")))}
    assert {"81", "58", "1"} <= kinds
    assert "91" not in kinds


async def test_a_setting_lets_every_cfd_have_quotes(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(reroutes_cfds_on=frozenset())
    wire = await house.client()
    kinds = {message[0] for message in await wire.ask(*quote(7, cfd("AAPL")))}
    assert {"81", "58", "1"} <= kinds


async def test_what_makes_no_sense_is_refused_before_it_is_rerouted(house: House) -> None:
    wire = await house.client()
    assert [row[2:4] for row in await wire.ask(*quote(7, cfd("AAPL"), ticks="999"))] == [["7", "321"]]
    assert [row[2:4] for row in await wire.ask(*quote(8, cfd("NONESUCH")))] == [["8", "200"]]
    assert [row[2:4] for row in await wire.ask(*book(9, cfd("NONESUCH")))] == [["9", "200"]]
    assert [row[2:4] for row in await wire.ask(*book(9, cfd("AAPL"), rows=0))] == [["9", "321"]]
    wire.send(10, 5, 7, *cfd("AAPL"), "five")
    assert "320" in await wire.read()
    assert (await wire.ask(8, 1, 1))[0][0] == "9"
