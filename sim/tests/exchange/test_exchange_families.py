"""Trailing, touched, pegged and adjustable orders, auctions, and sizes that are hidden or come whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from ibkr_sim.exchange.model import Order, QuoteChanged, Rejected, Side, Status
from ibkr_sim.exchange.settings import ExchangeSettings
from ibkr_sim.exchange.terms import Adjustment

if TYPE_CHECKING:
    from sim.tests.exchange.conftest import Trial

CENT = Decimal("0.01")
EUR_USD = 12087792
CLOSE = datetime(2026, 3, 2, 21, 0, tzinfo=UTC)


def place(trial: Trial, side: Side, quantity: int, kind: str, **terms: Any) -> Order:
    return trial.exchange.place(replace(trial.request(side, quantity, order_type=kind), **terms))


def last(trial: Trial) -> Decimal:
    price = trial.quote().last
    assert price is not None
    return price


def is_filled(trial: Trial, order: Order) -> Callable[[], bool]:
    return lambda: trial.order(order).status is Status.FILLED


def prints(trial: Trial) -> list[Decimal]:
    found = [event.quote.last for event in trial.events if isinstance(event, QuoteChanged) and event.traded]
    return [price for price in found if price is not None]


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    "terms", [{"stop_price": 10 * CENT}, {"trailing_percent": Decimal("0.04")}, {"stop_price": 10 * CENT, "trail": 1}]
)
def test_a_trailing_stop_follows_the_best_price_and_never_gives_way(
    trial: Trial, side: Side, terms: dict[str, Any]
) -> None:
    started, sign = last(trial), 1 if side is Side.SELL else -1
    if terms.pop("trail", None):
        terms = terms | {"trail_stop": started - sign * 15 * CENT}
    order = place(trial, side, 100, "TRAIL", **terms)
    assert (order.status, order.why_held) == (Status.PRE_SUBMITTED, "trigger")
    stops = [trial.order(order).stop or Decimal(0)]
    while trial.order(order).status is Status.PRE_SUBMITTED:
        trial.step()
        stops.append(trial.order(order).stop or Decimal(0))
    assert stops == sorted(stops, reverse=side is Side.BUY)
    best = max(sign * price for price in [started, *prints(trial)]) * sign
    distance = terms.get("stop_price") or best * terms["trailing_percent"] / 100
    assert abs(stops[-1] - (best - sign * distance)) <= CENT / 2
    trial.step_until(is_filled(trial, order))
    assert sign * last(trial) <= sign * stops[-1] + CENT


def test_a_trailing_limit_rests_at_its_offset_behind_the_stop(trial: Trial) -> None:
    order = place(trial, Side.SELL, 100, "TRAIL LIMIT", stop_price=3 * CENT, limit_offset=Decimal(0))
    trial.step_until(lambda: trial.order(order).status is not Status.PRE_SUBMITTED)
    stop = trial.order(order).stop
    assert stop is not None
    trial.step_until(is_filled(trial, order), 40_000)
    assert trial.order(order).average_price >= stop


def test_a_trailing_limit_keeps_the_distance_that_it_began_with(trial: Trial) -> None:
    stop = last(trial) - 20 * CENT
    terms = {"stop_price": 20 * CENT, "trail_stop": stop, "limit_price": stop - 50 * CENT}
    order = place(trial, Side.SELL, 100, "TRAIL LIMIT", **terms)
    trial.step_until(is_filled(trial, order), 40_000)
    moved = trial.order(order).stop
    assert moved is not None
    assert moved - 50 * CENT <= trial.order(order).average_price <= moved + CENT


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("kind", ["MIT", "LIT"])
def test_an_if_touched_order_waits_for_a_better_price(trial: Trial, side: Side, kind: str) -> None:
    sign = 1 if side is Side.SELL else -1
    trigger = last(trial) + sign * 4 * CENT
    limit = trigger if kind == "LIT" else None
    order = place(trial, side, 100, kind, stop_price=trigger, limit_price=limit)
    assert order.status is Status.PRE_SUBMITTED
    trial.step_until(is_filled(trial, order))
    assert sign * trial.order(order).average_price >= sign * trigger - 2 * CENT
    if kind == "LIT":
        assert sign * trial.order(order).average_price >= sign * trigger


def test_touched_currencies_listen_to_the_quote(trial: Trial) -> None:
    tick = Decimal("0.00005")
    trigger = trial.bid(EUR_USD) + 3 * tick
    order = place(trial, Side.SELL, 20_000, "MIT", stop_price=trigger, conid=EUR_USD)
    trial.step_until(is_filled(trial, order))
    assert trial.order(order).average_price >= trigger - tick


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("kind", "offset"), [("MIDPRICE", None), ("PEG MID", CENT), ("REL", None), ("REL", CENT), ("PEG MID", None)]
)
def test_a_pegged_order_moves_with_the_quote_and_stays_within_its_cap(
    trial: Trial, side: Side, kind: str, offset: Decimal | None
) -> None:
    sign = 1 if side is Side.BUY else -1
    near = trial.bid() if side is Side.BUY else trial.ask()
    cap = near + sign * 2 * CENT
    order = place(trial, side, 400, kind, stop_price=offset, limit_price=cap)
    if order.status is not Status.FILLED:
        trial.step_until(is_filled(trial, order), 40_000)
    fills = trial.fills(order)
    assert all(sign * fill.price <= sign * cap for fill in fills)


def test_a_midprice_order_is_shown_between_bid_and_ask(trial: Trial) -> None:
    trial.step_until(lambda: trial.ask() - trial.bid() == 2 * CENT)
    middle = (trial.bid() + trial.ask()) / 2
    place(trial, Side.BUY, 100, "MIDPRICE")
    assert trial.bid() == middle


@pytest.mark.parametrize(
    ("kind", "limit", "status"), [("MOC", None, "Filled"), ("LOC", "400", "Filled"), ("LOC", "100", "Cancelled")]
)
def test_orders_on_close_trade_at_the_closing_price_or_not_at_all(
    trial: Trial, kind: str, limit: str | None, status: str
) -> None:
    order = place(trial, Side.BUY, 1_000, kind, limit_price=None if limit is None else Decimal(limit))
    trial.jump(hours=5, minutes=59)
    assert trial.order(order).status is Status.PRE_SUBMITTED
    trial.jump(minutes=2)
    assert trial.order(order).status == status
    if status == "Filled":
        (fill,) = trial.fills(order)
        assert (fill.time, fill.shares) == (CLOSE, 1_000)


def test_an_order_for_the_opening_waits_for_it(new_trial: Callable[..., Trial]) -> None:
    trial = new_trial(start=datetime(2026, 3, 2, 14, 0, tzinfo=UTC))
    order = trial.exchange.place(trial.request(Side.BUY, 100, tif="OPG"))
    assert order.why_held == "auction"
    trial.jump(minutes=29)
    assert trial.order(order).status is Status.PRE_SUBMITTED
    trial.jump(minutes=1, seconds=1)
    assert trial.fills(order)[0].time == datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def test_an_adjustable_stop_becomes_a_trailing_one_when_the_market_has_come_far_enough(trial: Trial) -> None:
    price = last(trial)
    trigger = price + 5 * CENT
    terms = Adjustment("TRAIL", trigger, stop=price - 2 * CENT, trailing=4 * CENT)
    order = place(trial, Side.SELL, 100, "STP", stop_price=price - 500 * CENT, adjustment=terms)
    trial.step_until(lambda: trial.order(order).request.order_type == "TRAIL", 40_000)
    assert last(trial) >= trigger
    trial.step_until(is_filled(trial, order))
    assert trial.order(order).average_price >= price - 10 * CENT


def test_an_adjustable_stop_becomes_a_stop_elsewhere(trial: Trial) -> None:
    price = last(trial)
    terms = Adjustment("STP LMT", price + 3 * CENT, stop=price + CENT, limit=price)
    order = place(trial, Side.SELL, 100, "STP", stop_price=price - 500 * CENT, adjustment=terms)
    trial.step_until(is_filled(trial, order), 40_000)
    assert trial.order(order).average_price >= price


def test_fill_or_kill_fills_whole_or_becomes_inactive(trial: Trial) -> None:
    ask = trial.ask()
    assert trial.exchange.place(trial.request(Side.BUY, 100, ask, tif="FOK")).status is Status.FILLED
    order = trial.exchange.place(trial.request(Side.BUY, 7_000, trial.ask(), tif="FOK"))
    assert (order.status, order.filled) == (Status.INACTIVE, 0)


def test_all_or_none_waits_until_it_fills_in_one_go_and_lets_others_pass(trial: Trial) -> None:
    whole = place(trial, Side.BUY, 900, "LMT", limit_price=trial.bid(), all_or_none=True)
    other = trial.buy(100, trial.bid())
    trial.step_until(is_filled(trial, other))
    trial.step_until(is_filled(trial, whole), 40_000)
    assert sum(fill.shares for fill in trial.fills(whole)) == 900
    assert len({fill.time for fill in trial.fills(whole)}) == 1


def test_hidden_size_is_not_shown_and_an_iceberg_shows_its_tip(trial: Trial) -> None:
    trial.step_until(lambda: trial.ask() - trial.bid() > CENT)
    bid = trial.bid()
    place(trial, Side.BUY, 900, "LMT", limit_price=bid + CENT, hidden=True)
    assert trial.bid() == bid
    place(trial, Side.BUY, 900, "LMT", limit_price=bid + CENT, display_size=Decimal(200))
    assert (trial.bid(), trial.quote().bid_size) == (bid + CENT, 200)
    assert trial.sell(1_500, bid + CENT, account=trial.francs).filled == 1_500


def test_good_till_date_ends_an_order_and_good_after_time_holds_it_back(trial: Trial) -> None:
    now = trial.exchange.now()
    low = trial.bid() - 1_000 * CENT
    brief = place(trial, Side.BUY, 100, "LMT", limit_price=low, tif="GTD", good_till=now + timedelta(minutes=30))
    late = place(trial, Side.BUY, 100, "MKT", good_after=now + timedelta(minutes=10))
    trial.jump(minutes=9)
    assert trial.order(late).why_held == "time"
    trial.jump(minutes=2)
    assert trial.fills(late)[0].time == now + timedelta(minutes=10)
    trial.jump(minutes=18)
    assert trial.order(brief).status is Status.SUBMITTED
    trial.jump(minutes=1)
    ended = trial.order(brief)
    assert (ended.status, ended.updated_at) == (Status.CANCELLED, now + timedelta(minutes=30))


@pytest.mark.parametrize("outside", [False, True])
def test_outside_regular_hours_trades_who_says_so(new_trial: Callable[..., Trial], outside: bool) -> None:
    trial = new_trial(ExchangeSettings(always_open=False), datetime(2026, 3, 2, 13, 0, tzinfo=UTC))
    order = place(trial, Side.BUY, 100, "LMT", limit_price=trial.ask() + 300 * CENT, outside_rth=outside)
    if outside:
        assert order.status is Status.FILLED
        return
    assert (order.status, order.notice and order.notice[0]) == (Status.PRE_SUBMITTED, 399)
    trial.jump(hours=1, minutes=31)
    assert trial.fills(order)[0].time == datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    trial.jump(hours=6, minutes=28)
    resting = place(trial, Side.BUY, 5_000, "LMT", limit_price=trial.bid() - CENT, account=trial.francs)
    trial.jump(minutes=30)
    assert trial.fills(resting)
    assert all(fill.time < CLOSE for fill in trial.fills(resting))


def test_a_stop_sleeps_outside_regular_hours(new_trial: Callable[..., Trial]) -> None:
    trial = new_trial(ExchangeSettings(always_open=False), datetime(2026, 3, 2, 20, 59, 30, tzinfo=UTC))
    stop = place(trial, Side.SELL, 100, "TRAIL", stop_price=2 * CENT, tif="GTC")
    open_end = place(trial, Side.SELL, 100, "TRAIL", stop_price=2 * CENT, tif="GTC", outside_rth=True)
    trial.exchange.halt(trial.quote().conid)
    trial.step(130)
    trial.exchange.resume(trial.quote().conid)
    trial.step_until(is_filled(trial, open_end))
    assert trial.order(stop).status is Status.PRE_SUBMITTED


def test_a_halted_contract_trades_with_nobody_until_it_is_resumed(trial: Trial) -> None:
    trial.exchange.halt(trial.quote().conid)
    order = trial.buy(100)
    trial.step(20)
    assert (trial.order(order).status, trial.fills()) == (Status.SUBMITTED, [])
    trial.exchange.resume(trial.quote().conid)
    trial.step_until(is_filled(trial, order))


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"order_type": "TRAIL"}, 201),
        ({"order_type": "TRAIL", "stop_price": CENT, "trailing_percent": Decimal(1)}, 201),
        ({"order_type": "TRAIL", "trailing_percent": Decimal(100)}, 403),
        ({"order_type": "TRAIL LIMIT", "stop_price": CENT, "limit_price": None}, 201),
        ({"order_type": "MOC", "tif": "GTC"}, 113),
        ({"order_type": "MIDPRICE", "conid": EUR_USD, "quantity": Decimal(20_000)}, 387),
        ({"order_type": "REL", "conid": EUR_USD, "quantity": Decimal(20_000)}, 114),
        ({"order_type": "STP", "stop_price": Decimal(300), "tif": "FOK"}, 111),
        ({"order_type": "TRAIL", "stop_price": CENT, "tif": "OPG"}, 111),
        ({"tif": "GTD"}, 391),
        ({"tif": "GTD", "good_till": datetime(2026, 1, 1, tzinfo=UTC)}, 391),
        ({"display_size": Decimal(100)}, 10020),
        ({"order_type": "MKT", "hidden": True}, 201),
        ({"parent": 5}, 10006),
        ({"oca_group": "one", "oca_type": 4}, 201),
        ({"adjustment": Adjustment("TRAIL", Decimal(300), trailing=CENT)}, 387),
        ({"order_type": "STP", "stop_price": Decimal(100), "adjustment": Adjustment("TRAIL", Decimal(300))}, 201),
    ],
)
def test_terms_that_do_not_go_together_are_refused_with_ibkrs_code(
    trial: Trial, terms: dict[str, Any], code: int
) -> None:
    sound = trial.request(Side.BUY, 100, "270.00")
    with pytest.raises(Rejected) as refusal:
        trial.exchange.place(replace(sound, **terms))
    assert refusal.value.code == code, refusal.value.text
    assert not trial.events
