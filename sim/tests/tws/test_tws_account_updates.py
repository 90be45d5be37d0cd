"""One account's updates at a time, over all clients: who is refused, and who is thrown out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from ibkr_sim.tws.settings import AccountUpdatesRule

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message, Wire

FIRST, SECOND = "DU9912345", "DU9967890"


async def subscribe(wire: Wire, account: str) -> list[Message]:
    return await wire.ask(6, 2, 1, account)


def accounts(messages: list[Message]) -> set[str]:
    """Whose downloads have ended."""
    return {message[2] for message in messages if message[0] == "54"}


def errors(messages: list[Message]) -> list[list[str]]:
    return [message[2:5] for message in messages if message[0] == "4"]


async def test_a_second_account_is_refused_while_other_clients_are_subscribed_to_the_first(house: House) -> None:
    one, two, three = [await house.client(number) for number in (1, 2, 3)]
    assert accounts(await subscribe(one, FIRST)) == {FIRST}
    assert accounts(await subscribe(two, "")) == {FIRST}  # none named is the first
    heard = await subscribe(three, SECOND)
    text = "Unable to subscribe to account as the following clients are subscribed to a different account: 1, 2"
    assert heard == [["4", "2", "-1", "2101", text, ""]]
    await two.place(1, account=SECOND)
    assert "7" not in {message[0] for message in await three.settle()}


async def test_who_holds_an_account_alone_may_change_it(house: House) -> None:
    one, two = await house.client(1), await house.client(2)
    await subscribe(one, FIRST)
    assert accounts(await subscribe(one, SECOND)) == {SECOND}
    await subscribe(two, SECOND)
    assert errors(await subscribe(one, FIRST))[0][:2] == ["-1", "2101"]
    assert "7" in {message[0] for message in await one.place(1, account=SECOND)}  # what it had goes on


@pytest.mark.parametrize("leaves", [False, True])
async def test_an_account_is_free_again_once_its_subscriber_is_gone(house: House, leaves: bool) -> None:
    one, two = await house.client(1), await house.client(2)
    await subscribe(one, FIRST)
    if leaves:
        await one.close()
        one = await house.client(1)
    else:
        await one.ask(6, 2, 0, FIRST)
    assert accounts(await subscribe(two, SECOND)) == {SECOND}


async def test_where_tws_lets_the_last_one_win_the_others_are_told(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(account_updates=AccountUpdatesRule.REPLACED)
    one, two = await house.client(1), await house.client(2)
    await subscribe(one, FIRST)
    assert accounts(await subscribe(two, SECOND)) == {SECOND}
    text = "New account data requested from TWS.  API client has been unsubscribed from account data."
    assert errors(await one.settle()) == [["-1", "2100", text]]
    assert not {"6", "7"} & {message[0] for message in await one.place(1)}


async def test_every_client_may_have_an_account_of_its_own_where_nothing_forbids_it(
    open_house: Callable[..., Any],
) -> None:
    house: House = await open_house(account_updates=AccountUpdatesRule.SHARED)
    one, two = await house.client(1), await house.client(2)
    assert accounts(await subscribe(one, FIRST)) == {FIRST}
    assert accounts(await subscribe(two, SECOND)) == {SECOND}
    assert await one.settle() == []


async def test_updates_by_request_id_are_not_concerned(house: House) -> None:
    one, two = await house.client(1), await house.client(2)
    await subscribe(one, FIRST)
    heard = await two.ask(76, 1, 5, SECOND, "", 0)
    assert heard[-1] == ["74", "1", "5"]
