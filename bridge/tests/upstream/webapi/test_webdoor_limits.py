"""IBKR's limits are kept by the door itself, and orders do not pay for data."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from ibkr_bridge.domain.contract import ContractQuery
from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.ports.upstream import SessionChanged
from ibkr_bridge.upstream.pacing import Lane
from ibkr_bridge.upstream.webapi.limits import Limits, Turns

Rig = Any
Opening = Callable[..., Any]


async def test_two_calls_of_an_endpoint_leave_its_interval_apart_even_if_the_first_had_to_wait() -> None:
    turns = Turns(Limits(wary=False, per_second=2, reserved=0, endpoints={"GET /slowly": 0.3}), time.monotonic)
    left: list[float] = []

    async def call(endpoint: str) -> None:
        async with turns.turn(endpoint, Lane.DATA, slow=False):
            if endpoint == "GET /slowly":
                left.append(time.monotonic())

    await asyncio.gather(*(call(endpoint) for endpoint in ("GET /a", "GET /b", "GET /slowly", "GET /slowly")))
    assert left[1] - left[0] >= 0.3
    turns.close()


async def test_slow_calls_wait_for_each_other_and_orders_for_none_of_them() -> None:
    turns = Turns(Limits(wary=False, per_second=1000, reserved=0, at_once=1, endpoints={}), time.monotonic)
    async with turns.turn("GET /slow", Lane.DATA, slow=True), turns.turn("POST /order", Lane.ORDERS, slow=False):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), turns.turn("GET /slow", Lane.DATA, slow=True):
                pass
    turns.close()


async def test_a_busy_start_meets_no_limit_of_ibkrs(rigs: Opening, make: Any) -> None:
    rig = await (await rigs(door_pacing=True, limits=Limits(), positions_interval=1.0)).ready()
    until = time.monotonic() + 2.0
    problems: list[str] = []

    async def ask(question: Callable[[], Any]) -> None:
        while time.monotonic() < until:
            try:
                await question()
            except BridgeError as problem:
                problems.append(problem.detail)

    await asyncio.gather(
        ask(rig.upstream.broker_state),
        ask(rig.upstream.broker_state),
        ask(lambda: rig.upstream.contracts(ContractQuery(symbol="AAPL"))),
        ask(lambda: rig.upstream.account_summary("DU9912345")),
        ask(lambda: rig.place(make.order(limit=rig.price("0.99")))),
    )
    assert all("no room" in problem for problem in problems)
    assert rig.upstream.session.ready
    assert len(rig.told(SessionChanged)) == 1


async def test_a_service_that_shall_log_out_does(rigs: Opening) -> None:
    rig = await (await rigs(log_out=True)).ready()
    rig.task.cancel()
    await asyncio.gather(rig.task, return_exceptions=True)
    assert rig.door.house.sessions.gateway is None
