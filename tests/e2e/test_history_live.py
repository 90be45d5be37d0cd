"""Bars as they come, on /ws/stream: one line at IBKR for all who listen, told whole, ended when the last one leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

import pytest

from bench.history import asked, served
from faults.doors import Door
from faults.loop import JumpingLoop, world_time
from ibkr_bridge.domain.bars import Bar, What
from ibkr_bridge.domain.quote import Quote
from ibkr_bridge.engine.history.building import Building, ended, taken
from ibkr_sim.tws.settings import TwsSettings as DoorSettings

T = TypeVar("T")
FIVE = timedelta(seconds=5)
AT = datetime(2026, 3, 2, 15, 0, 1, tzinfo=UTC)


def in_virtual_time(story: Callable[[], Awaitable[T]]) -> T:
    async def told() -> T:
        return await story()

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(told())


@dataclass
class Ear:
    """One socket on /ws/stream."""

    said: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    heard: list[dict[str, Any]] = field(default_factory=list)

    def say(self, **message: object) -> None:
        self.said.put_nowait(json.dumps(message))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.heard if message["type"] == kind]

    @property
    def times(self) -> list[datetime]:
        return [datetime.fromisoformat(message["time"]) for message in self.of("bar")]


@asynccontextmanager
async def ear(app: Any) -> AsyncIterator[Ear]:
    one = Ear()
    greeted = False

    async def receive() -> dict[str, Any]:
        nonlocal greeted
        if not greeted:
            greeted = True
            return {"type": "websocket.connect"}
        return {"type": "websocket.receive", "text": await one.said.get()}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "websocket.send":
            one.heard.append(json.loads(message["text"]))

    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "scheme": "ws",
        "path": "/ws/stream",
        "raw_path": b"/ws/stream",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "subprotocols": [],
    }
    listening = asyncio.create_task(app(scope, receive, send))
    try:
        yield one
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


@pytest.mark.parametrize("door", [Door.TWS, Door.WEBAPI])
def test_bars_of_five_seconds_come_each_once_and_end_with_the_last_listener(door: Door) -> None:
    async def story() -> None:
        async with served(door) as (house, _wire):
            bars = house.machine.engine.bars
            async with ear(house.app) as first:
                first.say(action="subscribe", channel="bars", symbol="AAPL", id=1)
                await asyncio.sleep(40)
                async with ear(house.app) as second:
                    second.say(action="subscribe", channel="bars", symbols=["AAPL"])
                    await asyncio.sleep(30)
                    assert 4 <= len(second.times) <= 7
                first.say(action="subscribe", channel="bars", symbol="AAPL")
                await asyncio.sleep(30)
                assert first.of("ack")[0]["contracts"] == [{"symbol": "AAPL", "conid": 265598}]
                assert not first.of("error")
                assert not first.of("quote")
                times = first.times
                assert times == sorted(set(times))
                assert {after - before for before, after in pairwise(times)} == {FIVE}
                assert len(times) >= 18
                assert all(at.timestamp() % 5 == 0 for at in times)
                one = first.of("bar")[-1]
                assert one["low"] <= one["open"] <= one["high"]
                assert one["source"] == ("ibkr" if door is Door.TWS else "quotes")
                assert one["volume"] is not None
                assert bars.kept(265598)
            await asyncio.sleep(1)
            assert not bars.kept(265598)

    in_virtual_time(story)


def test_one_line_at_ibkr_serves_everybody_and_is_ended_there() -> None:
    async def story() -> list[str]:
        async with served(Door.TWS) as (house, wire):
            numbers: list[str] = []

            def hear(piece: bytes) -> None:
                numbers.append(piece[4:].split(b"\0")[0].decode(errors="replace"))

            wire._sending = hear
            wire.cut()
            await asyncio.sleep(5)
            async with ear(house.app) as first, ear(house.app) as second:
                for one in (first, second):
                    one.say(action="subscribe", channel="bars", symbol="AAPL")
                await asyncio.sleep(12)
                assert first.times == second.times
                first.say(action="unsubscribe", channel="bars", symbol="AAPL")
                await asyncio.sleep(6)
                assert "51" not in numbers
                assert len(second.times) > len(first.times)
            await asyncio.sleep(2)
            return numbers

    numbers = in_virtual_time(story)
    assert numbers.count("50") == 1
    assert numbers.count("51") == 1


@pytest.mark.parametrize("door", [Door.TWS, Door.WEBAPI])
def test_a_lost_session_is_told_once_and_bars_come_again_by_themselves(door: Door) -> None:
    async def story() -> Ear:
        async with served(door) as (house, wire), ear(house.app) as one:
            one.say(action="subscribe", channel="bars", symbol="AAPL")
            await asyncio.sleep(12)
            wire.cut()
            await asyncio.sleep(60)
            return one

    one = in_virtual_time(story)
    times = one.times
    assert times == sorted(set(times))
    assert max(times) - min(times) > timedelta(seconds=45)
    if door is Door.TWS:
        assert [message["status"] for message in one.of("status")] == ["stale", "live"]
        assert {message["channel"] for message in one.of("status")} == {"bars"}


def test_a_refused_line_comes_by_itself_once_another_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faults.doors.TwsDoorSettings", partial(DoorSettings, market_data_lines=1))

    async def story() -> Ear:
        async with served(Door.TWS) as (house, _wire), ear(house.app) as late:
            async with ear(house.app) as first:
                first.say(action="subscribe", channel="bars", symbol="MSFT")
                await asyncio.sleep(10)
                late.say(action="subscribe", channel="bars", symbol="AAPL")
                await asyncio.sleep(60)
                assert not late.of("bar")
            await asyncio.sleep(150)
            return late

    late = in_virtual_time(story)
    assert [message["status"] for message in late.of("status")] == ["stale", "live"]
    assert late.of("bar")


def test_what_has_no_trades_is_told_in_midpoints() -> None:
    async def story() -> Ear:
        async with served(Door.TWS) as (house, _wire), ear(house.app) as one:
            one.say(action="subscribe", channel="bars", symbol="EUR.USD")
            await asyncio.sleep(12)
            return one

    bars = in_virtual_time(story).of("bar")
    assert bars
    assert {(bar["what"], bar["volume"]) for bar in bars} == {("MIDPOINT", None)}


def test_the_last_bars_go_on_with_those_that_a_line_has_brought() -> None:
    async def story() -> tuple[Any, Ear, datetime]:
        async with served(Door.TWS) as (house, _wire), ear(house.app) as one:
            one.say(action="subscribe", channel="bars", symbol="AAPL")
            await asyncio.sleep(20)
            await asked(house.app, "/market/bars/AAPL?bar=5s&count=100", "application/json")
            await asyncio.sleep(12)
            reply = await asked(house.app, "/market/bars/AAPL?bar=5s&count=100", "application/json")
            few = await asked(house.app, "/market/bars/AAPL?bar=5s&count=3", "application/json")
            assert json.loads(few.body)["bars"] == json.loads(reply.body)["bars"][-3:]
            return json.loads(reply.body), one, world_time(asyncio.get_running_loop())

    told, one, now = in_virtual_time(story)
    times = [datetime.fromisoformat(bar["time"]) for bar in told["bars"]]
    assert times == sorted(set(times))
    assert len(times) == 100
    assert times[-1] >= one.times[-1]
    assert now - times[-1] < 2 * FIVE + timedelta(seconds=1)
    assert told["live"] == "ibkr"


def test_what_is_not_listened_to_cannot_be_left() -> None:
    async def story() -> Ear:
        async with served(Door.TWS) as (house, _wire), ear(house.app) as one:
            one.say(action="subscribe", symbol="AAPL")
            one.say(action="unsubscribe", channel="bars", symbol="AAPL", id=2)
            one.say(action="subscribe", channel="nonsense", symbol="AAPL", id=3)
            await asyncio.sleep(3)
            return one

    one = in_virtual_time(story)
    assert [(message["id"], message["code"]) for message in one.of("error")] == [
        (2, "subscription.unknown"),
        (3, "request.invalid"),
    ]
    assert one.of("quote")


def quoted(seconds: float, last: str, volume: int) -> Quote:
    return Quote(1, last=Decimal(last), volume=Decimal(volume), updated_at=AT + timedelta(seconds=seconds))


def test_a_bar_made_of_quotes_has_what_was_seen_and_no_more() -> None:
    building = Building(What.TRADES)
    told: list[Bar] = []
    for quote in (quoted(0, "10", 100), quoted(1, "12", 130), quoted(3, "9", 150), quoted(5, "11", 180)):
        building, bar = taken(building, quote)
        told += [bar] if bar else []
    building, last = ended(building, AT + timedelta(seconds=9))
    ten, twelve, nine, eleven = map(Decimal, (10, 12, 9, 11))
    begun = AT.replace(second=0)
    assert told == [Bar(begun, ten, twelve, nine, nine, volume=Decimal(50))]
    assert last == Bar(begun + FIVE, eleven, eleven, eleven, eleven, volume=Decimal(30))
    assert ended(building, AT + timedelta(minutes=1)) == (building, None)


def test_a_bar_under_way_is_not_told() -> None:
    building, _bar = taken(Building(What.TRADES), quoted(0, "10", 100))
    assert ended(building, AT + timedelta(seconds=3))[1] is None
    assert taken(building, Quote(1, updated_at=AT))[1] is None
