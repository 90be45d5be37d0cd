"""Time: steps, jumps, days, and the loop that keeps up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from ibkr_sim.clock import Clock
from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.model import QuoteChanged, Side
from ibkr_sim.exchange.settings import ExchangeSettings

if TYPE_CHECKING:
    from sim.tests.exchange.conftest import Trial

AAPL, KO, EUR_CHF = 265598, 8894, 12087817


def test_while_the_clock_stands_still_nothing_happens(trial: Trial) -> None:
    before = trial.quote()
    for _ in range(10):
        trial.exchange.advance()
    assert trial.quote() == before
    assert not trial.events


def test_a_price_does_not_depend_on_how_often_somebody_looks(new_trial: Callable[[], Trial]) -> None:
    often, seldom = new_trial(), new_trial()
    for conid in (AAPL, KO, EUR_CHF):
        often.quote(conid)
    often.step(1_200)
    seldom.jump(minutes=5)
    for conid in (AAPL, KO, EUR_CHF):
        assert often.quote(conid) == seldom.quote(conid)


def test_fills_do_not_depend_on_how_often_somebody_looks(new_trial: Callable[[], Trial]) -> None:
    often, seldom = new_trial(), new_trial()
    for trial in (often, seldom):
        for conid in (AAPL, KO):
            trial.buy(300, trial.bid(conid) - Decimal("0.03"), conid=conid)
            trial.exchange.place(trial.request(Side.SELL, 200, stop=trial.bid(conid) - Decimal("0.05"), conid=conid))
    often.step(2_400)
    seldom.jump(minutes=10)
    assert often.fills() == seldom.fills()
    assert often.fills()


def test_a_long_jump_publishes_only_the_last_quotes_but_every_fill(trial: Trial) -> None:
    trial.quote(KO)
    trial.buy(100, trial.bid() - Decimal("0.05"))
    trial.events.clear()
    trial.jump(hours=2)
    assert len(trial.fills()) >= 1
    assert sum(isinstance(event, QuoteChanged) and event.quote.conid == KO for event in trial.events) == 1


def test_a_new_day_has_new_figures_and_the_old_close(trial: Trial) -> None:
    trial.jump(hours=13, minutes=59, seconds=59.75)
    before = trial.quote()
    trial.step()
    after = trial.quote()
    assert after.close == before.last
    assert after.volume < before.volume
    assert after.time.hour == 5, "midnight in New York"


def test_it_does_not_matter_who_asked_first(new_trial: Callable[[], Trial]) -> None:
    one, other = new_trial(), new_trial()
    for trial, conids in ((one, (AAPL, KO)), (other, (KO, AAPL))):
        for conid in conids:
            trial.quote(conid)
        trial.buy(100, trial.bid(KO) - Decimal("0.01"), conid=KO)
        trial.buy(100, trial.bid() - Decimal("0.01"))
        trial.step(800)
    assert one.events == other.events
    assert len(one.fills()) >= 2


def test_two_contracts_do_not_walk_together(trial: Trial) -> None:
    trial.jump(minutes=10)
    moves = {conid: trial.quote(conid).last for conid in (208813720, 208813719)}
    assert len(set(moves.values())) == 2


def test_contracts_nobody_asked_for_are_silent(trial: Trial) -> None:
    trial.step(20)
    assert not trial.events
    trial.quote()
    trial.step(20)
    assert {event.quote.conid for event in trial.events if isinstance(event, QuoteChanged)} == {AAPL}


async def test_the_loop_keeps_up_with_a_fast_clock_and_ends_when_cancelled() -> None:
    clock = Clock(speed=200)
    exchange = Exchange(ExchangeSettings(), clock)
    moved = asyncio.Event()
    exchange.subscribe(lambda event: moved.set() if isinstance(event, QuoteChanged) else None)
    exchange.quote(AAPL)
    running = asyncio.create_task(exchange.run())
    async with asyncio.timeout(5):
        await moved.wait()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert running.cancelled()


async def test_the_loop_notices_a_clock_that_is_moved_by_hand() -> None:
    clock = Clock(speed=0)
    exchange = Exchange(ExchangeSettings(), clock)
    moved = asyncio.Event()
    exchange.subscribe(lambda event: moved.set() if isinstance(event, QuoteChanged) else None)
    before = exchange.quote(AAPL).time
    running = asyncio.create_task(exchange.run())
    await asyncio.sleep(0)
    assert not moved.is_set()
    clock.advance(timedelta(minutes=1))
    async with asyncio.timeout(5):
        await moved.wait()
    assert exchange.quote(AAPL).time == before + timedelta(minutes=1)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def test_a_clock_cannot_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        Clock().set_speed(-1)
    with pytest.raises(ValueError, match="backwards"):
        Clock().advance(timedelta(seconds=-1))
