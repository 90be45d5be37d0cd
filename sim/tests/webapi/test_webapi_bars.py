"""Bars by what they are made of, in and out of regular hours, at each of the door's three ways to the past."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

AAPL, EUR = 265598, 12087792
PATH = "/iserver/marketdata/history"


async def bars(house: Any, query: str, conid: int = AAPL) -> list[dict[str, Any]]:
    told = await house.get(f"{PATH}?conid={conid}&{query}")
    found: list[dict[str, Any]] = told["data"]
    assert told["points"] == len(found) - 1
    return found


async def test_bars_are_made_of_the_prices_asked_for(house: Any) -> None:
    house.advance(minutes=5)
    trades, bids, asks, middles, both = [
        await bars(house, f"period=2d&bar=5min&source={source}")
        for source in ("Trades", "Bid", "Ask", "Midpoint", "Bid_Ask")
    ]
    assert len(bids) == len(asks) == len(middles) == len(both)
    assert {row["t"] for row in trades} <= {row["t"] for row in both}, "a bar may pass without a trade"
    assert all(row["v"] > 0 for row in trades)
    assert not any(row["v"] for row in (*bids, *asks, *middles, *both))
    for bid, ask, middle, spread in zip(bids, asks, middles, both, strict=True):
        assert bid["c"] < ask["c"]
        assert bid["c"] <= middle["c"] <= ask["c"]
        assert spread["o"] < spread["c"]
        assert (spread["h"], spread["l"]) == (ask["h"], bid["l"])


async def test_a_source_may_have_other_names(house: Any) -> None:
    trades = await bars(house, "period=1d&bar=30min")
    for name in ("Last", "trades", "TRADES"):
        assert await bars(house, f"period=1d&bar=30min&source={name}") == trades
    status, told = await house.call("GET", f"{PATH}?conid={AAPL}&period=1d&source=Rumours")
    assert (status, told) == (500, {"error": "invalid source"})


@pytest.mark.parametrize("bar", ["1h", "1d", "1w", "1m"])
async def test_every_bar_size_has_every_source(house: Any, bar: str) -> None:
    """Bars of quotes add up like those of trades."""
    bids, asks = [await bars(house, f"period=6m&bar={bar}&source={source}") for source in ("Bid", "Ask")]
    assert [row["t"] for row in bids] == [row["t"] for row in asks]
    assert all(bid["h"] <= ask["h"] and bid["l"] <= ask["l"] for bid, ask in zip(bids, asks, strict=True))


async def test_currencies_show_the_middle_of_their_quote(house: Any) -> None:
    assert await bars(house, "period=1d&bar=1h", EUR) == await bars(house, "period=1d&bar=1h&source=Midpoint", EUR)


@pytest.mark.parametrize("source", ["Trades", "Midpoint"])
async def test_the_hours_around_a_session_come_on_request(house: Any, source: str) -> None:
    inside = await bars(house, f"period=2d&bar=30min&source={source}")
    outside = await bars(house, f"period=2d&bar=30min&source={source}&outsideRth=true")
    assert {row["t"] for row in inside} < {row["t"] for row in outside}
    opened, began = (datetime.fromtimestamp(rows[0]["t"] / 1000, UTC) for rows in (inside, outside))
    assert (opened.hour, opened.minute, began.hour, began.minute) == (14, 30, 9, 0)


async def test_the_stream_tells_bars_of_a_source_once(house: Any) -> None:
    stream = await (await house.stream()).welcomed()
    asked = '"period":"2h","bar":"5min","outsideRth":true'
    await stream.say(f'smh+{AAPL}+{{{asked},"source":"midpoint"}}')
    told = await stream.next("smh")
    assert told["outsideRth"] is True
    assert told["data"] == await bars(house, "period=2h&bar=5min&source=Midpoint&outsideRth=true")
    await stream.say(f'smh+{AAPL}+{{{asked},"source":"rumours"}}')
    assert await stream.settle() == [{"error": "invalid source", "code": 400, "topic": f"smh+{AAPL}"}]
    house.advance(minutes=6)
    assert await stream.settle() == []


async def test_the_service_of_historical_data_knows_sources_and_seconds(house: Any) -> None:
    house.advance(minutes=5)
    await house.post("/hmds/auth/init", {})
    path = f"/hmds/history?conid={AAPL}"
    for kind in ("Midpoint", "Bid", "Ask", "Bid_Ask"):
        told = await house.get(f"{path}&period=1d&bar=1hrs&barType={kind}")
        ours = await bars(house, f"period=1d&bar=1h&source={kind}")
        assert [row["o"] for row in told["data"]] == [row["o"] for row in ours]
    seconds = (await house.get(f"{path}&period=60 S&bar=5secs&barType=Bid"))["data"]
    assert len(seconds) == 12
    assert {after["t"] - before["t"] for before, after in pairwise(seconds)} == {5_000}
    for odd in (
        "3600 S&bar=1secs",
        "1d&bar=30secs",
        "28800 S&bar=10secs",
        "60 S&bar=5secs&startTime=20240101-15:00:00",
    ):
        assert (await house.call("GET", f"{path}&barType=Last&period={odd}"))[0] == 500
    assert (await house.get(f"{PATH}?conid={AAPL}&period=60s&bar=5s")) == {"error": "invalid period"}
