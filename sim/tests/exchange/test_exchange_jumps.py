"""A jump of the clock gives what every step on the way would have given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ibkr_sim.exchange.listing.contracts import Wanted
from ibkr_sim.exchange.model import ActionKind, CorporateAction, OrderRequest, Side
from ibkr_sim.exchange.settings import ExchangeSettings
from ibkr_sim.exchange.terms import ComboLeg, Conditions, PriceCondition

if TYPE_CHECKING:
    from sim.tests.exchange.conftest import Trial

AAPL, MSFT, EUR_USD = 265598, 272093, 12087792
NEVER = 10**9
TYPES = ("LMT", "LMT", "LMT", "STP", "MIT", "TRAIL", "PEG MID")


@st.composite
def plans(draw: st.DrawFn) -> list[tuple[int, Side, str, int, int, str]]:
    """Which contract, side, type, how many ticks from the market, how many, in which group."""
    one = st.tuples(
        st.integers(0, 5),
        st.sampled_from(Side),
        st.sampled_from(TYPES),
        st.integers(1, 40),
        st.integers(1, 40),
        st.sampled_from(["", "", "", "group"]),
    )
    return draw(st.lists(one, min_size=2, max_size=9))


def contracts(trial: Trial) -> list[int]:
    chain = trial.exchange.search(Wanted(symbol="AAPL", sec_type="OPT", expiry="202606", strike=Decimal(270)))
    future = trial.exchange.search(Wanted(symbol="ES", sec_type="FUT"))[0]
    return [AAPL, MSFT, EUR_USD, future.conid, *(row.conid for row in chain)]


def place(trial: Trial, plan: tuple[int, Side, str, int, int, str]) -> None:
    number, side, kind, ticks, quantity, group = plan
    conid = contracts(trial)[number]
    contract, quote = trial.exchange.contract(conid), trial.quote(conid)
    assert contract is not None
    assert quote.bid is not None
    assert quote.ask is not None
    away = -1 if (side is Side.BUY) is (kind in ("LMT", "MIT")) else 1
    price = max((quote.bid if side is Side.BUY else quote.ask) + away * ticks * contract.min_tick, contract.min_tick)
    if kind == "PEG MID" and contract.sec_type == "CASH":
        kind = "LMT"
    request = OrderRequest(
        account=trial.dollars,
        conid=conid,
        side=side,
        quantity=Decimal(1 + quantity % 3 if contract.is_margined else quantity)
        * (1000 if contract.sec_type == "CASH" else 1),
        order_type=kind,
        tif="GTC",
        limit_price=price if kind == "LMT" else None,
        stop_price=ticks * contract.min_tick if kind == "TRAIL" else price if kind in ("STP", "MIT") else None,
        oca_group=group,
        oca_type=1,
    )
    trial.exchange.place(request)


def outcome(trial: Trial) -> list[Any]:
    books = [(account.id, account.cash, account.holdings) for account in trial.exchange.ledger.everyone()]
    orders = [*trial.exchange.open_orders(), *trial.exchange.completed_orders()]
    return [trial.fills(), trial.exchange.executions(), orders, books]


@settings(max_examples=10, deadline=None)
@given(plans(), st.integers(1, 1_000), st.integers(101, 300))
def test_a_jump_gives_what_its_steps_give(
    new_trial: Callable[..., Trial], rows: list[Any], seed: int, seconds: int
) -> None:
    found = []
    for quiet_after, parts in ((NEVER, 1), (400, 1), (40, 7)):
        trial = new_trial(ExchangeSettings(seed=seed, quiet_after=quiet_after))
        for row in rows:
            place(trial, row)
        for _ in range(parts):
            trial.jump(seconds=seconds / parts)
        found.append(outcome(trial))
    assert found[0] == found[1] == found[2]


def test_conditions_combinations_and_dividends_come_about_within_a_jump_as_in_steps(
    new_trial: Callable[..., Trial],
) -> None:
    found = []
    for quiet_after in (NEVER, 400):
        trial = new_trial(ExchangeSettings(seed=7, quiet_after=quiet_after))
        legs = [ComboLeg(AAPL, 1, "BUY"), ComboLeg(MSFT, 1, "SELL")]
        pair = trial.exchange.combination("", "USD", legs)
        spread = trial.exchange.quote(pair.conid).bid
        assert spread is not None
        at = trial.exchange.now().replace(minute=5)
        trial.exchange.announce(CorporateAction(AAPL, ActionKind.DIVIDEND, Decimal("0.50"), at))
        trial.exchange.place(replace(trial.request(Side.BUY, 5, spread - Decimal("0.05")), conid=pair.conid, tif="GTC"))
        conditions = Conditions(((PriceCondition(MSFT, True, trial.ask(MSFT) + Decimal("0.05")),),))
        trial.exchange.place(replace(trial.request(Side.BUY, 7, conid=AAPL), conditions=conditions))
        child = trial.buy(3, trial.bid() - Decimal("0.10"))
        trial.exchange.place(replace(trial.request(Side.SELL, 3, trial.ask()), parent=child.perm_id))
        trial.jump(minutes=9)
        found.append(outcome(trial))
    assert found[0] == found[1]
    assert len(found[0][0]) >= 4


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(Side), st.integers(0, 60), st.integers(1, 1_000), st.integers(101, 300))
def test_a_resting_combination_fills_within_a_jump_where_it_fills_in_steps(
    new_trial: Callable[..., Trial], side: Side, ticks: int, seed: int, seconds: int
) -> None:
    found = []
    for quiet_after in (NEVER, 40):
        trial = new_trial(ExchangeSettings(seed=seed, quiet_after=quiet_after))
        call, put = contracts(trial)[4:]
        legs = [ComboLeg(AAPL, 100, "BUY"), ComboLeg(call, 1, "SELL"), ComboLeg(put, 1, "BUY")]
        pair = trial.exchange.combination("", "USD", legs)
        quote = trial.exchange.quote(pair.conid)
        assert quote.bid is not None
        assert quote.ask is not None
        price = quote.bid - ticks if side is Side.BUY else quote.ask + ticks
        trial.exchange.place(replace(trial.request(side, 1, price), conid=pair.conid, tif="GTC"))
        trial.jump(seconds=seconds)
        found.append(outcome(trial))
    assert found[0] == found[1]


def test_a_day_with_resting_orders_on_options_futures_and_stocks_is_one_short_jump(trial: Trial) -> None:
    chain = trial.exchange.search(Wanted(symbol="AAPL", sec_type="OPT", expiry="202606", right="C"))
    futures = trial.exchange.search(Wanted(symbol="ES", sec_type="FUT"))[1:4]
    for contract in (*chain[::4], *futures):
        bid = trial.bid(contract.conid)
        low = max(bid / 4 // contract.min_tick * contract.min_tick, contract.min_tick)
        trial.exchange.place(replace(trial.request(Side.BUY, 1, low), conid=contract.conid, tif="GTC"))
    trial.exchange.place(trial.request(Side.BUY, 1, "150", tif="GTC"))
    placed = len(trial.exchange.open_orders())
    assert placed >= 15
    trial.jump(days=1)
    assert len(trial.exchange.open_orders()) == placed
    assert trial.exchange.glance(AAPL).time == trial.exchange.now()
