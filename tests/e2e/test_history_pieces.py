"""Long stretches of the past against a simulator whose pacing is in force, in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest

from bench.history import Fetched, asked, fetch, served
from faults.doors import Door
from faults.loop import JumpingLoop

T = TypeVar("T")
NEW_YORK = ZoneInfo("America/New_York")
TWO_MONTHS = "/market/history/AAPL?bar=1m&start=2026-01-01&end=2026-03-01"


def in_virtual_time(story: Callable[[], Awaitable[T]]) -> T:
    async def told() -> T:
        return await story()

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(told())


def opening(found: Fetched) -> Counter[str]:
    """How often a day began at which hour of New York."""
    firsts = {at.astimezone(NEW_YORK).date(): at for at in reversed(found.times)}
    return Counter(f"{at.astimezone(NEW_YORK):%H:%M}" for at in firsts.values())


def test_two_months_of_minutes_come_whole_and_nothing_is_refused_for_pacing() -> None:
    (found,) = fetch(TWO_MONTHS)
    days = {at.date() for at in found.times}
    assert found.violations == 0
    assert found.ordered
    assert len(found.times) == len(days) * 390
    assert len(days) >= 39
    assert opening(found) == {"09:30": len(days)}
    assert found.records[-1]["end"] | {"as_of": None} == {"count": len(found.times), "complete": True, "as_of": None}
    assert found.pieces <= len(days) + 6


def test_small_bars_of_bid_and_ask_wait_for_ibkrs_ten_minutes_and_say_so() -> None:
    """Each counts twice, so 39 pieces are more than 60."""
    (found,) = fetch("/market/history/AAPL?bar=5 secs&what=BID_ASK&start=2026-02-20&end=2026-02-28")
    assert found.violations == 0
    assert found.ordered
    assert len(found.times) == len({at.date() for at in found.times}) * 4680
    assert 30 < found.pieces < 50
    assert found.virtual > 600
    waiting = [record["progress"]["waiting_seconds"] for record in found.records if "progress" in record]
    assert any(seconds and seconds > 300 for seconds in waiting)
    assert {record["volume"] for record in found.records if "time" in record} == {None}


def test_the_same_question_of_three_callers_is_one_at_ibkr() -> None:
    path = "/market/history/AAPL?bar=1m&start=2026-02-02&end=2026-02-07"
    (alone,) = fetch(path)
    together = fetch(path, path, path)
    assert {reply.pieces for reply in together} == {alone.pieces}
    assert {tuple(reply.times) for reply in together} == {tuple(alone.times)}


def test_the_change_of_clocks_leaves_no_hole_and_no_bar_twice() -> None:
    (found,) = fetch("/market/history/AAPL?bar=1m&start=2025-10-20&end=2025-11-15")
    days = {at.date() for at in found.times}
    assert found.ordered
    assert len(found.times) == len(days) * 390
    assert opening(found) == {"09:30": len(days)}
    assert {f"{at:%H:%M}" for at in found.times} >= {"13:30", "20:59"}


def test_the_web_apis_thousand_bars_and_few_questions_at_once_are_kept() -> None:
    """Currencies trade around the clock, so a day of them is more than one answer holds."""
    paths = [f"/market/history/{name}?bar=1m&start=2026-02-16&end=2026-02-21" for name in ("EUR.USD", "AAPL", "MSFT")]
    statuses: Counter[bytes] = Counter()

    def hear(piece: bytes) -> None:
        if piece.startswith(b"HTTP/1.1 "):
            statuses[piece[9:12]] += 1

    async def story() -> list[Any]:
        async with served(Door.WEBAPI, hear) as (house, _wire):
            return await asyncio.gather(*(asked(house.app, path) for path in paths))

    replies = in_virtual_time(story)
    assert not statuses[b"429"]
    for reply in replies:
        times = [datetime.fromisoformat(line["time"]) for line in reply.lines if "time" in line]
        assert times == sorted(set(times))
        assert reply.lines[-1]["end"]["count"] == len(times)
    currency, share, _other = replies
    assert len(share.lines) > 4 * 390
    assert len(currency.lines) > 4 * 1380


def test_minutes_over_the_holidays_add_up_to_their_days() -> None:
    span = "start=2025-12-20&end=2026-01-06"
    minutes, days = fetch(f"/market/history/AAPL?bar=1m&{span}", f"/market/history/AAPL?bar=1d&{span}")
    summed: Counter[str] = Counter()
    for record in minutes.records:
        if "time" in record:
            summed[record["time"][:10]] += record["volume"]
    told = {record["time"][:10]: record["volume"] for record in days.records if "time" in record}
    assert dict(summed) == told
    assert "2025-12-25" not in told
    assert sum(f"{at:%m-%d}" == "12-24" for at in minutes.times) == 210


def test_days_of_trading_are_counted_as_ibkr_counts_them() -> None:
    (found,) = fetch("/market/history/AAPL?bar=1m&duration=12 D&end=2026-02-28T12:00:00Z")
    assert len({at.date() for at in found.times}) == 12
    assert len(found.times) == 12 * 390


def test_a_stretch_that_begins_before_there_were_data_is_not_asked_for_back_to_there() -> None:
    (found,) = fetch("/market/history/AAPL?bar=1h&start=1980-01-01&end=2005-06-01")
    assert found.times[0].year == 2005
    assert found.ordered
    assert found.virtual < 10, "a question for each empty month would take minutes"


@pytest.mark.parametrize("accept", ["text/csv", "application/x-ndjson"])
def test_what_breaks_on_the_way_is_seen_by_the_reader(accept: str) -> None:
    async def story() -> Any:
        async with served(Door.TWS) as (house, wire):
            pieces = 0

            def hear(_piece: bytes) -> None:
                nonlocal pieces
                pieces += 1
                if pieces == 2:
                    wire.shut = True
                    wire.cut()

            return await asked(house.app, "/market/history/AAPL?bar=1m&start=2026-01-01&end=2026-03-01", accept, hear)

    reply = in_virtual_time(story)
    assert reply.status == 200
    if accept == "application/x-ndjson":
        last = json.loads(reply.body.splitlines()[-1])
        assert last["error"]["code"] == "broker.away"
        assert reply.whole
    else:
        assert reply.body
        assert not reply.whole


def test_a_fetch_under_way_survives_the_loss_of_the_connection() -> None:
    async def story() -> Any:
        async with served(Door.TWS) as (house, wire):
            lines = 0

            def hear(_piece: bytes) -> None:
                nonlocal lines
                lines += 1
                if lines in (3, 9):
                    wire.cut()

            return await asked(house.app, "/market/history/AAPL?bar=1m&start=2026-02-02&end=2026-02-28", hear=hear)

    reply = in_virtual_time(story)
    times = [datetime.fromisoformat(line["time"]) for line in reply.lines if "time" in line]
    assert len(times) == len({at.date() for at in times}) * 390
    assert len(times) >= 19 * 390
    assert times == sorted(set(times))
    assert reply.lines[-1]["end"]["count"] == len(times)


def test_a_gateway_that_says_nothing_ends_the_question_with_a_problem() -> None:
    async def story() -> Any:
        async with served(Door.TWS) as (house, wire):
            loop = asyncio.get_running_loop()
            first = await asked(house.app, "/market/history/AAPL?bar=1m&duration=1D", "application/json")
            wire.mute = True
            began = loop.time()
            second = await asked(house.app, "/market/history/AAPL?bar=5m&duration=1D", "application/json")
            return first, second, loop.time() - began

    first, second, seconds = in_virtual_time(story)
    assert first.status == 200
    assert second.status in (503, 504)
    assert json.loads(second.body)["code"] in ("broker.silent", "broker.away")
    assert seconds < 120


def test_lines_torn_apart_still_tell_a_whole_beginning() -> None:
    """Chapters come oldest first: what arrived can be gone on with."""
    (found,) = fetch("/market/history/AAPL?bar=1m&start=2026-01-01&end=2026-02-15")
    kinds = ["bar" if "time" in record else next(iter(record)) for record in found.records]
    assert kinds[0] == "request"
    assert kinds[-1] == "end"
    assert "progress" in kinds
    percents = [record["progress"]["percent"] for record in found.records if "progress" in record]
    assert percents == sorted(percents)
    first_bars = kinds.index("bar")
    assert "progress" in kinds[first_bars:], "bars leave before everything has come"


def test_a_year_and_more_in_csv_is_a_table_that_any_program_reads() -> None:
    async def story() -> Any:
        async with served(Door.TWS) as (house, _wire):
            return await asked(house.app, "/market/history/AAPL?bar=1d&start=2022-01-01&end=2026-02-28", "text/csv")

    reply = in_virtual_time(story)
    rows = reply.body.decode().split("\r\n")
    assert rows[0] == "time,open,high,low,close,volume,wap,count"
    days = [datetime.fromisoformat(row.split(",")[0]) for row in rows[1:-1]]
    assert days == sorted(set(days))
    assert days[-1] - days[0] > timedelta(days=1500)
    assert len(days) > 1040


def test_a_reader_of_lines_hears_every_ten_seconds_that_the_fetch_goes_on() -> None:
    async def story() -> tuple[Any, float]:
        async with served(Door.TWS) as (house, wire):
            await asked(house.app, "/market/history/AAPL?bar=1m&duration=1D")
            wire.mute = True
            loop = asyncio.get_running_loop()
            began, heard = loop.time(), list[float]()
            reply = await asked(
                house.app, "/market/history/AAPL?bar=5m&duration=1D", hear=lambda _piece: heard.append(loop.time())
            )
            return reply, heard[1] - began

    reply, first = in_virtual_time(story)
    assert reply.status == 200
    assert 9.9 < first < 10.5
    assert reply.lines[0]["request"]["bar"] == "5m"
    assert reply.lines[1] == {"progress": {"pieces": 0, "percent": 0, "waiting_seconds": 0}}
    assert reply.lines[-1]["error"]["code"] in ("broker.away", "broker.silent")


def test_a_reader_who_reads_no_more_is_left_after_a_minute() -> None:
    async def story() -> tuple[Any, float, int]:
        async with served(Door.TWS) as (house, _wire):
            loop = asyncio.get_running_loop()
            began, before = loop.time(), len(asyncio.all_tasks())
            reply = await asked(house.app, TWO_MONTHS, most=3)
            return reply, loop.time() - began, len(asyncio.all_tasks()) - before

    reply, seconds, tasks = in_virtual_time(story)
    assert not reply.whole
    assert 60 <= seconds < 90
    assert tasks <= 0


def test_a_refusal_for_pacing_is_waited_out_and_asked_again() -> None:
    """Another program of the same user has used the requests up."""
    text = "Historical Market Data Service error message:Historical data request pacing violation"

    async def story() -> tuple[Any, float, list[bytes]]:
        async with served(Door.TWS) as (house, wire):
            loop = asyncio.get_running_loop()
            numbers: list[bytes] = []

            def overhear(piece: bytes) -> None:
                fields = piece[4:].split(b"\0")
                if fields[0] == b"20":
                    numbers.append(fields[1])

            wire._sending = overhear
            wire.cut()
            await asyncio.sleep(5)
            await asked(house.app, "/market/quote/AAPL", "application/json")
            wire.mute = True
            began = loop.time()
            asking = asyncio.create_task(asked(house.app, "/market/history/AAPL?bar=1m&end=2026-02-28"))
            while not numbers:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            payload = b"4\x002\0" + numbers[0] + b"\x00162\0" + text.encode() + b"\0\0"
            wire.say(len(payload).to_bytes(4, "big") + payload)
            wire.mute = False
            return await asking, loop.time() - began, numbers

    reply, seconds, numbers = in_virtual_time(story)
    assert reply.lines[-1]["end"]["count"] == 390
    assert len(numbers) == 2
    assert 15 <= seconds < 17
