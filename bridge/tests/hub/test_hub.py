"""The hub without a socket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from ibkr_bridge.hub.closing import CloseCode, SubscriberClosed
from ibkr_bridge.hub.encoded import Encoded
from ibkr_bridge.hub.hub import Hub
from ibkr_bridge.hub.subscriber import Subscriber


class Counting:
    """Text to bytes; a leading `!` is a stale tick. Counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, topic: str, message: object) -> Encoded:
        self.calls += 1
        text = str(message)
        if text == "broken":
            raise TypeError("no form")
        if not topic.startswith("quotes"):
            return Encoded((text.encode(),))
        stale = text.startswith("!")
        return Encoded(() if stale else (text.encode(),), "stale" if stale else "live", b"stale" if stale else b"live")


class Trial:
    def __init__(self) -> None:
        self.encode = Counting()
        self.hub = Hub(self.encode)
        self.exits = ExitStack()

    def subscriber(self, limit: int = 5, flush_window: float = 0) -> Subscriber:
        return self.exits.enter_context(self.hub.subscriber(limit=limit, flush_window=flush_window))


@pytest.fixture
def trial() -> Iterator[Trial]:
    trial = Trial()
    with trial.exits:
        yield trial


async def test_a_message_is_encoded_once_however_many_listen(trial: Trial) -> None:
    readers = [trial.subscriber() for _ in range(10)]
    for reader in readers:
        reader.listen("orders")
    trial.hub.publish("orders", "a")
    frames = [await reader.next(1) for reader in readers]
    assert frames == [[b"a"]] * 10
    assert len({id(frame) for [frame] in frames}) == 1
    assert trial.encode.calls == 1


async def test_nothing_is_encoded_when_nobody_listens(trial: Trial) -> None:
    trial.subscriber().listen("other")
    trial.hub.publish("orders", "a")
    assert trial.encode.calls == 0


async def test_of_quotes_the_latest_wins_and_of_orders_every_one_counts(trial: Trial) -> None:
    reader = trial.subscriber()
    reader.listen("quotes.1", latest=True, condition="live")
    reader.listen("quotes.2", latest=True, condition="live")
    reader.listen("orders")
    for message in ("a", "b", "c"):
        trial.hub.publish("quotes.1", f"1{message}")
        trial.hub.publish("quotes.2", f"2{message}")
        trial.hub.publish("orders", message)
    assert await reader.next(1) == [b"a", b"b", b"c", b"1c", b"2c"]


async def test_a_full_queue_closes_its_reader_and_nobody_else(trial: Trial) -> None:
    slow, quick = trial.subscriber(limit=3), trial.subscriber(limit=100)
    for reader in (slow, quick):
        reader.listen("orders")
    for number in range(4):
        trial.hub.publish("orders", number)
    with pytest.raises(SubscriberClosed) as closed:
        await slow.next(1)
    assert closed.value.code is CloseCode.SLOW
    assert await quick.next(1) == [b"0", b"1", b"2", b"3"]
    trial.hub.publish("orders", "later")
    assert await quick.next(1) == [b"later"]


async def test_a_million_quotes_never_close_a_reader(trial: Trial) -> None:
    reader = trial.subscriber(limit=3)
    reader.listen("quotes.1", latest=True, condition="live")
    for number in range(10_000):
        trial.hub.publish("quotes.1", number)
    assert await reader.next(1) == [b"9999"]


async def test_quotes_are_gathered_in_the_flush_window_and_orders_do_not_wait(trial: Trial) -> None:
    reader = trial.subscriber(flush_window=0.2)
    reader.listen("quotes.1", latest=True, condition="live")
    reader.listen("orders")
    loop = asyncio.get_running_loop()
    trial.hub.publish("quotes.1", "first")
    assert await reader.next(1) == [b"first"]
    began = loop.time()
    trial.hub.publish("quotes.1", "second")
    loop.call_later(0.05, trial.hub.publish, "quotes.1", "third")
    assert await reader.next(1) == [b"third"]
    assert loop.time() - began > 0.15
    began = loop.time()
    trial.hub.publish("quotes.1", "fourth")
    trial.hub.publish("orders", "now")
    assert await reader.next(1) == [b"now", b"fourth"]
    assert loop.time() - began < 0.1


async def test_a_change_of_condition_is_told_once_and_in_its_place(trial: Trial) -> None:
    reader = trial.subscriber()
    reader.listen("quotes.1", latest=True, condition="live")
    for message in ("1", "!", "!", "2", "3"):
        trial.hub.publish("quotes.1", message)
    assert await reader.next(1) == [b"1", b"stale", b"live", b"3"]


async def test_who_joins_later_is_told_from_what_it_knew(trial: Trial) -> None:
    reader = trial.subscriber()
    reader.listen("quotes.1", latest=True, condition="stale")
    trial.hub.publish("quotes.1", "!")
    trial.hub.publish("quotes.1", "1")
    assert await reader.next(1) == [b"live", b"1"]


async def test_publishing_never_raises(trial: Trial, caplog: pytest.LogCaptureFixture) -> None:
    reader = trial.subscriber()
    reader.listen("orders")
    trial.hub.publish("orders", "broken")
    trial.hub.publish("orders", "whole")
    assert await reader.next(1) == [b"whole"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_a_topic_that_was_left_is_silent_and_forgotten(trial: Trial) -> None:
    reader = trial.subscriber()
    reader.listen("quotes.1", latest=True, condition="live")
    trial.hub.publish("quotes.1", "waiting")
    reader.ignore("quotes.1")
    trial.hub.publish("quotes.1", "more")
    assert await reader.next(0.02) == []
    assert trial.hub.listeners("quotes.1") == 0


async def test_a_reader_that_leaves_is_forgotten(trial: Trial) -> None:
    with trial.hub.subscriber(limit=5, flush_window=0) as reader:
        reader.listen("orders")
        assert (trial.hub.subscribers, trial.hub.listeners("orders")) == (1, 1)
    assert (trial.hub.subscribers, trial.hub.listeners("orders")) == (0, 0)


async def test_a_closing_hub_delivers_what_waits_and_then_says_goodbye(trial: Trial) -> None:
    reader = trial.subscriber()
    reader.listen("orders")
    trial.hub.publish("orders", "last")
    trial.hub.close()
    trial.hub.publish("orders", "too late")
    assert await reader.next(1) == [b"last"]
    with pytest.raises(SubscriberClosed) as closed:
        await reader.next(1)
    assert closed.value.code is CloseCode.STOPPING


async def test_a_waiting_reader_wakes_at_once(trial: Trial) -> None:
    reader = trial.subscriber(flush_window=5)
    reader.listen("quotes.1", latest=True, condition="live")
    waiting = asyncio.create_task(reader.next(5))
    await asyncio.sleep(0)
    trial.hub.publish("quotes.1", "a")
    async with asyncio.timeout(1):
        assert await waiting == [b"a"]


async def test_who_taps_a_topic_gets_the_message_itself_until_it_leaves(trial: Trial) -> None:
    reader, heard = trial.subscriber(), list[object]()
    reader.listen("orders")
    broken = trial.hub.tap("orders", _misunderstand)
    leave = trial.hub.tap("orders", heard.append)
    trial.hub.publish("orders", "a")
    leave()
    broken()
    trial.hub.publish("orders", "b")
    assert heard == ["a"]
    assert await reader.next(1) == [b"a", b"b"]


def _misunderstand(message: object) -> None:
    raise TypeError(str(message))
