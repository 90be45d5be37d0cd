"""Faults of orders and of answers to questions at the Web API's door: what the caller sees, what happened."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

if TYPE_CHECKING:
    from sim.tests.faults.webapi.conftest import House

ACCOUNT = "DU9912345"
ORDERS = f"/iserver/account/{ACCOUNT}/orders"
GONE = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)


def order(reference: str = "", **changes: Any) -> dict[str, Any]:
    return {
        "orders": [{"conid": 265598, "side": "BUY", "quantity": 10, "orderType": "MKT", "cOID": reference, **changes}]
    }


@pytest.mark.parametrize(("status", "error"), [(400, "reply id not found"), (503, "Service Unavailable")])
async def test_a_raced_reply_is_refused_and_its_order_is_gone(asking: House, status: int, error: str) -> None:
    asking.fault("reply_race", "reply:2", status=status)
    first = await asking.ask("raced")
    second = await asking.post(f"/iserver/reply/{first[0]['id']}", {"confirmed": True})
    answered, body = await asking.call("POST", f"/iserver/reply/{second[0]['id']}", json={"confirmed": True})
    assert (answered, body["error"]) == (status, error)
    assert (await asking.call("POST", f"/iserver/reply/{second[0]['id']}", json={"confirmed": True}))[0] == 400
    assert asking.truth() == []
    assert (await asking.place("raced"))[0]["order_status"] == "Filled"


async def test_a_stale_reply_is_503_and_its_order_goes_live_with_the_next_of_its_kind(asking: House) -> None:
    await _made_stale(asking, "stale")
    fresh = await asking.ask("fresh")
    fresh = await asking.post(f"/iserver/reply/{fresh[0]['id']}", {"confirmed": True})
    assert asking.truth() == []
    await asking.post(f"/iserver/reply/{fresh[0]['id']}", {"confirmed": True})
    assert sorted(asking.truth()) == [("fresh", "Filled", "10"), ("stale", "Filled", "10")]


async def test_a_stale_order_makes_its_client_order_id_a_used_one(asking: House) -> None:
    await _made_stale(asking, "mine")
    again = await asking.place("mine")
    assert "already registered" in again["error"]
    assert asking.truth() == [("mine", "Filled", "10")]


async def test_a_stale_reply_skips_no_question_that_was_still_to_come(asking: House) -> None:
    asking.fault("stale_reply")
    first = await asking.ask("early")
    status, _body = await asking.call("POST", f"/iserver/reply/{first[0]['id']}", json={"confirmed": True})
    assert status == 503
    await asking.place("later")
    assert asking.truth() == [("later", "Filled", "10")]


async def test_a_stale_no_stays_a_no(asking: House) -> None:
    asking.fault("stale_reply")
    first = await asking.ask("declined")
    status, _body = await asking.call("POST", f"/iserver/reply/{first[0]['id']}", json={"confirmed": False})
    assert status == 503
    await asking.place("other")
    assert asking.truth() == [("other", "Filled", "10")]


async def _made_stale(asking: House, reference: str) -> None:
    """The last of its questions is answered with yes, and IBKR does not hear it."""
    asking.fault("stale_reply", "reply:2")
    first = await asking.ask(reference)
    last = await asking.post(f"/iserver/reply/{first[0]['id']}", {"confirmed": True})
    status, _body = await asking.call("POST", f"/iserver/reply/{last[0]['id']}", json={"confirmed": True})
    assert status == 503


async def test_a_lost_answer_hangs_and_the_lists_have_the_order(web: House) -> None:
    stream = await web.stream("sor+{}", "str+{}")
    web.fault("answer_lost", "order:2")
    await web.place("told")
    assert {row["topic"] for row in await stream.settle()} == {"sor", "str"}
    with pytest.raises(TimeoutError):
        await web.call("POST", ORDERS, json=order("lost"), patience=0.3)
    assert await stream.settle() == []
    assert web.truth() == [("told", "Filled", "10"), ("lost", "Filled", "10")]
    rows = (await web.get("/iserver/account/orders"))["orders"]
    assert {row["order_ref"] for row in rows} == {"told", "lost"}


async def test_a_dropped_order_was_never_taken(web: House) -> None:
    web.fault("silent_drop", "order:2")
    await web.place("first")
    with pytest.raises(TimeoutError):
        await web.call("POST", ORDERS, json=order("dropped"), patience=0.3)
    await web.place("third")
    assert [row[0] for row in web.truth()] == ["first", "third"]


@pytest.mark.parametrize(("when", "taken"), [("before", []), ("after", [("cut", "Filled", "10")])])
async def test_a_connection_cut_around_an_order_tells_nothing(web: House, when: str, taken: list[Any]) -> None:
    web.fault("cut", when=when)
    with pytest.raises(GONE):
        await web.call("POST", ORDERS, json=order("cut"))
    assert web.truth() == taken


async def test_an_answer_cut_after_some_bytes_is_half_a_body(web: House) -> None:
    web.fault("cut", "order", when="after", bytes=20)
    with pytest.raises(aiohttp.ClientPayloadError):
        await web.call("POST", ORDERS, json=order("cut"))
    assert web.truth() == [("cut", "Filled", "10")]


async def test_an_order_fills_while_the_connection_is_broken(web: House) -> None:
    stream = await web.stream("str+{}")
    web.fault("fill_in_outage")
    with pytest.raises(GONE):
        await web.call("POST", ORDERS, json=order("fill", orderType="LMT", price=web.price("0.98")))
    with pytest.raises(EOFError):
        await stream.next("str")
    await web.until(lambda: web.truth() == [("fill", "Filled", "10")])


async def test_a_held_order_trades_with_nobody_until_it_is_released(web: House) -> None:
    web.fault("order_held")
    assert (await web.place("held"))[0]["order_status"] == "PreSubmitted"
    assert web.truth() == [("held", "PreSubmitted", "0")]
    web.clear()
    assert web.truth() == [("held", "Filled", "10")]


async def test_a_rejected_order_is_200_with_an_error_in_it(web: House) -> None:
    web.fault("inactive_reject", reason="NOT TODAY")
    assert await web.ask("no") == {"error": "Order rejected - reason:NOT TODAY"}
    assert web.truth() == []


async def test_a_refused_cancel_is_400_and_the_order_lives(web: House) -> None:
    order_id = await web.rest("lives")
    web.fault("refused_cancel")
    path = f"/iserver/account/{ACCOUNT}/order/{order_id}"
    status, body = await web.call("DELETE", path)
    assert (status, "can not be cancelled" in body["error"]) == (400, True)
    assert web.truth() == [("lives", "Submitted", "0")]
    assert (await web.call("DELETE", path))[0] == 200
    assert web.truth() == [("lives", "Cancelled", "0")]


async def test_a_change_that_forks_names_the_old_order_and_leaves_two(web: House) -> None:
    order_id = await web.rest("forked")
    web.fault("modify_forks")
    body = order("forked", orderType="LMT", price=web.price("0.97"))["orders"][0]
    answer = await web.post(f"/iserver/account/{ACCOUNT}/order/{order_id}", body)
    assert int(answer[0]["order_id"]) == order_id
    rows = (await web.get("/iserver/account/orders"))["orders"]
    assert [row["order_ref"] for row in rows] == ["forked", "forked"]
    assert len({row["orderId"] for row in rows}) == 2
    assert web.truth() == [("forked", "Submitted", "0")] * 2


async def test_an_answer_comes_late_and_the_order_is_taken_after_its_caller_has_gone(web: House) -> None:
    web.fault("answer_late", seconds=30)
    with pytest.raises(TimeoutError):
        await web.call("POST", ORDERS, json=order("late"), patience=0.3)
    assert web.truth() == []
    assert (await web.call("GET", "/iserver/account/orders"))[0] == 200
    web.advance(31)
    await web.until(lambda: web.truth() == [("late", "Filled", "10")])


async def test_orders_of_both_doors_count_for_a_trigger(web: House) -> None:
    injection = web.fault("inactive_reject", "order:2")
    await asyncio.gather(web.place("one"))
    assert "error" in await web.place("two")
    assert len(injection.strikes) == 1
