"""Faults of the Web API's WebSocket: silence, closing, frames, and executions that come wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest

if TYPE_CHECKING:
    from sim.tests.faults.webapi.conftest import House, Stream

AAPL = 265598
QUOTES = f'smd+{AAPL}+{{"fields":["31","84","86"]}}'
ORDERS, TRADES = "sor+{}", "str+{}"


async def moved(web: House, stream: Stream) -> bool:
    """Whether quotes are told of after a minute."""
    web.advance(60)
    try:
        await stream.next("smd")
    except TimeoutError:
        return False
    return True


async def test_a_topic_ends_without_a_word_until_it_is_asked_for_again(web: House) -> None:
    stream = await web.stream(QUOTES, ORDERS)
    assert await moved(web, stream)
    web.fault("topic_ends", topic="smd")
    await stream.settle()
    web.advance(60)
    await web.place("mine")
    heard = {str(row.get("topic"))[:3] for row in await stream.settle()}
    assert heard == {"sor"}
    await stream.say(QUOTES)
    assert (await stream.next("smd"))["conid"] == AAPL
    assert web.truth() == [("mine", "Filled", "10")]


async def test_the_topic_of_orders_is_silent_while_that_of_trades_speaks(web: House) -> None:
    web.fault("silent_sor")
    stream = await web.stream(ORDERS, TRADES)
    await web.place("mine")
    assert {row["topic"] for row in await stream.settle()} == {"str"}
    web.clear()
    await web.place("more")
    assert {row["topic"] for row in await stream.settle()} == {"sor", "str"}


async def test_frames_come_as_binary_ones(web: House) -> None:
    stream = await web.stream()
    web.fault("socket_binary", "frame:2")
    await stream.settle()
    stream.kinds.clear()
    await stream.settle()
    assert stream.kinds == {aiohttp.WSMsgType.BINARY}
    web.clear()
    stream.kinds.clear()
    await stream.settle()
    assert stream.kinds == {aiohttp.WSMsgType.TEXT}


async def test_a_socket_is_closed_with_1000_and_so_are_the_next_ones(web: House) -> None:
    stream = await web.stream(ORDERS)
    web.fault("socket_drops", tries=2)
    with pytest.raises(EOFError, match="1000"):
        await stream.next()
    for _time in range(2):
        with pytest.raises(EOFError, match="1000"):
            await (await web.socket()).next()
    again = await web.stream()
    await web.place("mine")
    assert await again.settle() == []  # nobody has subscribed anew


async def test_a_deaf_socket_answers_pings_and_nothing_else(web: House) -> None:
    stream = await web.stream(ORDERS)
    web.fault("socket_deaf")
    await stream.say("tic")
    await stream.socket.ping()
    assert await stream.silent()
    fresh = await web.socket()
    assert await fresh.silent()
    await web.place("mine")
    web.clear()
    assert await stream.settle() == []
    assert web.truth() == [("mine", "Filled", "10")]


async def test_a_frame_of_a_topic_triggers(web: House) -> None:
    stream = await web.stream(ORDERS, TRADES)
    web.fault("socket_drops", "frame/str:2", code=1001)
    await web.place("mine")
    await stream.rest()
    assert stream.socket.close_code == 1001
    assert web.truth() == [("mine", "Filled", "10")]


async def test_an_execution_is_told_twice_though_it_happened_once(web: House) -> None:
    web.fault("duplicate_execution")
    stream = await web.stream(TRADES)
    await web.place("mine")
    told = await stream.trades()
    assert [charged for _id, charged in told] == [False, False, True]
    assert len({exec_id for exec_id, _charged in told}) == 1
    assert web.truth() == [("mine", "Filled", "10")]


async def test_an_execution_comes_behind_its_commission(web: House) -> None:
    web.fault("commission_first")
    stream = await web.stream(TRADES)
    await web.place("mine")
    assert [charged for _id, charged in await stream.trades()] == [True, False]


async def test_a_late_execution_is_in_no_list_until_it_is_told(web: House) -> None:
    web.fault("late_execution", seconds=5)
    stream = await web.stream(TRADES)
    await web.place("mine")
    assert await stream.trades() == []
    assert await web.get("/iserver/account/trades") == []
    assert web.truth() == [("mine", "Filled", "10")]
    web.advance(6)
    assert (await stream.next("str"))["args"][0]["order_ref"] == "mine"
    assert len(await web.get("/iserver/account/trades")) == 1


async def test_a_correction_comes_under_the_next_number_and_the_ledger_follows(web: House) -> None:
    web.fault("corrected_execution", price_by="-0.05", seconds=1)
    stream = await web.stream(TRADES)
    await web.place("mine")
    first = {exec_id for exec_id, _charged in await stream.trades()}
    web.advance(2)
    corrected = (await stream.next("str"))["args"][0]
    assert corrected["execution_id"] not in first
    assert corrected["execution_id"].rpartition(".")[0] in {exec_id.rpartition(".")[0] for exec_id in first}
    [row] = await web.get("/iserver/account/trades")
    assert row["execution_id"] == corrected["execution_id"]


async def test_a_lost_link_leaves_the_socket_open_and_silent(web: House) -> None:
    stream = await web.stream(QUOTES, TRADES)
    web.fault("link_lost")
    web.advance(60)
    await stream.say("tic")
    assert await stream.silent()
    web.fault("link_restored")
    assert (await stream.next("smd"))["conid"] == AAPL


async def test_data_lost_with_the_link_does_not_come_back(web: House) -> None:
    stream = await web.stream(QUOTES)
    web.fault("link_lost")
    web.fault("link_restored_data_lost")
    await stream.settle()
    web.advance(60)
    assert [row for row in await stream.settle() if str(row.get("topic")).startswith("smd")] == []


async def test_a_cut_socket_ends_without_a_close_frame(web: House) -> None:
    stream = await web.stream(TRADES)
    web.fault("cut")
    with pytest.raises(EOFError, match="1006"):
        await stream.next()
