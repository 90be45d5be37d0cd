"""The street's quotes and trades."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from ibkr_sim.exchange.listing.contracts import Contracts
from ibkr_sim.exchange.model import QuoteChanged
from ibkr_sim.exchange.prices.tape import Tape
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.exchange.prices.timeline import Timeline
from ibkr_sim.exchange.settings import ExchangeSettings

if TYPE_CHECKING:
    from sim.tests.exchange.conftest import Trial

AAPL, META, NESN, ROCHE, EUR_USD, USD_JPY = 265598, 107113386, 900000006, 900000008, 12087792, 15016059
HOUR = 4 * 3_600
CENT = Decimal("0.01")
ORIGIN = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def tape(conid: int, seed: int = 1) -> Tape:
    contracts = Contracts(lambda: ORIGIN)
    contract = contracts.get(conid)
    assert contract is not None
    timeline = Timeline(ORIGIN, timedelta(milliseconds=250), "America/New_York")
    return Tape(contract, contracts.reference(conid), seed, timeline)


@pytest.mark.parametrize("conid", [AAPL, META, NESN, ROCHE, EUR_USD, USD_JPY])
def test_quotes_stay_narrow_round_and_on_the_tick(conid: int) -> None:
    path = tape(conid)
    lot = 100_000 if path.is_untraded else 100
    for _ in range(HOUR // 4):
        path.next()
        path.print_pending()
        assert 1 <= path.ask - path.bid <= 3
        assert path.bid_size % lot == path.ask_size % lot == 0 < min(path.bid_size, path.ask_size)
        assert path.bid_price % path.tick == 0
        assert path.low is not None
        assert path.high is not None
        assert path.last is None or path.low <= path.last <= path.high


@pytest.mark.parametrize("conid", [AAPL, META, NESN, EUR_USD])
def test_a_day_moves_the_price_but_not_out_of_the_world(conid: int) -> None:
    path = tape(conid)
    reference = path.middle
    path.advance_to(9 * HOUR)
    assert path.middle != reference
    assert abs(path.middle / reference - 1) < Decimal("0.1")
    assert path.low is not None
    assert path.high is not None
    assert path.high > path.low


def test_the_first_session_has_figures_from_its_first_moment(trial: Trial) -> None:
    quote = trial.quote()
    assert None not in (quote.last, quote.open, quote.high, quote.low, quote.close)
    assert quote.volume > 0


def test_a_currency_has_a_quote_and_a_close_but_no_last_trade(trial: Trial) -> None:
    trial.quote(EUR_USD)
    trial.step(200)
    trial.buy(20_000, conid=EUR_USD)
    quote = trial.quote(EUR_USD)
    assert (quote.last, quote.last_size, quote.open, int(quote.volume)) == (None, None, None, 0)
    assert None not in (quote.bid, quote.ask, quote.high, quote.low, quote.close)


def test_stocks_trade_now_and_then_at_the_quote(trial: Trial) -> None:
    trial.quote()
    volume = trial.quote().volume
    trial.step(200)
    trades = [event for event in trial.events if isinstance(event, QuoteChanged) and event.traded]
    assert 20 < len(trades) < 120
    assert trial.quote().volume == volume + sum(event.traded or 0 for event in trades)
    assert all(event.quote.last in {event.quote.bid, event.quote.ask} for event in trades)


def test_high_and_low_are_those_of_the_days_trades(trial: Trial) -> None:
    first = trial.quote().last
    assert first is not None
    trial.step(400)
    trades = [event.quote.last for event in trial.events if isinstance(event, QuoteChanged) and event.traded]
    prices = [first, *(price for price in trades if price is not None)]
    quote = trial.quote()
    assert (quote.open, quote.high, quote.low, quote.last) == (first, max(prices), min(prices), prices[-1])


@pytest.mark.parametrize("seed", range(1, 9))
@pytest.mark.parametrize("inside", [False, True])
def test_the_street_never_trades_past_a_better_or_equal_order(
    new_trial: Callable[..., Trial], seed: int, inside: bool
) -> None:
    trial = new_trial(ExchangeSettings(seed=seed))
    trial.step_until(lambda: trial.ask() - trial.bid() > CENT)
    limit = trial.bid() + (CENT if inside else 0)
    order = trial.buy(3_000, limit)
    trial.events.clear()
    trial.step_until(lambda: len(trial.fills(order)) >= 3)
    trades = [event for event in trial.events if isinstance(event, QuoteChanged) and event.traded]
    at_or_below = [event for event in trades if event.quote.last is not None and event.quote.last <= limit]
    assert [event.traded for event in at_or_below] == [fill.shares for fill in trial.fills(order)]
    assert {fill.liquidity for fill in trial.fills(order)} == {1}
    for event in at_or_below:
        assert event.quote.last is not None
        assert event.quote.ask is not None
        assert event.quote.last == limit or event.quote.last >= event.quote.ask - CENT, "its own price, or the ask"


def test_another_seed_is_another_market(new_trial: Callable[..., Trial]) -> None:
    paths = []
    for seed in (1, 2):
        trial = new_trial(ExchangeSettings(seed=seed))
        trial.jump(minutes=10)
        paths.append(trial.quote().last)
    assert paths[0] != paths[1]


def test_crosses_stay_near_the_pairs_they_are_made_of(trial: Trial) -> None:
    trial.jump(hours=9)
    middle = {name: (trial.bid(conid) + trial.ask(conid)) / 2 for name, conid in PAIRS.items()}
    assert abs(middle["EUR.USD"] * middle["USD.CHF"] / middle["EUR.CHF"] - 1) < Decimal("0.02")
    assert abs(middle["EUR.USD"] / middle["GBP.USD"] / middle["EUR.GBP"] - 1) < Decimal("0.02")


PAIRS = {"EUR.USD": 12087792, "USD.CHF": 12087820, "EUR.CHF": 12087817, "GBP.USD": 12087797, "EUR.GBP": 12087807}


def test_seed_one_walks_the_same_path_on_every_machine() -> None:
    path = tape(AAPL)
    path.advance_to(10_000)
    assert (path.bid, path.ask, path.last, path.volume) == (27047, 27048, 27045, 629_500)


@pytest.mark.parametrize("second", [0, 14, 49, 56])
def test_the_average_of_a_bar_lies_between_its_prices_also_where_the_record_begins(
    new_trial: Callable[..., Trial], second: int
) -> None:
    trial = new_trial(start=ORIGIN.replace(second=second, microsecond=300_000))
    trial.quote()
    trial.jump(seconds=30)
    first = ORIGIN.replace(second=second // 5 * 5)
    for length in (1, 5, 15):
        starts = [first + timedelta(seconds=place * length) for place in range(15 // length)]
        spans = [(start, start + timedelta(seconds=length)) for start in starts]
        for bar in trial.exchange.record(AAPL).bars(Source.TRADES, spans):
            assert bar.low <= bar.average <= bar.high
