"""Faults of single requests at the Web API's door: errors, silence, halves of answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

if TYPE_CHECKING:
    from sim.tests.faults.webapi.conftest import House

ACCOUNT = "DU9912345"
ORDERS = f"/iserver/account/{ACCOUNT}/orders"
ORDER = {"conid": 265598, "side": "BUY", "quantity": 10, "orderType": "MKT", "cOID": "mine"}
SNAPSHOT = "/iserver/marketdata/snapshot?conids=265598&fields=31"


async def test_an_error_comes_inside_of_a_200(web: House) -> None:
    web.fault("error_inside", path="/portfolio/accounts", error="try later")
    assert isinstance(await web.get("/iserver/accounts"), dict)
    assert await web.get("/portfolio/accounts") == {"error": "try later"}
    assert isinstance(await web.get("/portfolio/accounts"), list)


async def test_an_order_that_is_told_of_an_error_was_never_taken(web: House) -> None:
    web.fault("error_inside", "request:/iserver/account/*/orders:2", listed=True)
    await web.place("first")
    assert "error" in (await web.ask("second"))[0]
    assert [row[0] for row in web.truth()] == ["first"]


@pytest.mark.parametrize(("handled", "taken"), [(True, [("mine", "Filled", "10")]), (False, [])])
async def test_an_empty_503_after_ten_seconds_says_nothing_of_the_order(
    web: House, *, handled: bool, taken: list[Any]
) -> None:
    web.fault("empty_503", "request:/iserver/account/*", handled=handled)
    answer = asyncio.create_task(_raw(web))
    await web.until(lambda: len(web.truth()) == len(taken))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(answer), 0.2)
    web.advance(10)
    assert await answer == (503, b"", "10000ms")
    assert web.truth() == taken


async def _raw(web: House) -> tuple[int, bytes, str | None]:
    async with web.http.post(f"{web.door.url}{ORDERS}", json={"orders": [ORDER]}) as response:
        return response.status, await response.read(), response.headers.get("x-response-time")


async def test_one_path_hangs_while_others_answer(web: House) -> None:
    web.fault("hang", path="/iserver/account/*/orders")
    with pytest.raises(TimeoutError):
        await web.call("POST", ORDERS, json={"orders": [ORDER]}, patience=0.3)
    assert isinstance(await web.get("/iserver/accounts"), dict)
    web.clear()
    assert web.truth() == []
    assert (await web.ask("after"))[0]["order_status"] == "Filled"


async def test_an_order_may_be_taken_though_its_path_hangs(web: House) -> None:
    web.fault("hang", handled=True)
    with pytest.raises(TimeoutError):
        await web.call("POST", ORDERS, json={"orders": [ORDER]}, patience=0.3)
    assert web.truth() == [("mine", "Filled", "10")]


async def test_whoever_hangs_is_cut_off_when_it_is_over(web: House) -> None:
    web.fault("hang")
    waiting = asyncio.create_task(web.call("POST", "/tickle"))
    await asyncio.sleep(0.1)
    web.clear()
    with pytest.raises(aiohttp.ClientConnectionError):
        await waiting


async def test_a_body_is_cut_half_way(web: House) -> None:
    web.fault("cut_body")
    with pytest.raises(aiohttp.ClientPayloadError):
        await web.call("POST", ORDERS, json={"orders": [ORDER]})
    assert web.truth() == [("mine", "Filled", "10")]
    assert isinstance(await web.get("/portfolio/accounts"), list)


async def test_a_body_stalls_half_way(web: House) -> None:
    web.fault("cut_body", stall=True)
    async with web.http.post(f"{web.door.url}{ORDERS}", json={"orders": [ORDER]}) as response:
        assert response.status == 200
        assert (await response.content.readany()).startswith(b'[{"order_id"')
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(response.content.readany(), 0.2)
    assert web.truth() == [("mine", "Filled", "10")]


async def test_the_penalty_box_refuses_everything_for_its_time(web: House) -> None:
    web.fault("paced_out", "request:3", seconds=60)
    for _time in range(2):
        await web.get("/portfolio/accounts")
    for path in ("/portfolio/accounts", "/iserver/accounts"):
        assert (await web.call("GET", path))[0] == 429
    assert (await web.call("POST", ORDERS, json={"orders": [ORDER]}))[0] == 429
    web.advance(61)
    await web.until(lambda: not web.simulator.faults.injections)
    assert isinstance(await web.get("/portfolio/accounts"), list)
    assert web.truth() == []


@pytest.mark.parametrize(
    ("what", "path", "thin"),
    [
        ("orders", "/iserver/account/orders", lambda body: body == {"orders": [], "snapshot": False}),
        ("trades", "/iserver/account/trades", lambda body: body == []),
        ("positions", f"/portfolio/{ACCOUNT}/positions/0", lambda body: "ticker" not in body[0]),
        ("snapshot", SNAPSHOT, lambda body: "31" not in body[0]),
    ],
)
async def test_an_answer_stays_thin_for_longer(web: House, what: str, path: str, thin: Callable[[Any], bool]) -> None:
    await web.place("mine")
    web.fault("thin_answer", of=what, tries=2)
    assert [thin(await web.get(path)) for _time in range(3)] == [True, True, False]
    assert web.truth() == [("mine", "Filled", "10")]


async def test_a_list_of_orders_can_lack_rows_and_its_end(web: House) -> None:
    for reference in ("one", "two", "three"):
        await web.place(reference)
    web.fault("snapshot_cut", ended=False)
    cut = await web.get("/iserver/account/orders")
    assert (len(cut["orders"]), cut["snapshot"]) == (2, False)
    whole = await web.get("/iserver/account/orders")
    assert (len(whole["orders"]), whole["snapshot"]) == (3, True)


async def test_executions_before_midnight_are_in_no_list(web: House) -> None:
    await web.place("old")
    web.fault("executions_since_midnight")
    web.advance(1)
    await web.place("new")
    assert [row["order_ref"] for row in await web.get("/iserver/account/trades")] == ["new"]


async def test_a_wrong_clock_shows_in_the_times_of_trades(web: House) -> None:
    await web.place("mine")
    right = (await web.get("/iserver/account/trades"))[0]["trade_time_r"]
    web.fault("clock_skew", seconds=90)
    assert (await web.get("/iserver/account/trades"))[0]["trade_time_r"] - right == 90_000


async def test_a_delayed_answer_waits_for_its_time(web: House) -> None:
    web.fault("delay", seconds=5)
    answer = asyncio.create_task(web.get("/portfolio/accounts"))
    await asyncio.sleep(0.1)
    assert not answer.done()
    web.advance(6)
    assert isinstance(await answer, list)


async def test_behind_a_lost_link_requests_hang_until_it_is_restored(web: House) -> None:
    web.fault("link_lost")
    order = asyncio.create_task(web.ask("patient"))
    with pytest.raises(TimeoutError):
        await web.call("POST", ORDERS, json={"orders": [ORDER | {"cOID": "gone"}]}, patience=0.3)
    await asyncio.sleep(0.05)  # until the door has noticed that the caller is gone
    assert web.truth() == []
    web.fault("link_restored")
    assert (await order)[0]["order_status"] == "Filled"
    assert web.truth() == [("patient", "Filled", "10")]


async def test_a_gateway_that_hangs_goes_on_where_it_stood(web: House) -> None:
    web.fault("gateway_hangs")
    waiting = asyncio.create_task(web.ask("mine"))
    await asyncio.sleep(0.15)
    assert web.truth() == []
    web.clear()
    assert (await waiting)[0]["order_status"] == "Filled"


async def test_a_trigger_counts_the_requests_to_its_path(web: House) -> None:
    injection = web.fault("paced_out", "request:/portfolio/*:2")
    await web.get("/iserver/accounts")
    await web.get("/portfolio/accounts")
    assert not injection.active
    assert (await web.call("GET", f"/portfolio/{ACCOUNT}/summary"))[0] == 429


async def test_the_same_seed_hits_the_same_requests(web: House) -> None:
    async def hit(seed: int) -> list[bool]:
        web.fault("error_inside", "request~0.4", seed=seed)
        told = [isinstance(await web.get("/portfolio/accounts"), dict) for _time in range(20)]
        web.clear()
        return told

    first, again, other = [await hit(seed) for seed in (5, 5, 6)]
    assert 2 < sum(first) < 15
    assert first == again != other
