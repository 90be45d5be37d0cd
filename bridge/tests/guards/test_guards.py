"""Each guard alone: what it lets through, what it denies, and what the denial says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.interruptions import Interruption
from ibkr_bridge.domain.order import Order, OrderStatus
from ibkr_bridge.domain.terms import OrderType, Side, Terms, TimeInForce
from ibkr_bridge.domain.world import World
from ibkr_bridge.guards.chain import GUARDS, judge
from ibkr_bridge.guards.exposure import Waiting, worth
from ibkr_bridge.guards.position import reduces, resulting
from ibkr_bridge.guards.reset_window import reset_window
from ibkr_bridge.guards.verdict import Denial, Fresh, Intent, Limits, Price, Recent, TradingState, View

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
AAPL = Contract(265598, "AAPL", "STK", "SMART", "USD")
LIMIT = Terms(Side.BUY, Decimal(100), OrderType.LIMIT, Decimal(150))
MARKET = Terms(Side.BUY, Decimal(100), OrderType.MARKET)
RESET = Interruption(NOW + timedelta(seconds=20), NOW + timedelta(hours=1), "IBKR's reset")
INTENT = Intent("DU1234567", AAPL, LIMIT)
OPEN = View(
    read_only=False,
    expected_world=World.PAPER,
    allow_live=False,
    pinned_account=None,
    session_accounts=("DU1234567",),
    now=NOW,
    bid=Price(Decimal("149.9"), 1),
    ask=Price(Decimal(150), 1),
    last=Price(Decimal(150), 1),
    rate=Price(Decimal("0.8"), 1),
)


def limited(**limits: Any) -> View:
    return replace(OPEN, limits=Limits(**limits))


def intent(**terms: Any) -> Intent:
    return replace(INTENT, terms=replace(LIMIT, **terms))


def denied(wish: Intent, view: View) -> Denial:
    denial = judge(wish, view)
    assert denial is not None
    return denial


def denied_by(wish: Intent, view: View) -> str | None:
    denial = judge(wish, view)
    return denial.guard if denial else None


def working(side: Side = Side.BUY, qty: int = 100, status: OrderStatus = OrderStatus.WORKING) -> Order:
    return Order("01", "DU1234567", AAPL, replace(LIMIT, side=side, qty=Decimal(qty)), status, NOW, NOW)


def test_an_order_in_the_expected_world_passes() -> None:
    assert denied_by(INTENT, OPEN) is None


def test_a_read_only_service_denies_every_order() -> None:
    assert denied_by(INTENT, replace(OPEN, read_only=True)) == "read_only"


def test_an_account_of_another_world_is_denied_even_when_only_the_session_holds_it() -> None:
    assert denied_by(replace(INTENT, account="U1234567"), OPEN) == "world"
    assert denied_by(INTENT, replace(OPEN, session_accounts=("DU1234567", "U7654321"))) == "world"


def test_live_needs_its_own_switch() -> None:
    live = replace(OPEN, expected_world=World.LIVE, session_accounts=("U1234567",))
    wish = replace(INTENT, account="U1234567")
    assert denied_by(wish, live) == "world"
    assert denied_by(wish, replace(live, allow_live=True)) is None


def test_a_pinned_service_trades_no_other_account() -> None:
    view = replace(OPEN, pinned_account="DU7654321", session_accounts=("DU1234567", "DU7654321"))
    assert denied_by(INTENT, view) == "account_pin"
    assert denied_by(replace(INTENT, account="DU7654321"), view) is None


def test_a_denial_names_no_account() -> None:
    denial = denied(INTENT, replace(OPEN, session_accounts=("DU1234567", "U7654321")))
    assert "7654321" not in f"{denial.detail} {denial.value} {denial.advice}"


def test_an_order_is_valued_in_the_base_currency() -> None:
    # 100 x 150 USD x 0.8 = 12,000 CHF
    assert denied_by(INTENT, limited(max_order_value=Decimal(12_000))) is None
    denial = denied(INTENT, limited(max_order_value=Decimal("11999.99")))
    assert (denial.guard, denial.limit, denial.value) == ("order_value", "11999.99", "12000.00")
    assert "MAX_ORDER_VALUE_CHF" in denial.advice


def test_a_multiplier_counts() -> None:
    future = replace(INTENT, contract=replace(AAPL, multiplier=Decimal(50)))
    assert denied(future, limited(max_order_value=Decimal(50_000))).value == "600000.00"


def test_a_market_order_is_valued_at_the_side_it_would_hit() -> None:
    wide = replace(limited(max_order_value=Decimal(12_500)), ask=Price(Decimal(160), 1))
    assert denied_by(replace(INTENT, terms=MARKET), wide) == "order_value"
    assert denied_by(replace(INTENT, terms=replace(MARKET, side=Side.SELL)), wide) is None


@pytest.mark.parametrize(
    "blind",
    [
        {"rate": None},
        {"rate": Price(Decimal("0.8"), 301)},
        {"rate": Price(Decimal("0.8"), 1, "lost")},
    ],
)
def test_an_order_that_cannot_be_valued_is_denied(blind: dict[str, Any]) -> None:
    assert denied_by(INTENT, replace(limited(max_order_value=Decimal(10**9)), **blind)) == "order_value"


def test_a_market_order_without_a_fresh_quote_cannot_be_valued() -> None:
    view = limited(max_order_value=Decimal(10**9))
    old = Price(Decimal(150), 61)
    for blind in (
        replace(view, ask=None, last=None),
        replace(view, ask=old),
        replace(view, ask=replace(old, age=1, stale="x")),
    ):
        assert denied_by(replace(INTENT, terms=MARKET), blind) == "order_value"
    assert denied_by(INTENT, replace(view, ask=None, bid=None, last=None)) is None  # a limit is its own price


@pytest.mark.parametrize(
    ("side", "prices", "value"),
    [
        (Side.BUY, {"limit": 100}, "8000.00"),
        (Side.SELL, {"limit": 1}, "11992.00"),
        (Side.SELL, {"limit": 200}, "16000.00"),
        (Side.SELL, {"type": OrderType.STOP_LIMIT, "stop": 140, "limit": 1}, "11992.00"),
        (Side.BUY, {"type": OrderType.STOP, "limit": None, "stop": 100}, "12000.00"),
        (Side.BUY, {"type": OrderType.STOP, "limit": None, "stop": 200}, "16000.00"),
        (Side.SELL, {"type": OrderType.TRAIL_LIMIT, "limit": None, "stop": 148, "limit_offset": 100}, "11992.00"),
    ],
)
def test_an_order_is_valued_at_what_it_may_fill_for_not_at_what_it_asks(
    side: Side, prices: dict[str, Any], value: str
) -> None:
    given = {name: Decimal(price) if isinstance(price, int) else price for name, price in prices.items()}
    assert denied(intent(side=side, **given), limited(max_order_value=Decimal(1))).value == value


@pytest.mark.parametrize(
    "prices", [{"side": Side.SELL}, {"type": OrderType.STOP, "limit": None, "stop": Decimal(1)}, {"limit": None}]
)
def test_what_may_fill_at_the_market_cannot_be_valued_without_one(prices: dict[str, Any]) -> None:
    blind = replace(limited(max_order_value=Decimal(10**9)), bid=None, ask=None, last=None)
    denial = denied(intent(**prices), blind)
    assert (denial.guard, denial.value) == ("order_value", None)


def test_market_orders_are_off_until_allowed() -> None:
    off = limited(allow_market_orders=False)
    assert denied_by(replace(INTENT, terms=MARKET), off) == "market_orders"
    assert denied_by(intent(type=OrderType.STOP, limit=None, stop=Decimal(1)), off) == "market_orders"
    assert denied_by(intent(type=OrderType.STOP_LIMIT, stop=Decimal(1)), off) is None
    assert denied_by(INTENT, off) is None


def test_a_closed_market_denies_what_would_only_wait() -> None:
    closed = replace(limited(market_hours=True), market_open=False, next_open=NOW + timedelta(hours=1))
    assert "2026-03-02T16:00:00Z" in denied(INTENT, closed).detail
    for patient in (intent(tif=TimeInForce.GTC), intent(outside_rth=True)):
        assert denied_by(patient, closed) is None
    assert denied_by(INTENT, replace(closed, market_open=None)) is None
    assert denied_by(INTENT, replace(closed, market_open=True)) is None


def test_hours_that_were_not_told_in_time_are_no_open_market() -> None:
    late = replace(limited(market_hours=True), hours_late=True)
    assert denied(INTENT, late).value == "unknown"
    assert denied_by(intent(tif=TimeInForce.GTC), late) is None


def test_quantity_is_limited() -> None:
    assert denied_by(INTENT, limited(max_quantity=Decimal(100))) is None
    assert denied_by(INTENT, limited(max_quantity=Decimal(99))) == "quantity"


def test_the_collar_stops_a_slipped_decimal_point_and_only_on_the_dangerous_side() -> None:
    view = limited(price_collar_percent=Decimal(10))
    assert denied_by(intent(limit=Decimal(1500)), view) == "price_collar"
    assert denied_by(intent(limit=Decimal(165)), view) is None
    assert denied_by(intent(limit=Decimal(15)), view) is None
    assert denied_by(intent(side=Side.SELL, limit=Decimal(15)), view) == "price_collar"
    assert denied_by(intent(side=Side.SELL, limit=Decimal(1500)), view) is None


@pytest.mark.parametrize(
    ("side", "prices", "allowed"),
    [
        (Side.BUY, {"type": OrderType.RELATIVE, "offset": 400}, False),
        (Side.BUY, {"type": OrderType.RELATIVE, "offset": 1}, True),
        (Side.SELL, {"type": OrderType.RELATIVE, "offset": 100}, False),
        (Side.BUY, {"type": OrderType.RELATIVE, "offset": 400, "limit": 151}, True),
        (Side.BUY, {"type": OrderType.PEG_MID, "offset": 400}, False),
        (Side.BUY, {"type": OrderType.PEG_MID}, True),
        (Side.BUY, {"type": OrderType.TRAIL_LIMIT, "stop": 152, "limit_offset": 400, "trail": 2}, False),
        (Side.SELL, {"type": OrderType.TRAIL_LIMIT, "stop": 148, "limit_offset": 100, "trail": 2}, False),
        (Side.SELL, {"type": OrderType.TRAIL_LIMIT, "stop": 148, "limit_offset": 1, "trail": 2}, True),
    ],
)
def test_the_collar_looks_at_the_worst_price_that_an_order_accepts_however_it_is_given(
    side: Side, prices: dict[str, Any], allowed: bool
) -> None:
    given = {name: Decimal(price) if isinstance(price, int) else price for name, price in prices.items()}
    wish = intent(**{"side": side, "limit": None, **given})
    assert (denied_by(wish, limited(price_collar_percent=Decimal(10))) is None) is allowed


def test_an_order_is_valued_at_the_worst_price_that_it_accepts() -> None:
    relative = intent(type=OrderType.RELATIVE, limit=None, offset=Decimal(100))
    assert denied(relative, limited(max_order_value=Decimal(19_000))).value == "19992.00"


def spread(bid: str, ask: str) -> View:
    """The view of a combo whose legs come to 770 without their signs."""
    view = limited(price_collar_percent=Decimal(10), max_order_value=Decimal(50_000))
    return replace(
        view, bid=Price(Decimal(bid), 1), ask=Price(Decimal(ask), 1), last=None, gross=Price(Decimal(770), 1)
    )


def test_the_collar_of_a_combo_is_a_share_of_what_its_legs_come_to() -> None:
    view = spread("-230.1", "-229.9")
    assert denied_by(intent(limit=Decimal(-229)), view) is None
    assert denied_by(intent(limit=Decimal(-153)), view) is None
    assert denied_by(intent(limit=Decimal(-150)), view) == "price_collar"
    assert denied_by(intent(limit=Decimal(100_000)), view) == "price_collar"
    assert denied_by(intent(side=Side.SELL, limit=Decimal(-300)), view) is None
    assert denied_by(intent(side=Side.SELL, limit=Decimal(-310)), view) == "price_collar"


def test_a_combo_is_worth_its_price_whatever_the_sign() -> None:
    view = replace(spread("-1000", "-999"), gross=Price(Decimal(100_000), 1))
    assert denied(intent(limit=Decimal(-999)), view).value == "79920.00"


def test_orders_a_minute_are_counted_over_a_sliding_minute() -> None:
    past = tuple(Recent(NOW - timedelta(seconds=age), (1,), MARKET) for age in (59, 30, 61))
    assert denied_by(INTENT, replace(limited(orders_per_minute=2), recent=past)) == "order_rate"
    assert denied_by(INTENT, replace(limited(orders_per_minute=3), recent=past)) is None


def test_open_orders_are_counted_by_side() -> None:
    view = replace(limited(open_orders_per_side=2), working=(working(), working(), working(Side.SELL)))
    assert denied_by(INTENT, view) == "open_orders"
    assert denied_by(intent(side=Side.SELL), view) is None


@pytest.mark.parametrize("status", [OrderStatus.WORKING, OrderStatus.UNKNOWN, OrderStatus.SENT])
def test_what_may_still_fill_counts_towards_the_position(status: OrderStatus) -> None:
    view = replace(limited(max_position=Decimal(299)), position=Decimal(100), working=(working(status=status),))
    assert denied(INTENT, view).value == "300"
    assert denied_by(INTENT, replace(view, limits=Limits(max_position=Decimal(300)))) is None


def test_a_position_beyond_its_limit_may_still_be_reduced() -> None:
    view = replace(limited(max_position=Decimal(50)), position=Decimal(200))
    assert denied_by(intent(side=Side.SELL), view) is None
    assert denied_by(INTENT, view) == "position"


def test_a_position_beyond_its_limit_may_not_turn_to_the_other_side() -> None:
    view = replace(limited(max_position=Decimal(50)), position=Decimal(200))
    assert denied(intent(side=Side.SELL, qty=Decimal(399)), view).value == "-199"
    assert denied_by(intent(side=Side.SELL, qty=Decimal(200)), view) is None
    assert denied_by(intent(side=Side.SELL, qty=Decimal(250)), view) is None  # within the limit


@pytest.mark.parametrize("side", Side)
def test_a_fresh_fill_counts_where_it_makes_matters_worse(side: Side) -> None:
    fresh = Fresh(bought=Decimal(50), sold=Decimal(50))
    view = replace(limited(max_position=Decimal(149)), fresh=fresh)
    assert denied_by(intent(side=side), view) == "position"
    assert denied_by(intent(side=side, qty=Decimal(99)), view) is None


def test_what_may_have_been_sold_already_is_not_there_to_be_reduced() -> None:
    view = replace(OPEN, position=Decimal(100), fresh=Fresh(sold=Decimal(60)), state=TradingState.REDUCING)
    assert denied_by(intent(side=Side.SELL, qty=Decimal(41)), view) == "halt"
    assert denied_by(intent(side=Side.SELL, qty=Decimal(40)), view) is None


def test_positions_that_were_never_told_are_not_taken_for_flat() -> None:
    for limit, guard in (("max_position", "position"), ("max_exposure", "exposure")):
        assert denied_by(INTENT, replace(limited(**{limit: Decimal(10**9)}), told=False)) == guard
    assert denied_by(INTENT, replace(OPEN, told=False)) is None


def test_a_change_counts_only_what_it_adds() -> None:
    order = replace(working(qty=100), filled_qty=Decimal(40))
    wish = replace(INTENT, terms=replace(LIMIT, qty=Decimal(120)), replaces=order)
    assert resulting(wish, replace(OPEN, position=Decimal(40))) == 120


def test_exposure_adds_every_other_position() -> None:
    view = replace(limited(max_exposure=Decimal(20_000)), exposure=Decimal(8_001))
    assert denied(INTENT, view).value == "20001.00"
    assert denied_by(INTENT, replace(view, exposure=Decimal(8_000))) is None
    assert "MSFT" in denied(INTENT, replace(view, exposure=None, unvalued="MSFT")).detail
    assert "AAPL" in denied(INTENT, replace(view, rate=None)).detail


def test_what_works_on_either_side_of_the_same_contract_counts_towards_exposure() -> None:
    view = replace(limited(max_exposure=Decimal(1)), working=(working(Side.SELL, 300),))
    assert denied(INTENT, view).value == "36000.00"  # 300 sold, not 100 bought
    assert denied(INTENT, replace(view, working=(working(qty=300),))).value == "48000.00"
    assert denied(INTENT, replace(view, fresh=Fresh(bought=Decimal(100)))).value == "36000.00"
    assert denied(INTENT, replace(view, fresh=Fresh(bought=Decimal(900)))).value == "120000.00"


def test_a_cheap_limit_does_not_make_what_is_held_cheap() -> None:
    view = replace(limited(max_exposure=Decimal(1)), position=Decimal(1000))
    assert denied(intent(qty=Decimal(1), limit=Decimal(1)), view).value == "120000.80"
    blind = replace(view, bid=None, ask=None, last=None)
    assert denied(intent(limit=Decimal(1)), blind).value == "unknown"


BOUGHT, SOLD = Waiting(Side.BUY, Decimal(10), Decimal(5)), Waiting(Side.SELL, Decimal(10), Decimal(8))


@pytest.mark.parametrize(
    ("held", "orders", "value"),
    [
        (0, (), 0),
        (10, (), 60),
        (0, (BOUGHT,), 50),
        (10, (BOUGHT,), 60 + 50),
        (10, (SOLD,), 60),
        (5, (replace(SOLD, qty=Decimal(30)),), 25 * 8),
        (0, (BOUGHT, SOLD), 80),
        (0, (replace(SOLD, family="a"), replace(SOLD, qty=Decimal(20), family="a")), 160),
        (0, (replace(SOLD, family="a"), replace(SOLD, family="b")), 160),
        (0, (replace(SOLD, price=None),), None),
    ],
)
def test_a_contract_is_worth_what_the_worse_side_of_its_orders_makes_it(
    held: int, orders: tuple[Waiting, ...], value: int | None
) -> None:
    assert worth(Decimal(held), Fresh(), orders, Decimal(6)) == value


def test_what_has_just_filled_is_worth_what_it_may_have_made_of_the_position() -> None:
    for position, fresh in ((10, Fresh(bought=Decimal(5))), (-10, Fresh(sold=Decimal(5)))):
        assert worth(Decimal(position), fresh, (), Decimal(6)) == 90
        assert worth(Decimal(-position), fresh, (), Decimal(6)) == 60


def test_without_a_market_only_what_a_limit_buys_has_a_value() -> None:
    assert worth(Decimal(0), Fresh(), (BOUGHT,), None) == 50
    assert worth(Decimal(1), Fresh(), (BOUGHT,), None) is None
    assert worth(Decimal(0), Fresh(bought=Decimal(1)), (), None) is None


def test_symbols_are_allowed_or_denied_by_list() -> None:
    assert denied_by(INTENT, limited(allowed_symbols=frozenset({"MSFT"}))) == "symbols"
    assert denied_by(INTENT, limited(denied_symbols=frozenset({"AAPL"}))) == "symbols"
    assert denied_by(INTENT, limited(allowed_symbols=frozenset({"AAPL"}))) is None


def test_the_same_order_within_seconds_is_a_stuck_key() -> None:
    view = replace(limited(repeat_seconds=2.0), recent=(Recent(NOW - timedelta(seconds=1), (AAPL.conid,), LIMIT),))
    assert denied_by(INTENT, view) == "repeats"
    assert denied_by(intent(qty=Decimal(101)), view) is None
    assert denied_by(replace(INTENT, replaces=working()), view) is None
    assert denied_by(INTENT, replace(view, now=NOW + timedelta(seconds=2))) is None


def test_the_last_seconds_before_a_reset_are_too_late_for_an_order() -> None:
    view = replace(limited(reset_margin=30.0), interruption=RESET)
    assert denied_by(INTENT, view) == "reset_window"
    assert denied_by(INTENT, replace(view, now=RESET.start - timedelta(seconds=31))) is None
    denial = reset_window(INTENT, view)
    assert denial is not None
    assert denial.retry_at == RESET.end


def test_a_halt_lets_nothing_through_and_reducing_only_what_reduces() -> None:
    long = replace(OPEN, position=Decimal(100))
    assert denied_by(INTENT, replace(long, state=TradingState.HALTED)) == "halt"
    reducing = replace(long, state=TradingState.REDUCING)
    assert denied_by(INTENT, reducing) == "halt"
    assert denied_by(intent(side=Side.SELL), reducing) is None
    assert denied_by(intent(side=Side.SELL, qty=Decimal(101)), reducing) == "halt"


@given(st.integers(-500, 500), st.integers(1, 500), st.sampled_from(Side), st.lists(st.integers(1, 200), max_size=3))
def test_reducing_never_lets_a_position_grow_or_turn(held: int, qty: int, side: Side, waiting: list[int]) -> None:
    view = replace(OPEN, position=Decimal(held), working=tuple(working(side, size) for size in waiting))
    wish = intent(side=side, qty=Decimal(qty))
    if reduces(wish, view):
        after = resulting(wish, view)
        assert abs(after) < abs(held)
        assert after == 0 or (after > 0) == (held > 0)


def test_every_denial_says_what_to_do_next() -> None:
    strict = Limits(
        max_order_value=Decimal(1),
        allow_market_orders=False,
        market_hours=True,
        max_quantity=Decimal(1),
        price_collar_percent=Decimal(1),
        orders_per_minute=0,
        open_orders_per_side=0,
        max_position=Decimal(1),
        max_exposure=Decimal(1),
        allowed_symbols=frozenset({"X"}),
        repeat_seconds=5,
        reset_margin=60,
    )
    view = replace(
        OPEN,
        read_only=True,
        expected_world=World.LIVE,
        pinned_account="DU1",
        state=TradingState.HALTED,
        limits=strict,
        market_open=False,
        recent=(Recent(NOW, (AAPL.conid,), LIMIT),),
        interruption=RESET,
    )
    for guard in GUARDS:
        wish = replace(INTENT, terms=MARKET) if guard.__name__ == "market_orders" else intent(limit=Decimal(1500))
        if guard.__name__ == "repeats":
            wish = INTENT
        denial = guard(wish, view)
        assert denial is not None, guard.__name__
        assert denial.advice, guard.__name__
        assert denial.guard == guard.__name__
