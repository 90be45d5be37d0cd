"""Bars of indices at the Web API's door: where they stood, without volume, and nothing of quotes."""

from __future__ import annotations

from typing import Any

import pytest

SPX = 416904
PATH = "/iserver/marketdata/history"


@pytest.mark.parametrize("query", ["period=2d&bar=5min", "period=1m&bar=1d", "period=3m&bar=1w"])
async def test_an_index_has_bars_without_volume(house: Any, query: str) -> None:
    house.advance(minutes=5)
    told = await house.get(f"{PATH}?conid={SPX}&{query}")
    assert len(told["data"]) > 10
    assert {row["v"] for row in told["data"]} == {0}


@pytest.mark.parametrize("source", ["Bid", "Ask", "Midpoint", "Bid_Ask"])
async def test_an_index_has_no_bars_of_quotes(house: Any, source: str) -> None:
    status, told = await house.call("GET", f"{PATH}?conid={SPX}&period=1d&bar=5min&source={source}")
    assert status == 500
    assert "error" in told
