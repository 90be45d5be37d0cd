"""What holds whatever clients do with all the order types at once: nothing breaks, nothing appears or vanishes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ibkr_sim.exchange.model import Event, Executed, OrderChanged, OrderRequest, Rejected, Side, Status
from ibkr_sim.exchange.terms import (
    Adjustment,
    ComboLeg,
    Conditions,
    ExecutionCondition,
    MarginCondition,
    PriceCondition,
    TimeCondition,
)

if TYPE_CHECKING:
    from sim.tests.exchange.conftest import Trial

CENT = Decimal("0.01")
AAPL, MSFT, IBM = 265598, 272093, 8314
KINDS = (
    "MKT",
    "LMT",
    "STP",
    "STP LMT",
    "MIT",
    "LIT",
    "TRAIL",
    "TRAIL LIMIT",
    "MIDPRICE",
    "PEG MID",
    "REL",
    "MOC",
    "LOC",
)
EVENING = datetime(2026, 3, 3, 4, 55, tzinfo=UTC)
"""Five minutes before the exchange's midnight."""
PHASES = (Phase.explicit, Phase.generate)
"""Without shrinking, which takes minutes here and says little more."""
Step = Callable[["Trial"], None]


@st.composite
def orders(draw: st.DrawFn) -> Step:
    kind, side = draw(st.sampled_from(KINDS)), draw(st.sampled_from(Side))
    near, far = draw(st.integers(-3, 3)), draw(st.integers(1, 4))
    account = draw(st.sampled_from(["DU9912345", "DU9967890"]))
    tif = draw(st.sampled_from(["DAY", "GTC", "GTC", "IOC", "FOK", "GTD", "OPG"]))
    group, oca_type = draw(st.sampled_from(["", "", "", "a", "b"])), draw(st.sampled_from([1, 2, 3]))
    parent, extra = draw(st.integers(0, 30)), draw(st.sampled_from(["", "", "all_or_none", "hidden", "display"]))
    quantity, special = (
        draw(st.integers(1, 12)) * 100,
        draw(st.sampled_from(["", "", "", "time", "price", "margin", "fill", "adjust"])),
    )

    def place(trial: Trial) -> None:
        last = trial.quote().last or Decimal(270)
        terms: dict[str, Any] = {"tif": tif, "oca_group": group, "oca_type": oca_type}
        if extra:
            terms |= {"display_size": Decimal(50)} if extra == "display" else {extra: True}
        terms |= {"good_till": trial.exchange.now() + timedelta(seconds=far)} if tif == "GTD" else {}
        known = trial.exchange.open_orders()
        if known and parent < 10:
            terms["parent"] = known[parent % len(known)].perm_id
        limit = None if kind in ("MKT", "STP", "MIT", "TRAIL", "MOC") else last + near * CENT
        stop = (
            far * CENT if "TRAIL" in kind else last + near * CENT if kind in ("STP", "STP LMT", "MIT", "LIT") else None
        )
        terms |= {"trail_stop": last - far * CENT} if kind == "TRAIL LIMIT" else {}
        soon = trial.exchange.now() + timedelta(seconds=1)
        match special:
            case "time":
                terms["conditions"] = Conditions(((TimeCondition(is_more=True, time=soon),),), cancels=near > 0)
            case "price":
                terms["conditions"] = Conditions(((PriceCondition(MSFT, is_more=near > 0, price=Decimal(500)),),))
            case "margin":
                terms["conditions"] = Conditions(((MarginCondition(is_more=False, percent=Decimal(99)),),))
            case "fill":
                terms["conditions"] = Conditions(((ExecutionCondition("STK", "", "AAPL"),),))
            case "adjust":
                terms["adjustment"] = Adjustment("TRAIL", last + near * CENT, trailing=2 * CENT)
        attempt(
            trial,
            OrderRequest(account, AAPL, side, Decimal(quantity), kind, limit_price=limit, stop_price=stop, **terms),
        )

    return place


@st.composite
def combinations(draw: st.DrawFn) -> Step:
    side, ticks = draw(st.sampled_from(Side)), draw(st.sampled_from([None, -2, 0, 2]))
    legs = [ComboLeg(AAPL, draw(st.integers(1, 2)), "BUY"), ComboLeg(draw(st.sampled_from([MSFT, IBM])), 1, "SELL")]

    def place(trial: Trial) -> None:
        conid = trial.exchange.combination("", "USD", legs).conid
        ask = trial.quote(conid).ask or Decimal(0)
        limit = None if ticks is None else ask + ticks * CENT
        kind = "MKT" if limit is None else "LMT"
        attempt(trial, OrderRequest("DU9912345", conid, side, Decimal(40), kind, tif="GTC", limit_price=limit))

    return place


@st.composite
def interventions(draw: st.DrawFn) -> Step:
    which, what = draw(st.integers(0, 20)), draw(st.sampled_from(["cancel", "more", "price", "halt", "lend"]))

    def intervene(trial: Trial) -> None:
        if what == "halt":
            trial.exchange.halt(AAPL)
            trial.step(2)
            trial.exchange.resume(AAPL)
        elif what == "lend":
            trial.exchange.lend(AAPL, Decimal(which * 100))
        elif known := trial.exchange.open_orders():
            change(trial, known[which % len(known)].perm_id, what)

    return intervene


def change(trial: Trial, perm_id: int, what: str) -> None:
    order = trial.exchange.order(perm_id)
    assert order is not None
    if what == "cancel":
        trial.exchange.cancel(perm_id)
        return
    request = order.request
    limit = None if request.limit_price is None else request.limit_price + CENT
    more = replace(request, quantity=request.quantity + 100)
    with suppress(Rejected):
        trial.exchange.modify(perm_id, more if what == "more" else replace(request, limit_price=limit))


def attempt(trial: Trial, request: OrderRequest) -> None:
    with suppress(Rejected):
        trial.exchange.place(request)


def pauses() -> st.SearchStrategy[Step]:
    return st.sampled_from([1, 4, 30]).map(lambda count: lambda trial: trial.step(count))


SCRIPTS = st.lists(
    st.one_of(orders(), orders(), orders(), combinations(), pauses(), interventions()), min_size=8, max_size=30
)


@settings(max_examples=80, deadline=None, phases=PHASES)
@given(SCRIPTS)
def test_the_books_balance_and_every_order_has_one_end(new_trial: Callable[..., Trial], script: list[Step]) -> None:
    trial = new_trial(start=EVENING)
    cash = balances(trial)
    for step in script:
        step(trial)
    trial.jump(minutes=6)
    shares: dict[int, Decimal] = defaultdict(Decimal)
    for account in trial.exchange.ledger.everyone():
        for conid, holding in account.holdings.items():
            shares[conid] += holding.quantity
    assert not any(shares.values())
    assert balances(trial) == cash
    check_orders(trial.events)
    for order in trial.exchange.open_orders():
        assert order.request.tif in ("GTC", "GTD")


def check_orders(events: list[Event]) -> None:
    """Fills add up to what the order says, and after its end there is neither fill nor change."""
    ended: set[int] = set()
    filled: dict[int, Decimal] = defaultdict(Decimal)
    for event in events:
        if isinstance(event, Executed) and event.execution.conid == event.order.request.conid:
            filled[event.order.perm_id] += event.execution.shares
        if not isinstance(event, OrderChanged):
            continue
        order = event.order
        assert order.perm_id not in ended
        assert order.filled == filled[order.perm_id]
        assert order.filled + order.remaining == order.request.quantity
        assert (order.status is Status.FILLED) == (order.remaining == 0)
        if order.status.done:
            ended.add(order.perm_id)
        if order.request.all_or_none or order.request.tif == "FOK":
            assert (
                order.request.oca_group
                or order.filled in (0, order.request.quantity)
                or order.status is not Status.FILLED
            )


@settings(max_examples=15, deadline=None, phases=PHASES)
@given(SCRIPTS)
def test_the_same_requests_tell_the_same_story(new_trial: Callable[[], Trial], script: list[Step]) -> None:
    def story() -> list[Event]:
        trial = new_trial()
        for step in script:
            step(trial)
        return trial.events

    assert story() == story()


def balances(trial: Trial) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for account in trial.exchange.ledger.everyone():
        for currency, amount in account.cash.items():
            totals[currency] += amount
    return dict(totals)
