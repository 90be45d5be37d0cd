"""Bulletins on command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings


@pytest.fixture
async def control() -> AsyncIterator[aiohttp.ClientSession]:
    start = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
    settings = SimulatorSettings(tws=TwsSettings(port=0), control_port=0, start=start, speed=0)
    async with (
        Simulator(settings) as simulator,
        aiohttp.ClientSession(f"http://127.0.0.1:{simulator.control_port}") as session,
    ):
        yield session


async def post(control: aiohttp.ClientSession, body: Any) -> tuple[int, Any]:
    async with control.post("/control/bulletins", json=body) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_a_bulletin_is_issued_and_listed_for_the_day(control: aiohttp.ClientSession) -> None:
    status, first = await post(control, {"text": " All is well. "})
    shown = {"kind": "news", "text": "All is well.", "exchange": "", "time": "2026-03-02T15:00:00+00:00"}
    assert (status, first) == (201, {"id": first["id"], **shown})
    _status, second = await post(control, {"text": "Closed.", "kind": "exchange-down", "exchange": "NYSE"})
    assert second["id"] > first["id"]
    async with control.get("/control/bulletins") as answer:
        assert await answer.json() == {"bulletins": [first, second]}


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"text": "  "},
        {"text": 5},
        {"text": "x" * 4_001},
        {"text": "Up.", "kind": "rumour"},
        {"text": "Up.", "kind": ["news"]},
        {"text": "Up.", "kind": "exchange-up"},
        {"text": "Up.", "exchange": "no such name"},
        {"text": "Up.", "colour": "red"},
    ],
)
async def test_a_bulletin_that_makes_no_sense_is_refused(control: aiohttp.ClientSession, body: Any) -> None:
    status, problem = await post(control, body)
    assert (status, problem["code"]) == (422, "invalid_bulletin")
