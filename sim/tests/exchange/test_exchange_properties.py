"""What holds whatever clients do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from ibkr_sim.exchange.accounts.ledger import BROKER
from ibkr_sim.exchange.model import (
    CommissionCharged,
    Event,
    Executed,
    Order,
    OrderChanged,
    OrderRequest,
    QuoteChanged,
    Rejected,
    Side,
    Status,
)

if TYPE_CHECKING:
    from sim.tests.exchange.conftest import Trial

AAPL, NESN, EUR_USD, EUR_CHF = 265598, 900000006, 12087792, 12087817
QUICK = settings(max_examples=60, deadline=None)

Step = Callable[["Trial"], None]


@st.composite
def placements(draw: st.DrawFn, types: tuple[str, ...] = ("MKT", "LMT", "STP", "STP LMT")) -> Step:
    account = draw(st.sampled_from(["DU9912345", "DU9967890"]))
    conid = draw(st.sampled_from([AAPL, AAPL, NESN, EUR_USD, EUR_CHF]))
    side, order_type = draw(st.sampled_from(Side)), draw(st.sampled_from(types))
    quantity = Decimal(draw(st.integers(1, 3_000)))
    tif = draw(st.sampled_from(["DAY", "GTC", "IOC"]))
    offset, stop_offset = draw(st.integers(-4, 4)), draw(st.integers(-4, 4))

    def place(trial: Trial) -> None:
        contract, quote = trial.exchange.contract(conid), trial.quote(conid)
        assert contract is not None
        assert quote.bid is not None
        request = OrderRequest(
            account=account,
            conid=conid,
            side=side,
            quantity=quantity * (100 if contract.sec_type == "CASH" else 1),
            order_type=order_type,
            tif=tif,
            limit_price=quote.bid + offset * contract.min_tick if "LMT" in order_type else None,
            stop_price=quote.bid + stop_offset * contract.min_tick if "STP" in order_type else None,
        )
        attempt(lambda: trial.exchange.place(request))

    return place


@st.composite
def queueing(draw: st.DrawFn) -> Step:
    """Orders that meet each other: one contract, few prices, no end but a fill or a cancel."""
    side, ticks = draw(st.sampled_from(Side)), draw(st.sampled_from([None, -1, 0, 0, 1]))
    quantity, account = draw(st.sampled_from([100, 500, 1_500])), draw(st.sampled_from(["DU9912345", "DU9967890"]))

    def queue(trial: Trial) -> None:
        near = trial.bid() if side is Side.BUY else trial.ask()
        limit = None if ticks is None else near + ticks * Decimal("0.01")
        attempt(lambda: trial.exchange.place(trial.request(side, quantity, limit, account=account, tif="GTC")))

    return queue


@st.composite
def changes(draw: st.DrawFn) -> Step:
    which, ticks, quantity = draw(st.integers(0, 20)), draw(st.integers(-3, 3)), draw(st.integers(1, 3_000))

    def change(trial: Trial) -> None:
        orders = trial.exchange.open_orders()
        if not orders:
            return
        order = orders[which % len(orders)]
        contract = trial.exchange.contract(order.request.conid)
        assert contract is not None
        limit = order.request.limit_price
        moved = None if limit is None else limit + ticks * contract.min_tick
        request = replace(order.request, quantity=Decimal(quantity), limit_price=moved)
        attempt(lambda: trial.exchange.modify(order.perm_id, request))

    return change


@st.composite
def cancellations(draw: st.DrawFn) -> Step:
    which = draw(st.integers(0, 20))

    def cancel(trial: Trial) -> None:
        orders = trial.exchange.open_orders()
        if orders:
            trial.exchange.cancel(orders[which % len(orders)].perm_id)

    return cancel


def pauses() -> st.SearchStrategy[Step]:
    return st.integers(1, 8).map(lambda count: lambda trial: trial.step(count))


def attempt(action: Callable[[], Order]) -> None:
    try:
        action()
    except Rejected as refusal:
        assert refusal.code, "a refusal has a code"  # noqa: PT017  both outcomes are fine


SCRIPTS = st.lists(st.one_of(placements(), placements(), pauses(), changes(), cancellations()), min_size=5, max_size=30)
QUEUES = st.lists(st.one_of(queueing(), queueing(), queueing(), pauses(), cancellations()), min_size=8, max_size=30)


def play(trial: Trial, script: list[Step]) -> Trial:
    for step in script:
        step(trial)
    return trial


@QUICK
@given(SCRIPTS)
def test_cash_and_shares_only_change_hands(new_trial: Callable[[], Trial], script: list[Step]) -> None:
    trial = new_trial()
    before = cash_by_currency(trial)
    play(trial, script)
    shares: dict[int, Decimal] = defaultdict(Decimal)
    for account in trial.exchange.ledger.everyone():
        for conid, holding in account.holdings.items():
            shares[conid] += holding.quantity
    assert not any(shares.values())
    assert {key: amount for key, amount in cash_by_currency(trial).items() if amount} == before


@QUICK
@given(SCRIPTS)
def test_the_broker_holds_exactly_the_commissions(new_trial: Callable[[], Trial], script: list[Step]) -> None:
    trial = play(new_trial(), script)
    charged: dict[str, Decimal] = defaultdict(Decimal)
    for event in trial.events:
        if isinstance(event, CommissionCharged):
            charged[event.commission.currency] += event.commission.amount
    broker = next(account for account in trial.exchange.ledger.everyone() if account.id == BROKER)
    assert broker.cash == charged


@QUICK
@given(SCRIPTS)
def test_filled_and_remaining_make_up_the_quantity(new_trial: Callable[[], Trial], script: list[Step]) -> None:
    trial = play(new_trial(), script)
    filled: dict[int, Decimal] = defaultdict(Decimal)
    for fill in trial.fills():
        filled[fill.perm_id] += fill.shares
        assert fill.cumulative == filled[fill.perm_id]
    for order in (*trial.exchange.open_orders(), *trial.exchange.completed_orders()):
        assert order.filled + order.remaining == order.request.quantity
        assert order.filled == filled[order.perm_id]
        assert (order.status is Status.FILLED) == (order.remaining == 0)


@QUICK
@given(SCRIPTS)
def test_net_liquidation_is_cash_and_stock(new_trial: Callable[[], Trial], script: list[Step]) -> None:
    trial = play(new_trial(), script)
    for account in trial.exchange.accounts:
        base = trial.base_of(account)
        cash, stock = trial.value("TotalCashValue", base, account), trial.value("StockMarketValue", "BASE", account)
        assert trial.value("NetLiquidation", base, account) == cash + stock == trial.exchange.net_liquidation(account)


@QUICK
@given(SCRIPTS)
def test_no_fill_is_worse_than_the_limit(new_trial: Callable[[], Trial], script: list[Step]) -> None:
    trial = play(new_trial(), script)
    for event in trial.events:
        if isinstance(event, Executed) and "LMT" in event.order.request.order_type:
            limit, price = event.order.request.limit_price, event.execution.price
            assert limit is not None
            assert price <= limit if event.execution.side is Side.BUY else price >= limit


@QUICK
@given(SCRIPTS)
def test_every_quote_is_sound(new_trial: Callable[[], Trial], script: list[Step]) -> None:
    trial = play(new_trial(), script)
    for event in trial.events:
        if not isinstance(event, QuoteChanged):
            continue
        quote = event.quote
        assert quote.bid is not None
        assert quote.ask is not None
        assert quote.bid < quote.ask
        assert quote.bid_size is not None
        assert quote.ask_size is not None
        assert min(quote.bid_size, quote.ask_size) > 0
        if quote.last is not None:
            assert quote.low is not None
            assert quote.high is not None
            assert quote.low <= quote.last <= quote.high


@QUICK
@given(SCRIPTS)
def test_the_same_seed_and_requests_give_the_same_events(new_trial: Callable[[], Trial], script: list[Step]) -> None:
    assert play(new_trial(), script).events == play(new_trial(), script).events


@settings(max_examples=120, deadline=None)
@given(QUEUES)
def test_a_better_or_earlier_order_is_never_passed_over(new_trial: Callable[[], Trial], script: list[Step]) -> None:
    waiting: dict[int, Order] = {}
    for event in play(new_trial(), script).events:
        if isinstance(event, Executed):
            passed_over = [order for order in waiting.values() if comes_before(order, event.order)]
            assert not passed_over
        follow(waiting, event)


def comes_before(order: Order, other: Order) -> bool:
    """Of the same side and contract: a market order, a better limit, or the same limit earlier."""
    first, second = order.request, other.request
    if order.perm_id == other.perm_id or (first.conid, first.side) != (second.conid, second.side):
        return False
    if first.limit_price == second.limit_price:
        return order.perm_id < other.perm_id
    if first.limit_price is None or second.limit_price is None:
        return first.limit_price is None
    dearer = first.limit_price > second.limit_price
    return dearer if first.side is Side.BUY else not dearer


def follow(waiting: dict[int, Order], event: Event) -> None:
    if isinstance(event, OrderChanged | Executed):
        waiting[event.order.perm_id] = event.order
        if event.order.status is not Status.SUBMITTED:
            del waiting[event.order.perm_id]


def cash_by_currency(trial: Trial) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for account in trial.exchange.ledger.everyone():
        for currency, amount in account.cash.items():
            totals[currency] += amount
    return dict(totals)
