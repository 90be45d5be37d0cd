"""Bars of a cryptocurrency: IBKR keeps its trades under a name that no caller has to know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize("door", ["tws", "webapi"])
async def test_a_cryptocurrency_has_bars_of_its_trades_at_both_doors(build: Callable[..., Any], door: str) -> None:
    async with (
        build(door=door) as home,
        home.http.get(
            "/market/history/BTC?sec_type=CRYPTO&exchange=PAXOS&bar=1h&start=2026-10-05&end=2026-10-07"
        ) as answer,
    ):
        assert answer.status == 200, await answer.text()
        told = await answer.json()
    assert told["what"] == "TRADES"
    assert told["count"] == len(told["bars"]) == 48
    assert all(float(bar["volume"]) > 0 for bar in told["bars"])
