"""Many callers of IBKR's own paths: what they cost upstream, and that a crowd of one hurts nobody else."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from ibkr_sim.exchange.listing.catalogue import table
from ibkr_sim.webapi.pipeline import Pipeline

COOKIE = "ibkr-bridge-caller"
CALLERS, CONTRACTS = 500, 100
STOCKS = [int(row["conid"]) for row in table("contracts") if row["sec_type"] == "STK"][:CONTRACTS]
REQUEST_MARKET_DATA = "1"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each path was asked of the simulator's Web API."""
    counted: Counter[str] = Counter()
    handle = Pipeline.handle

    async def counting(self: Pipeline, request: Any, route: Any, path: str) -> Any:
        counted[path] += 1
        return await handle(self, request, route, path)

    monkeypatch.setattr(Pipeline, "handle", counting)
    return counted


@pytest.fixture
async def crowd() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    ) as http:
        yield http


async def introduced(http: aiohttp.ClientSession, url: str) -> dict[str, str]:
    """The cookie of a caller whom nobody has seen before."""
    async with http.post(f"{url}/tickle") as answer:
        return {COOKIE: (await answer.json())["session"]}


def lines(home: Any, door: str) -> int:
    """Lines that the simulator holds for the service."""
    if door == "webapi":
        progress = home.simulator.webapi.house.sessions.gateway.progress
        return len(progress.streamed | set(progress.lines))
    return sum(message[0] == REQUEST_MARKET_DATA for message in home.tap.said)


@pytest.mark.parametrize("door", ["tws", "webapi"])
async def test_five_hundred_callers_of_a_hundred_contracts_cost_a_hundred_lines_and_nothing_more(
    asked: Counter[str], build: Callable[..., Any], crowd: aiohttp.ClientSession, door: str
) -> None:
    path = f"/iserver/marketdata/snapshot?conids={','.join(map(str, STOCKS))}&fields=31,84,86"
    async with build(door=door) as home:

        async def poll(cookies: dict[str, str]) -> list[dict[str, Any]]:
            async with crowd.get(f"{home.service.url}{path}", cookies=cookies) as answer:
                assert answer.status == 200
                rows: list[dict[str, Any]] = await answer.json()
                return rows

        callers = [await introduced(crowd, home.service.url) for _caller in range(CALLERS)]
        assert len({caller[COOKIE] for caller in callers}) == CALLERS
        async with asyncio.timeout(90):
            while not all({"31", "84", "86"} <= row.keys() for row in await poll(callers[0])):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert lines(home, door) == CONTRACTS
        before = asked.total(), len(home.tap.said)
        answers = await asyncio.gather(*map(poll, callers))
        assert all([row["conid"] for row in rows] == STOCKS for rows in answers)
        assert lines(home, door) == CONTRACTS
        if door == "webapi":
            assert asked.total() - before[0] <= 3  # the session's own questions
        else:
            assert len(home.tap.said) - before[1] <= 3


async def test_a_caller_that_floods_waits_behind_itself_alone(
    build: Callable[..., Any], crowd: aiohttp.ClientSession
) -> None:
    async with build(door="webapi") as home:

        async def find(symbol: str, cookies: dict[str, str]) -> int:
            async with crowd.get(f"{home.service.url}/trsrv/stocks?symbols={symbol}", cookies=cookies) as answer:
                return answer.status

        greedy, modest = [await introduced(crowd, home.service.url) for _caller in range(2)]
        flood = [asyncio.create_task(find(f"F{number}", greedy)) for number in range(200)]
        await asyncio.wait(flood, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        async with asyncio.timeout(5):
            assert await find("SPY", modest) == 200
        assert sum(task.done() for task in flood) < len(flood) / 4
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)
