"""GET /market/history and /market/bars at both doors: words, formats, refusals, and callers who go away."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ibkr_bridge.api.columns import formats

arrow: Any = import_module("pyarrow")
parquet: Any = import_module("pyarrow.parquet")
WEEK = "/market/history/AAPL?bar=30m&start=2026-10-05&end=2026-10-10"
COLUMNS = ["time", "open", "high", "low", "close", "volume", "wap", "count"]


@pytest.fixture(params=["tws", "webapi"])
async def home(build: Callable[..., Any], request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    async with build(door=request.param) as one:
        yield one


async def get(home: Any, path: str, accept: str = "application/json") -> tuple[int, bytes, str]:
    async with home.http.get(path, headers={"Accept": accept}) as answer:
        return answer.status, await answer.read(), answer.content_type


async def test_every_format_tells_the_same_bars(build: Callable[..., Any]) -> None:
    async with build() as home:
        await _compare_formats(home)


async def _compare_formats(home: Any) -> None:
    status, body, kind = await get(home, WEEK)
    whole = json.loads(body, parse_float=Decimal)
    assert (status, kind) == (200, "application/json")
    assert whole["count"] == len(whole["bars"]) == 5 * 13
    assert [*whole["bars"][0]] == COLUMNS
    assert whole["complete"] is True
    assert whole["contract"]["conid"] == 265598
    assert (whole["bar"], whole["what"], whole["rth"]) == ("30m", "TRADES", True)
    assert whole["start"] == "2026-10-05T00:00:00Z"
    prices = [(bar["time"], bar["open"], bar["close"], bar["count"]) for bar in whole["bars"]]

    _status, body, kind = await get(home, WEEK, "application/x-ndjson")
    lines = [json.loads(line, parse_float=Decimal) for line in body.splitlines()]
    assert kind == "application/x-ndjson"
    assert lines[0]["request"]["contract"]["symbol"] == "AAPL"
    assert lines[-1]["end"]["count"] == len(prices)
    assert [(row["time"], row["open"], row["close"], row["count"]) for row in lines if "time" in row] == prices

    _status, body, kind = await get(home, WEEK, "text/csv")
    rows = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
    assert kind == "text/csv"
    assert [row["time"] for row in rows] == [price[0] for price in prices]
    assert [Decimal(row["close"]) for row in rows] == [Decimal(price[2]) for price in prices]

    _status, body, _kind = await get(home, WEEK, "application/vnd.apache.parquet")
    table = parquet.read_table(io.BytesIO(body))
    assert table.column_names == COLUMNS
    assert table["close"].to_pylist() == [Decimal(price[2]) for price in prices]
    assert table["count"].to_pylist() == [price[3] for price in prices]
    assert json.loads(table.schema.metadata[b"ibkr_bridge"])["bar"] == "30m"

    _status, body, _kind = await get(home, WEEK, "application/vnd.apache.arrow.stream")
    read = arrow.ipc.open_stream(body).read_all()
    assert read.equals(table)
    assert [at.isoformat().replace("+00:00", "Z") for at in read["time"].to_pylist()] == [row[0] for row in prices]


WORDS = (
    ("duration=1 D&bar=1 min", "1m", "1 D"),
    ("duration=1 Y&bar=1 day", "1d", "1 Y"),
    ("duration=2W&bar=1 hour", "1h", "2 W"),
    ("duration=6M&bar=1M", "1M", "6 M"),
)


async def test_the_words_of_ibkrs_users_are_understood(home: Any) -> None:
    for query, bar, duration in WORDS:
        status, told = await home.call("GET", f"/market/history/AAPL?{query}")
        assert status == 200, told
        assert (told["bar"], told["duration"]) == (bar, duration)
        times = [datetime.fromisoformat(row["time"]) for row in told["bars"]]
        assert times
        assert times == sorted(set(times))
        assert all(row["low"] <= min(row["open"], row["close"]) <= row["high"] for row in told["bars"])


TAUGHT = (
    ("bar=7m", "request.invalid", "1m, 2m, 3m"),
    ("duration=one day", "request.invalid", "trading days"),
    ("what=MAGIC", "request.invalid", "MIDPOINT"),
    ("start=yesterday", "request.invalid", "2026-03-02T14:30:00Z"),
    ("start=2026-10-05&duration=1D", "request.invalid", "one of them"),
    ("start=2026-10-05&end=2026-10-04", "request.invalid", "before the end"),
)


async def test_a_refusal_teaches_what_to_write(build: Callable[..., Any]) -> None:
    async with build() as home:
        for query, code, taught in TAUGHT:
            status, problem = await home.call("GET", f"/market/history/AAPL?{query}")
            assert (status, problem["code"]) == (422, code)
            assert taught in problem["advice"]


async def test_what_ibkr_would_refuse_or_never_end_is_refused_before(build: Callable[..., Any]) -> None:
    async with build() as home:
        for query, taught in (
            ("what=ADJUSTED_LAST&end=2026-10-05", "what=TRADES"),
            ("bar=5s&start=2020-01-01", "bar=1m"),
            ("bar=5s&duration=6W", "application/x-ndjson"),
        ):
            status, problem = await home.call("GET", f"/market/history/AAPL?{query}")
            assert (status, problem["code"]) == (422, "request.invalid")
            assert taught in problem["advice"]
        assert not [frame for frame in home.tap.said if frame[0] == "20"]


async def test_what_a_door_has_not_is_told_as_such(home: Any) -> None:
    status, problem = await home.call("GET", "/market/history/AAPL?bar=1s&duration=600 S")
    if home.service.engine.history.limits.live:
        assert status == 200
        assert len(problem["bars"]) == 600
    else:
        assert (status, problem["code"]) == (501, "capability.missing")
        assert "1m, 2m" in problem["advice"]


async def test_a_currency_has_midpoints_and_no_volume(home: Any) -> None:
    status, told = await home.call("GET", "/market/history/EUR.USD?bar=1h&duration=2D")
    assert status == 200
    assert told["what"] == "MIDPOINT"
    assert {bar["volume"] for bar in told["bars"]} == {None}


async def test_what_nobody_knows_and_what_no_format_is(
    build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent() -> Any:
        raise ImportError("No module named 'pyarrow'")

    known = {**formats.FORMATS, "application/vnd.apache.parquet": absent}
    async with build() as home:
        status, problem = await home.call("GET", "/market/history/NOPE")
        assert (status, problem["code"]) == (404, "contract.unknown")
        status, body, _kind = await get(home, WEEK, "image/png")
        assert (status, json.loads(body)["code"]) == (406, "format.unknown")
        monkeypatch.setattr(formats, "FORMATS", known)
        status, body, _kind = await get(home, WEEK, "application/vnd.apache.parquet")
        told = json.loads(body)
        assert (status, told["code"]) == (406, "format.not_installed")
        assert "pyarrow" in told["advice"]


async def test_the_last_bars_are_the_newest_ones(home: Any) -> None:
    status, told = await home.call("GET", "/market/bars/EUR.USD?bar=1m&count=7")
    assert status == 200
    assert len(told["bars"]) == 7
    times = [bar["time"] for bar in told["bars"]]
    assert times == sorted(times)
    assert told["live"] == ("ibkr" if home.service.engine.history.limits.live else "quotes")


async def test_without_a_session_nothing_is_asked(build: Callable[..., Any]) -> None:
    async with build() as home:
        home.tap.closed = True
        home.tap.cut()
        await home.until_ready(ready=False)
        status, problem = await home.call("GET", WEEK)
        assert (status, problem["code"]) == (503, "broker.away")


async def test_a_caller_who_goes_away_ends_his_question_at_ibkr(build: Callable[..., Any]) -> None:
    async with build() as home:
        await home.call("GET", "/market/history/AAPL?bar=1m")
        home.tap.muted = True
        with pytest.raises(TimeoutError):
            await home.http.get("/market/history/AAPL?bar=5m&duration=1D", timeout=aiohttp.ClientTimeout(total=0.3))

        async def ended() -> bool:
            return any(frame[0] == "25" for frame in home.tap.said)

        await home.until(ended)
        asked = [frame for frame in home.tap.said if frame[0] == "20"]
        assert len(asked) == 2


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson", "application/vnd.apache.parquet"])
async def test_ibkrs_own_refusal_has_its_own_status_in_every_format(build: Callable[..., Any], accept: str) -> None:
    async with build() as home:
        await home.call("GET", "/market/quote/AAPL")  # the contract is known from then on
        home.tap.muted = True
        asking = asyncio.create_task(get(home, "/market/history/AAPL?bar=1m", accept))

        async def asked() -> list[str] | None:
            return next((frame for frame in home.tap.said if frame[0] == "20"), None)

        number = (await home.until(asked))[1]
        home.tap.muted = False
        text = "Historical Market Data Service error message:No market data permissions for NASDAQ STK"
        home.tap.message(number, 162, text)
        status, body, kind = await asking
        problem = json.loads(body)
        assert (status, kind) == (422, "application/problem+json")
        assert (problem["code"], problem["ibkr_code"]) == ("broker.refused", 162)
        assert "No market data permissions" in problem["detail"]


async def test_the_example_writes_a_file_that_is_whole(build: Callable[..., Any], tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "examples/history.py"
    async with build() as home:
        words = (str(example), "AAPL", "30m", "2026-10-05")
        environment = {**os.environ, "BRIDGE": home.service.url}
        running = await asyncio.create_subprocess_exec(
            sys.executable, *words, cwd=tmp_path, env=environment, stderr=asyncio.subprocess.PIPE
        )
        _out, said = await asyncio.wait_for(running.communicate(), 30)
        assert running.returncode == 0, said
        rows = (tmp_path / "AAPL-30m.csv").read_bytes().decode().split("\r\n")
        _status, told, _kind = await get(home, WEEK, "text/csv")
        assert rows[: 5 * 13 + 1] == told.decode().split("\r\n")[: 5 * 13 + 1]


async def test_what_ibkr_has_no_data_for_is_an_empty_answer_and_no_failure(build: Callable[..., Any]) -> None:
    async with build() as home:
        status, told = await home.call("GET", "/market/history/AAPL?bar=1d&duration=1M&what=FEE_RATE")
        assert (status, told["bars"], told["count"], told["complete"]) == (200, [], 0, True)
        status, body, _kind = await get(home, "/market/history/AAPL?bar=1d&duration=1M&what=FEE_RATE", "text/csv")
        assert (status, body) == (200, b"time,open,high,low,close,volume,wap,count\r\n")
        parquet_file = "application/vnd.apache.parquet"
        status, body, _kind = await get(home, "/market/history/AAPL?bar=1d&duration=1M&what=FEE_RATE", parquet_file)
        assert parquet.read_table(io.BytesIO(body)).num_rows == 0
