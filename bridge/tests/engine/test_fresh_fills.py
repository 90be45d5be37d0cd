"""Fills and the positions they make, told in any order: what is true lies always between the worst readings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ibkr_bridge.domain.combos import combine
from ibkr_bridge.domain.contract import Contract, Leg
from ibkr_bridge.domain.order import Fill, Order, OrderStatus
from ibkr_bridge.domain.terms import OrderType, Side, Terms
from ibkr_bridge.engine.fresh_fills import FreshFills
from ibkr_bridge.guards.verdict import Fresh

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
AAPL = Contract(265598, "AAPL", "STK", "SMART", "USD")
MSFT = Contract(272093, "MSFT", "STK", "SMART", "USD")
KEY = ("DU1234567", AAPL.conid)


@dataclass
class Watch:
    """A clock that goes on by a second with each look at it."""

    time: datetime = NOW

    def now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def entropy(self, count: int) -> bytes:
        return bytes(count)

    def jitter(self) -> float:
        return 0.0


def order(contract: Contract = AAPL, side: Side = Side.BUY) -> Order:
    return Order(
        "01", "DU1234567", contract, Terms(side, Decimal(100), OrderType.MARKET), OrderStatus.WORKING, NOW, NOW
    )


def fill(fresh: FreshFills, qty: int) -> None:
    one = order(side=Side.BUY if qty > 0 else Side.SELL)
    fresh.filled(one, replace(one, filled_qty=Decimal(abs(qty))))


def span(bought: int, sold: int = 0) -> Fresh:
    return Fresh(Decimal(bought), Decimal(sold))


def test_a_fill_is_fresh_until_the_position_has_changed_by_it() -> None:
    fresh = FreshFills(Watch())
    fill(fresh, 100)
    assert fresh.of(KEY) == span(100)
    fresh.told(KEY, Decimal(0))
    assert fresh.of(KEY) == span(100)
    fresh.told(KEY, Decimal(100))
    assert fresh.of(KEY) == span(0)


def test_fills_that_are_told_together_are_shown_together() -> None:
    fresh = FreshFills(Watch())
    for qty in (30, 30, -20):
        fill(fresh, qty)
    assert fresh.of(KEY) == span(60 - 20, 20)
    fresh.told(KEY, Decimal(60))
    assert fresh.of(KEY) == span(0, 20)


def test_a_change_that_nothing_of_ours_explains_settles_nothing() -> None:
    fresh = FreshFills(Watch())
    fill(fresh, 100)
    fresh.told(KEY, Decimal(-7))
    assert fresh.of(KEY) == span(100)


def test_a_complete_look_settles_what_it_shows_and_no_more() -> None:
    watch = Watch()
    fresh = FreshFills(watch)
    fill(fresh, 100)
    heard = watch.time
    fill(fresh, 10)
    fresh.complete(heard - timedelta(microseconds=1))
    assert (fresh.of(KEY), fresh.oldest("DU1234567")) == (span(110), heard)
    fresh.complete(heard)
    assert fresh.of(KEY) == span(10)
    fresh.complete(watch.now())
    assert (fresh.of(KEY), fresh.oldest("DU1234567")) == (span(0), None)


def test_a_correction_takes_back_what_it_takes_back() -> None:
    fresh = FreshFills(Watch())
    one = replace(order(), filled_qty=Decimal(100))
    fresh.filled(one, replace(one, filled_qty=Decimal(90)))
    assert fresh.of(KEY) == span(0, 10)


def test_a_combo_moves_the_positions_of_its_legs_each_by_what_is_told_first() -> None:
    fresh = FreshFills(Watch())
    pair = order(combine([Leg(MSFT, Side.BUY, 1), Leg(AAPL, Side.SELL, 2)], "SMART"))
    one_leg = replace(pair, fills=(Fill("1.1", Decimal(8), Decimal(1), leg=AAPL.conid),))
    fresh.filled(pair, one_leg)
    assert (fresh.of(KEY), fresh.of(("DU1234567", MSFT.conid))) == (span(0, 8), span(0))
    fresh.filled(one_leg, replace(one_leg, filled_qty=Decimal(4)))
    assert (fresh.of(KEY), fresh.of(("DU1234567", MSFT.conid))) == (span(0, 8), span(4))
    assert {contract.symbol for contract in fresh.contracts("DU1234567")} == {"AAPL", "MSFT"}


@given(
    st.lists(st.sampled_from([-100, -30, 30, 100]), max_size=8),
    st.lists(st.sampled_from(["fill", "position"]), max_size=24),
    st.randoms(use_true_random=False),
)
def test_whatever_comes_first_the_true_position_is_never_beyond_the_readings(
    fills: list[int], told: list[str], chance: object
) -> None:
    """Fills happen one after the other; each is heard, and positions that show the first of them are, in any order."""
    fresh, heard, shown, position = FreshFills(Watch()), 0, 0, Decimal(0)
    for what in told:
        if what == "fill" and heard < len(fills):
            fill(fresh, fills[heard])
            heard += 1
        elif what == "position":
            shown = chance.randint(shown, len(fills))  # type: ignore[attr-defined]
            latest = Decimal(sum(fills[:shown]))
            fresh.told(KEY, latest - position)
            position = latest
        true = Decimal(sum(fills[: max(heard, shown)]))
        readings = fresh.of(KEY)
        assert position - readings.sold <= true <= position + readings.bought
