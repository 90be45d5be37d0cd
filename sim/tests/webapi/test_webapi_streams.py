"""The WebSocket: greeting, topics, deltas, and how they end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from ibkr_sim.webapi.settings import OrderStream, Unsettled

ACCOUNT = "DU9912345"
AAPL = 265598
QUOTE = 'smd+265598+{"fields":["31","84","86","87","83"]}'


async def test_a_cookie_opens_with_the_three_greetings(house: Any) -> None:
    stream = await house.stream()
    system, act, status = [await stream.next() for _time in range(3)]
    assert system == {"topic": "system", "success": "simulator", "isFT": False, "isPaper": True}
    assert act["args"]["selectedAccount"] == ACCOUNT
    assert (status["topic"], status["args"]["authenticated"]) == ("sts", True)


async def test_a_client_without_a_cookie_names_its_session(house: Any) -> None:
    stream = await house.stream("")
    assert await stream.next() == {"message": "waiting for session"}
    token = (await house.post("/tickle"))["session"]
    await stream.say(json.dumps({"session": token}))
    await stream.next("sts")


async def test_other_forms_of_the_cookie_are_known(house: Any) -> None:
    token = (await house.post("/tickle"))["session"]
    for cookie in (f'api={{"session":"{token}"}}', f"x-sess-uuid=0.{token[:8]}"):
        socket = await house.http.ws_connect(f"{house.door.url}/ws", headers={"Cookie": cookie})
        assert (await socket.receive_json(timeout=5))["topic"] == "system"
        await socket.close()


async def test_heartbeats_and_answers_to_tic(open_house: Callable[..., Any]) -> None:
    house = await open_house(heartbeat=0.05)
    stream = await (await house.stream()).welcomed()
    await stream.say("tic")
    answers = [await stream.next("tic") for _time in range(4)]
    assert answers[0] == answers[3]
    assert answers[0]["alive"] is True
    async with asyncio.timeout(5):
        while (message := await stream.socket.receive_json()).get("topic") != "system":
            continue
    assert "hb" in message
    await stream.say("nonsense+{}")
    while "error" not in (message := await stream.next()):
        continue
    assert message["code"] == 1


async def test_market_data_begin_whole_and_go_on_with_what_changes(house: Any) -> None:
    stream = await (await house.stream()).welcomed()
    await stream.say(QUOTE)
    first = await stream.next("smd")
    quote = house.market.quote(AAPL)
    assert (first["topic"], first["conidEx"], first["6509"]) == (f"smd+{AAPL}", str(AAPL), "RpB")
    assert (first["84"], first["87_raw"]) == (f"{quote.bid:.2f}", float(quote.volume))
    assert isinstance(first["83"], float)
    house.advance(minutes=1)
    delta = await stream.next("smd")
    assert "conidEx" not in delta
    assert set(delta) < {*first, "_updated"}
    assert "31" in delta or "84" in delta or "87" in delta


async def test_market_data_end_after_a_quarter_of_an_hour(open_house: Callable[..., Any]) -> None:
    house = await open_house(idle_timeout=timedelta(hours=1), login_timeout=timedelta(hours=1))
    stream = await (await house.stream()).welcomed()
    await stream.say(QUOTE)
    await stream.next("smd")
    house.advance(minutes=16)
    await asyncio.sleep(0.2)
    await stream.settle()
    house.advance(minutes=1)
    await asyncio.sleep(0.2)
    assert [said for said in await stream.settle() if str(said.get("topic")).startswith("smd")] == []


async def test_an_unsubscribe_silences_a_topic(house: Any) -> None:
    stream = await (await house.stream()).welcomed()
    await stream.say(QUOTE)
    await stream.next("smd")
    await stream.say(f"umd+{AAPL}+{{}}")
    await stream.settle()
    house.advance(minutes=1)
    await asyncio.sleep(0.15)
    assert await stream.settle() == []


async def test_an_order_is_told_whole_and_then_by_its_changes(trader: Any) -> None:
    stream = await (await trader.stream()).welcomed()
    await stream.say("sor+{}")
    await stream.settle()
    (placed,) = await trader.place({"orderType": "LMT", "price": trader.price("0.99"), "cOID": "s-1"})
    rows = [message["args"][0] for message in await stream.settle()]
    assert [row.get("status") for row in rows] == ["Inactive", None, "PendingSubmit", "PreSubmitted", "Submitted"]
    assert (rows[0]["order_ref"], rows[0]["remainingQuantity"]) == ("s-1", 10.0)
    await trader.call("DELETE", f"/iserver/account/{ACCOUNT}/order/{placed['order_id']}")
    rows = [message["args"][0] for message in await stream.settle()]
    assert [row["status"] for row in rows] == ["PendingCancel", "Cancelled"]


@pytest.mark.parametrize("kind", [OrderStream.SILENT, OrderStream.REFUSED])
async def test_the_topic_of_orders_may_be_silent_or_refused(open_house: Callable[..., Any], kind: OrderStream) -> None:
    house = await open_house(unsettled=Unsettled(order_stream=kind))
    await house.ready()
    stream = await (await house.stream()).welcomed()
    await stream.say("sor+{}")
    await house.place({})
    said = await stream.settle()
    refused = [{"error": "unable to subscribe", "code": 500, "topic": "sor"}]
    assert said == (refused if kind is OrderStream.REFUSED else [])


async def test_filters_of_the_list_silence_the_topic_until_force(trader: Any) -> None:
    stream = await (await trader.stream()).welcomed()
    await stream.say("sor+{}")
    await trader.get("/iserver/account/orders?filters=filled")
    await trader.place({})
    assert await stream.settle() == []
    await trader.get("/iserver/account/orders?force=true")
    await trader.place({})
    assert await stream.settle() != []


async def test_an_execution_is_told_twice_at_last_with_its_commission(trader: Any) -> None:
    await trader.place({"cOID": "before"})
    stream = await (await trader.stream()).welcomed()
    await stream.say("str+{}")
    past = [message["args"] for message in await stream.settle()]
    assert [len(rows) for rows in past] == [0, 1, 1]
    assert ["commission" in rows[0] for rows in past[1:]] == [False, True]
    await trader.place({"cOID": "after"})
    fresh = [message["args"][0] for message in await stream.settle()]
    assert [row["order_ref"] for row in fresh] == ["after", "after"]
    assert ["commission" in row for row in fresh] == [False, True]
    await stream.say("utr")
    await trader.place({})
    assert await stream.settle() == []


async def test_profit_and_loss_follow_the_books(trader: Any) -> None:
    stream = await (await trader.stream()).welcomed()
    await stream.say("spl+{}")
    first = await stream.next("spl")
    assert first["args"][f"{ACCOUNT}.Core"]["upl"] == 0.0
    await trader.place({})
    later = await stream.next("spl")
    assert later["args"][f"{ACCOUNT}.Core"]["upl"] == float(trader.market.pnl(ACCOUNT).unrealized)


async def test_summary_and_ledger_come_again_and_again(trader: Any) -> None:
    stream = await (await trader.stream()).welcomed()
    await stream.say(f'ssd+{ACCOUNT}+{{"keys":["NetLiquidation-S"],"fields":["currency","monetaryValue"]}}')
    frame = await stream.next(f"ssd+{ACCOUNT}")
    (row,) = frame["result"]
    assert row["monetaryValue"] == float(trader.market.net_liquidation(ACCOUNT))
    await stream.next(f"ssd+{ACCOUNT}")
    await stream.say(f"usd+{ACCOUNT}+{{}}")
    assert {"result": "unsubscribed from summary"} in await stream.settle()
    await stream.say(f"sld+{ACCOUNT}")
    ledger = await stream.next(f"sld+{ACCOUNT}")
    assert {row["key"] for row in ledger["result"]} == {"LedgerListUSD", "LedgerListBASE"}
    await stream.say(f"uld+{ACCOUNT}")
    assert {"result": "unsubscribed from ledger"} in await stream.settle()


async def test_five_histories_may_be_open(house: Any) -> None:
    stream = await (await house.stream()).welcomed()
    frames = []
    for _time in range(6):
        await stream.say(f'smh+{AAPL}+{{"period":"1d","bar":"1h"}}')
        frames.append(await stream.next("smh"))
    assert frames[5]["code"] == 429
    assert [row["t"] for row in frames[0]["data"]] == [1772461800000, 1772463600000]
    await stream.say(f"umh+{frames[0]['serverId']}")
    assert await stream.next() == {"message": f"Unsubscribed {frames[0]['serverId']}"}


async def test_the_loss_of_the_bridge_is_told_and_ends_its_topics(house: Any) -> None:
    stream = await (await house.stream()).welcomed()
    await stream.say(QUOTE)
    await stream.next("smd")
    house.door.house.sessions.drop_brokerage(house.door.house.sessions.gateway)
    assert (await stream.next("sts"))["args"]["authenticated"] is False
    await stream.say("sor+{}")
    assert (await stream.next("sor"))["error"] == "no bridge"
    await house.post("/logout")
    async with asyncio.timeout(5):
        while (message := await stream.socket.receive()).type is aiohttp.WSMsgType.TEXT:
            continue
    assert stream.socket.close_code == 1000, message


async def test_frames_may_be_binary(open_house: Callable[..., Any]) -> None:
    house = await open_house(unsettled=Unsettled(binary_frames=True))
    stream = await house.stream()
    message = await stream.socket.receive(timeout=5)
    assert message.type is aiohttp.WSMsgType.BINARY


async def test_a_page_in_a_browser_gets_no_socket(house: Any) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await house.http.ws_connect(f"{house.door.url}/ws", origin="https://evil.example")


async def test_the_door_parts_from_whoever_is_still_there(house: Any) -> None:
    stream = await (await house.stream()).welcomed()
    await stream.say(QUOTE)
    await stream.next("smd")
    closing = asyncio.create_task(house.door.close())
    async with asyncio.timeout(5):
        while (message := await stream.socket.receive()).type is aiohttp.WSMsgType.TEXT:
            continue
        await closing
    assert stream.socket.close_code in (1000, 1001), message


async def test_a_client_that_breaks_off_harms_nobody(house: Any) -> None:
    gone = await (await house.stream()).welcomed()
    stays = await (await house.stream()).welcomed()
    for stream in (gone, stays):
        await stream.say(QUOTE)
        await stream.next("smd")
    transport = gone.socket._response.connection.transport
    transport.abort()
    house.advance(minutes=1)
    assert (await stays.next("smd"))["conid"] == AAPL
