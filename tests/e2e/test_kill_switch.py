"""The kill switch: what it stops, how fast, and that it can be pressed twice."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from decimal import Decimal
from typing import Any

from ibkr_bridge.config.settings import GuardSettings

LIMIT = {"symbol": "AAPL", "side": "BUY", "qty": 1, "type": "LIMIT", "limit": 100}
MARKET = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "MARKET"}


async def filled(home: Any, body: dict[str, Any]) -> None:
    _status, order = await home.call("POST", "/orders", body)
    await home.until_order(order["id"], "filled")


async def flat(home: Any) -> None:
    async def none_held() -> bool:
        return not (await home.call("GET", "/positions"))[1]["positions"]

    await home.until(none_held)


async def test_a_halt_refuses_the_next_order_and_cancels_still_pass(home: Any) -> None:
    _status, order = await home.call("POST", "/orders", LIMIT)
    assert (await home.call("POST", "/admin/halt", {}))[1]["state"] == "halted"
    status, problem = await home.call("POST", "/orders", LIMIT)
    assert (status, problem["code"]) == (422, "guard.halt")
    status, problem = await home.call("PATCH", f"/orders/{order['id']}", {"limit": 101})
    assert (status, problem["code"]) == (422, "guard.halt")
    assert (await home.call("GET", "/readyz"))[0] == 503
    assert (await home.call("DELETE", f"/orders/{order['id']}"))[0] == 200
    assert (await home.call("POST", "/admin/resume", {}))[1]["state"] == "active"
    assert (await home.call("POST", "/orders", LIMIT))[0] == 201


async def test_a_hundred_working_orders_are_cancelled_in_under_ten_seconds(home: Any) -> None:
    async def placed() -> bool:
        return bool((await home.call("POST", "/orders", LIMIT))[0] in {201, 202})

    for _ in range(4):  # by and by: IBKR takes 50 messages a second, and 503 says to come again
        await asyncio.gather(*(home.until(placed) for _ in range(25)))
    assert len(home.simulator.exchange.open_orders()) == 100
    began = time.monotonic()
    status, report = await home.call("POST", "/admin/halt", {"cancel": True})
    assert time.monotonic() - began < 10
    assert (status, len(report["cancelled"]), report["remaining"]) == (200, 100, [])
    assert not home.simulator.exchange.open_orders()


async def test_flatten_brings_long_and_short_to_zero_and_may_be_pressed_twice(home: Any) -> None:
    await filled(home, MARKET)
    await filled(home, {**MARKET, "symbol": "MSFT", "side": "SELL"})
    await home.call("POST", "/orders", LIMIT)
    first, second = await asyncio.gather(*(home.call("POST", "/admin/halt", {"flatten": True}) for _ in range(2)))
    assert (len(first[1]["flattening"]) + len(second[1]["flattening"])) >= 2
    await flat(home)
    assert [position.quantity for position in home.simulator.exchange.positions(home.account)] == [0, 0]
    assert not home.simulator.exchange.open_orders()
    assert (await home.call("POST", "/orders", LIMIT))[1]["code"] == "guard.halt"


async def test_flatten_is_not_held_up_by_the_limits_that_keep_orders_small(build: Any) -> None:
    guards = GuardSettings(
        market_hours=False, allow_market_orders=True, max_order_value=Decimal(10_000), repeat_seconds=0
    )
    async with build(guards=guards) as home:
        for qty in (40, 41):
            await filled(home, {**MARKET, "qty": qty})
        assert (await home.call("POST", "/orders", {**MARKET, "side": "SELL", "qty": 81}))[1][
            "code"
        ] == "guard.order_value"
        status, report = await home.call("POST", "/admin/halt", {"flatten": True})
        assert (status, report["not_flattened"]) == (200, [])
        await flat(home)


async def test_reducing_lets_only_smaller_positions_through(home: Any) -> None:
    await filled(home, MARKET)

    async def held() -> bool:
        return bool((await home.call("GET", "/positions"))[1]["positions"])

    await home.until(held)
    assert (await home.call("POST", "/admin/halt", {"mode": "reduce"}))[1]["state"] == "reducing"
    assert (await home.call("POST", "/orders", MARKET))[1]["code"] == "guard.halt"
    assert (await home.call("POST", "/orders", {**MARKET, "side": "SELL", "qty": 11}))[1]["code"] == "guard.halt"
    assert (await home.call("POST", "/orders", {**MARKET, "side": "SELL", "qty": 4}))[0] == 201


async def test_what_cannot_be_cancelled_is_named(home: Any) -> None:
    _status, order = await home.call("POST", "/orders", LIMIT)
    home.tap.deaf = True
    status, report = await home.call("POST", "/admin/halt", {"cancel": True})
    assert status == 200
    assert [failure["what"] for failure in report["remaining"]] == [order["id"]]


async def test_the_shell_can_pull_it(home: Any) -> None:
    await home.call("POST", "/orders", LIMIT)
    for words, said in ((("kill",), "trading is halted; 1 orders cancelled"), (("resume",), "trading is active")):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ibkr_bridge", *words, "--url", home.service.url, stdout=asyncio.subprocess.PIPE
        )
        out, _err = await asyncio.wait_for(process.communicate(), 20)
        assert (process.returncode, out.decode().strip()) == (0, said)


async def test_the_shell_says_when_no_service_answers() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ibkr_bridge",
        "kill",
        "--url",
        "http://127.0.0.1:9",
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ},
    )
    _out, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert "no service answers" in err.decode()
