"""Faults of the link to IBKR, of its data and of its clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from ib_async import ExecutionFilter, Stock

if TYPE_CHECKING:
    from sim.tests.faults.conftest import House, Message, Peer

    Story = Callable[[list[Message]], list[str]]

QUOTES = {"1", "2", "45", "46"}


async def subscribe(client: Peer, request_id: int = 9) -> list[Message]:
    contract: Any = Stock("AAPL", "SMART", "USD", conId=265598)
    client.say.reqMktData(request_id, contract, "", False, False, [])
    return await client.settle()


async def ticks(house: House, client: Peer) -> set[str]:
    """The request ids that hear of prices while these move for some seconds."""
    for _ in range(40):
        house.advance(0.25)
    return {message[2] for message in await client.settle() if message[0] in QUOTES}


async def test_without_a_link_prices_stop_and_a_fill_is_told_when_it_is_back(house: House, story: Story) -> None:
    client = await house.client()
    await subscribe(client)
    await client.place(1, house.limit(), orderRef="resting")
    house.fault("link_lost")
    assert story(await client.until("4")) == ["error 1100"]
    (order,) = house.orders()
    house.simulator.exchange.backstage.fill(order.perm_id)
    assert await ticks(house, client) == set()
    assert house.truth() == [("resting", "Filled", "10")]
    house.fault("link_restored")
    heard = await client.settle()
    assert story(heard)[:2] == ["error 1102", "fill"]
    assert "commission" in story(heard)
    assert await ticks(house, client) == {"9"}
    assert all(not row.order.name.startswith("link_lost") for row in house.simulator.faults.injections)


async def test_an_order_sent_without_a_link_waits_in_the_gateway(house: House, story: Story) -> None:
    client = await house.client()
    house.fault("link_lost", seconds=30)
    await client.until("4")
    assert await client.place(1) == []
    assert house.truth() == []
    house.advance(31)
    heard = await client.until("59")
    assert story(heard)[:2] == ["error 1102", "open PreSubmitted"]
    assert house.truth() == [("", "Filled", "10")]


async def test_when_data_is_lost_quotes_are_gone_until_they_are_asked_for(house: House, story: Story) -> None:
    client = await house.client()
    await subscribe(client)
    house.fault("link_lost")
    house.fault("link_restored_data_lost")
    assert story(await client.settle()) == ["error 1100", "error 1101"]
    assert await ticks(house, client) == set()
    assert QUOTES & {message[0] for message in await subscribe(client)}
    assert await ticks(house, client) == {"9"}


async def test_a_data_farm_goes_and_prices_stop_without_an_error(house: House, story: Story) -> None:
    client = await house.client()
    await subscribe(client)
    house.fault("farm_down")
    (notice,) = await client.settle()
    assert notice[2:5] == ["-1", "2103", "Market data farm connection is broken:usfarm"]
    assert await ticks(house, client) == set()
    house.fault("farm_up")
    heard = await client.settle()
    assert story(heard)[0] == "error 2104"
    assert QUOTES & {message[0] for message in heard}
    assert await ticks(house, client) == {"9"}


@pytest.mark.parametrize(("fault", "code"), [("farm_down", "2103"), ("link_lost", "1100")])
async def test_who_connects_meanwhile_is_told_what_is_down(house: House, fault: str, code: str) -> None:
    house.fault(fault)
    client = await house.knock()
    await client.start(1)
    codes = [message[3] for message in await client.settle() if message[0] == "4"]
    assert codes[0] == code
    assert "2104" not in codes


async def test_the_farm_of_histories_takes_no_prices_with_it(house: House, story: Story) -> None:
    client = await house.client()
    await subscribe(client)
    house.fault("farm_down", farm="ushmds", seconds=20)
    assert story(await client.settle()) == ["error 2105"]
    assert await ticks(house, client) == {"9"}
    house.advance(20)
    assert "error 2106" in story(await client.until("4"))


async def test_a_competing_session_takes_the_data_until_it_ends(house: House, story: Story) -> None:
    client = await house.client()
    await subscribe(client)
    house.fault("competing_session")
    assert [message[2:4] for message in await client.settle()] == [["9", "10197"]]
    heard = await subscribe(client, 10)
    assert ["10", "10197"] in [message[2:4] for message in heard]
    assert not QUOTES & {message[0] for message in heard}
    assert await ticks(house, client) == set()
    house.clear()
    assert await ticks(house, client) == {"9", "10"}


async def test_the_fault_of_one_client_is_not_anothers(house: House, story: Story) -> None:
    mine, theirs = await house.client(1), await house.client(2)
    await subscribe(mine)
    await subscribe(theirs)
    house.fault("competing_session", client=1)
    house.fault("silent_drop", client=1)
    house.fault("delay", client=1, seconds=3600, kind="status")
    house.fault("gateway_hangs", "order:2", client=1)
    assert await ticks(house, theirs) == {"9"}
    for number in (1, 2):
        told = story(await theirs.place(number, orderRef="theirs"))
        assert [told.count(word) for word in ("status Filled", "fill", "commission")] == [1, 1, 1]
    await mine.place(1, orderRef="mine")
    assert house.truth() == [("theirs", "Filled", "10")] * 2


async def test_a_wrong_clock_is_wrong_in_every_time_that_is_told(house: House) -> None:
    client = await house.client()
    right = int(house.simulator.clock.now().timestamp())
    house.fault("clock_skew", seconds=-90)
    live = next(message for message in await client.place(1) if message[0] == "11")
    client.say.reqExecutions(5, ExecutionFilter())
    asked = (await client.settle())[0]
    client.say.reqCurrentTime()
    assert int((await client.read())[2]) == right - 90
    assert live[15] == asked[15] == "20260302 09:58:30 US/Eastern"
    ((execution, _charge),) = house.simulator.exchange.executions()
    assert int(execution.time.timestamp()) == right


@pytest.mark.parametrize("real", [False, True])
async def test_answers_can_be_late_and_keep_their_order(house: House, story: Story, *, real: bool) -> None:
    client = await house.client()
    house.fault("delay", seconds="0.2" if real else 60, real=real)
    client.order(1)
    assert await client.silent(0.1)
    assert house.position() == 10
    if not real:
        house.advance(60)
    heard = await client.until("59")
    assert story(heard)[1:] == [
        "status PreSubmitted",
        "fill",
        "open Filled",
        "status Filled",
        "open Filled",
        "commission",
    ]


async def test_one_kind_of_answer_can_be_late(house: House, story: Story) -> None:
    client = await house.client()
    house.fault("delay", kind="execution", seconds=60)
    assert "fill" not in story(await client.place(1))
    house.clear()
    assert story(await client.settle()) == ["fill"]
