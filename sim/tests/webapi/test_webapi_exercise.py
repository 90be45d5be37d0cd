"""Options exercised over the WebSocket: a form, a warning, and shares in exchange."""

from __future__ import annotations

import json
from typing import Any

import pytest

ACCOUNT, AAPL = "DU9912345", 265598


async def bought(house: Any, strike: int, right: str = "C", quantity: int = 2) -> int:
    await house.get("/iserver/secdef/search?symbol=AAPL")
    path = f"/iserver/secdef/info?conid={AAPL}&sectype=OPT&month=MAR26&strike={strike}&right={right}"
    conid: int = (await house.get(path))[2]["conid"]
    await house.place({"conid": conid, "quantity": quantity})
    assert house.market.position(ACCOUNT, conid).quantity == quantity
    return conid


async def form(stream: Any, conid: int) -> dict[str, Any]:
    await stream.say(f'shs+exercise+{{"CEX":"{conid}"}}')
    assert await stream.next("shs") == {"topic": "shs+exercise"}
    told: dict[str, Any] = await stream.next("shs")
    return told


async def enter(stream: Any, number: int, action: str, value: object = None) -> None:
    data: dict[str, Any] = {"id": str(number), "user_action": action}
    if value is not None:
        data |= {"exercise": {"allowed": "not_shown", "make_final": True, "value": value}}
    await stream.say(f"inp+exercise+{json.dumps({'action': 'user_input', 'data': data})}")


async def test_an_option_is_exercised_in_three_steps(trader: Any) -> None:
    conid = await bought(trader, 250)
    stream = await (await trader.stream()).welcomed()
    shown = await form(stream, conid)
    assert (shown["action"], shown["data"]["position"], shown["data"]["deadline"]) == ("content", 2, "16:25")
    assert [row["id"] for row in shown["data"]["user_action"]] == ["submit", "cancel"]
    await enter(stream, shown["data"]["id"], "submit", 1)
    warned = await stream.next("inp")
    assert (warned["action"], warned["data"]["title"]) == ("prompt", "Warning")
    assert trader.market.position(ACCOUNT, AAPL) is None
    await enter(stream, warned["data"]["id"], "continue")
    await stream.settle()
    assert trader.market.position(ACCOUNT, AAPL).quantity == 100
    assert trader.market.position(ACCOUNT, conid).quantity == 1
    await enter(stream, warned["data"]["id"], "continue")
    assert [message["error"] for message in await stream.settle()] == ["unable to subscribe"]
    assert trader.market.position(ACCOUNT, AAPL).quantity == 100


async def test_who_cancels_or_asks_for_too_many_exercises_nothing(trader: Any) -> None:
    conid = await bought(trader, 250)
    stream = await (await trader.stream()).welcomed()
    await enter(stream, (await form(stream, conid))["data"]["id"], "cancel")
    await enter(stream, (await form(stream, conid))["data"]["id"], "submit", "many")
    assert await stream.settle() == []
    await enter(stream, (await form(stream, conid))["data"]["id"], "submit", 3)
    await enter(stream, (await stream.next("inp"))["data"]["id"], "continue")
    (refused,) = await stream.settle()
    assert "no such position" in refused["error"]
    assert refused["topic"] == "inp+exercise"
    assert trader.market.position(ACCOUNT, conid).quantity == 2


@pytest.mark.parametrize("words", [f'shs+exercise+{{"CEX":"{AAPL}"}}', "shs+exercise+{}", 'shs+other+{"CEX":"1"}'])
async def test_there_is_a_form_for_options_that_are_held_alone(trader: Any, words: str) -> None:
    stream = await (await trader.stream()).welcomed()
    await stream.say(words)
    assert [message["code"] for message in await stream.settle()] == [500]
