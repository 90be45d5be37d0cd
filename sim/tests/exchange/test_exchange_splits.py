"""Splits change what follows a share; dividends lead holders of calls to exercise early."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from ibkr_sim.exchange.listing.contracts import Wanted
from ibkr_sim.exchange.model import ActionKind, Contract, CorporateAction, PositionChanged, Rejected, Side, Status
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.exchange.terms import ComboLeg

if TYPE_CHECKING:
    from sim.tests.exchange.conftest import Trial

AAPL, MSFT, AAPL_CFD = 265598, 272093, 900000148
EX_DATE = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)
EVE = datetime(2026, 3, 2, 21, 0, tzinfo=UTC)


def option(trial: Trial, strike: int, right: str = "C", symbol: str = "AAPL") -> Contract:
    (found,) = trial.exchange.search(
        Wanted(symbol=symbol, sec_type="OPT", expiry="20260320", strike=Decimal(strike), right=right)
    )
    return found


def split(trial: Trial, ratio: str) -> None:
    trial.exchange.announce(CorporateAction(AAPL, ActionKind.SPLIT, Decimal(ratio)))


def quantity(trial: Trial, conid: int) -> Decimal:
    position = trial.exchange.position(trial.dollars, conid)
    return Decimal(0) if position is None else position.quantity


def known(trial: Trial, conid: int) -> Contract:
    contract = trial.exchange.contract(conid)
    assert contract is not None
    return contract


def totals(trial: Trial) -> tuple[dict[str, Decimal], dict[int, Decimal]]:
    """Over all books: cash by currency, holdings by contract."""
    cash: dict[str, Decimal] = defaultdict(Decimal)
    held: dict[int, Decimal] = defaultdict(Decimal)
    for account in trial.exchange.ledger.everyone():
        for currency, amount in account.cash.items():
            cash[currency] += amount
        for conid, row in account.holdings.items():
            held[conid] += row.quantity
    return dict(cash), {conid: sum_ for conid, sum_ in held.items() if sum_}


def trade(trial: Trial) -> list[Contract]:
    call, put = option(trial, 250), option(trial, 280, "P")
    trial.buy(99)
    trial.buy(3, conid=AAPL_CFD)
    trial.buy(3, conid=call.conid)
    trial.sell(2, conid=put.conid)
    return [call, put]


def test_a_split_into_whole_shares_multiplies_options_and_divides_their_strikes(trial: Trial) -> None:
    call, put = trade(trial)
    worth, books, bid = trial.exchange.net_liquidation(trial.dollars), totals(trial), trial.bid(call.conid)
    split(trial, "4")
    assert [quantity(trial, conid) for conid in (AAPL, AAPL_CFD, call.conid, put.conid)] == [396, 12, 12, -8]
    after = known(trial, call.conid)
    assert (after.strike, after.multiplier, after.expiry) == (Decimal("62.50"), 100, call.expiry)
    assert after.local_symbol == "AAPL  260320C00062500"
    assert known(trial, put.conid).strike == 70
    assert totals(trial) == books
    trial.step(8)
    assert trial.bid(call.conid) == pytest.approx(bid / 4, abs=Decimal("0.15"))
    assert trial.bid(AAPL_CFD) == pytest.approx(trial.bid(), abs=Decimal("0.05"))
    assert trial.exchange.net_liquidation(trial.dollars) == pytest.approx(worth, abs=150)
    told = {event.position.conid for event in trial.events if isinstance(event, PositionChanged)}
    assert told >= {AAPL, AAPL_CFD, call.conid, put.conid}


def test_options_that_were_split_are_found_traded_and_exercised_by_their_new_terms(trial: Trial) -> None:
    call, _put = trade(trial)
    split(trial, "4")
    wanted = Wanted(symbol="AAPL", sec_type="OPT", expiry="20260320", strike=Decimal("62.5"), right="C")
    assert [row.conid for row in trial.exchange.search(wanted)] == [call.conid]
    strikes = trial.exchange.chains(known(trial, AAPL))[0].strikes
    assert (strikes[0], strikes[-1]) == (Decimal("40.00"), Decimal("94.38"))
    trial.sell(2, conid=call.conid)
    cash = trial.value("CashBalance", "USD")
    trial.exchange.exercise(trial.dollars, call.conid, Decimal(10))
    assert quantity(trial, AAPL) == 396 + 1000
    assert trial.value("CashBalance", "USD") - cash == -62500


@pytest.mark.parametrize(
    ("ratio", "shares", "strike", "delivers"), [("1.5", 148, "166.67", 150), ("0.1", 9, "2500", 10)]
)
def test_an_odd_split_changes_what_an_option_delivers_and_fractions_are_paid_out(
    trial: Trial, ratio: str, shares: int, strike: str, delivers: int
) -> None:
    call, put = trade(trial)
    worth, books = trial.exchange.net_liquidation(trial.dollars), totals(trial)
    split(trial, ratio)
    assert [quantity(trial, conid) for conid in (AAPL, call.conid, put.conid)] == [shares, 3, -2]
    after = known(trial, call.conid)
    assert (after.strike, after.multiplier) == (Decimal(strike), delivers)
    assert totals(trial) == books
    trial.step(8)
    assert trial.exchange.net_liquidation(trial.dollars) == pytest.approx(worth, abs=200)
    trial.exchange.exercise(trial.dollars, call.conid, Decimal(2))
    assert quantity(trial, AAPL) == shares + 2 * delivers


def test_a_split_ends_orders_in_the_share_its_options_and_combinations_and_no_others(trial: Trial) -> None:
    call, other = option(trial, 250), option(trial, 500, symbol="MSFT")
    pair = trial.exchange.combination("", "USD", [ComboLeg(call.conid, 1, "BUY"), ComboLeg(MSFT, 1, "SELL")])
    gtc: dict[str, Any] = {"tif": "GTC"}
    ended = [
        trial.exchange.place(trial.request(Side.BUY, 1, "150", **gtc)),
        trial.exchange.place(trial.request(Side.BUY, 1, "1", conid=call.conid, **gtc)),
        trial.exchange.place(trial.request(Side.BUY, 1, "150", conid=AAPL_CFD, **gtc)),
        trial.exchange.place(trial.request(Side.BUY, 1, "-900", conid=pair.conid, **gtc)),
    ]
    stays = [
        trial.exchange.place(trial.request(Side.BUY, 1, "300", conid=MSFT, **gtc)),
        trial.exchange.place(trial.request(Side.BUY, 1, "1", conid=other.conid, **gtc)),
    ]
    split(trial, "2")
    assert {trial.order(order).reason for order in ended} == {"Cancelled by System: the shares have been split"}
    assert [trial.order(order).status for order in stays] == [Status.SUBMITTED] * 2


def test_an_index_that_follows_a_fund_stays_where_it_is_when_the_fund_splits(trial: Trial) -> None:
    (fund,) = trial.exchange.find_contracts(symbol="SPY", sec_type="STK", currency="USD")
    (index,) = trial.exchange.find_contracts(symbol="SPX", sec_type="IND")
    before = trial.quote(index.conid).last
    trial.exchange.announce(CorporateAction(fund.conid, ActionKind.SPLIT, Decimal(5)))
    trial.step(4)
    after = trial.quote(index.conid).last
    assert after == pytest.approx(before, rel=Decimal("0.001"))


def test_calls_with_less_time_value_than_the_dividend_are_assigned_on_the_eve(trial: Trial) -> None:
    deep, far, put = option(trial, 220), option(trial, 270), option(trial, 300, "P")
    for contract in (deep, far, put):
        trial.sell(2, conid=contract.conid)
    trial.exchange.announce(CorporateAction(AAPL, ActionKind.DIVIDEND, Decimal("1.50"), EX_DATE))
    trial.jump(seconds=(EVE - trial.exchange.now()).total_seconds() - 60)
    assert quantity(trial, deep.conid) == -2
    trial.jump(minutes=2)
    assert [quantity(trial, one.conid) for one in (deep, far, put)] == [0, -2, -2]
    assert quantity(trial, AAPL) == -200
    sold = trial.fills()[-1]
    assert (sold.conid, sold.side, sold.price, sold.shares) == (AAPL, Side.SELL, 220, 200)
    cash = trial.value("CashBalance", "USD")
    trial.jump(hours=18)
    assert trial.value("CashBalance", "USD") - cash == -300
    assert not totals(trial)[1]


def test_nobody_exercises_for_a_dividend_below_the_time_value(trial: Trial) -> None:
    deep = option(trial, 220)
    trial.sell(2, conid=deep.conid)
    trial.exchange.announce(CorporateAction(AAPL, ActionKind.DIVIDEND, Decimal("0.05"), EX_DATE))
    trial.jump(days=1)
    assert quantity(trial, deep.conid) == -2


def test_a_short_american_option_can_be_assigned_by_hand(trial: Trial) -> None:
    put = option(trial, 300, "P")
    trial.sell(3, conid=put.conid)
    trial.exchange.assign(trial.dollars, put.conid, Decimal(2))
    assert (quantity(trial, put.conid), quantity(trial, AAPL)) == (-1, 200)
    (european,) = trial.exchange.search(
        Wanted(symbol="SPX", trading_class="SPXW", sec_type="OPT", expiry="20260320", strike=Decimal(6700), right="C")
    )
    trial.sell(1, conid=european.conid)
    for conid, size in ((put.conid, 2), (put.conid, 0), (european.conid, 1), (AAPL, 1)):
        with pytest.raises(Rejected):
            trial.exchange.assign(trial.dollars, conid, Decimal(size))


def test_a_contract_for_difference_pays_what_its_share_pays(trial: Trial) -> None:
    trial.buy(3, conid=AAPL_CFD)
    cash, worth = trial.value("CashBalance", "USD"), trial.exchange.net_liquidation(trial.dollars)
    trial.exchange.announce(CorporateAction(AAPL, ActionKind.DIVIDEND, Decimal(2)))
    assert trial.value("CashBalance", "USD") - cash == 6
    trial.step(4)
    assert trial.exchange.net_liquidation(trial.dollars) == pytest.approx(worth, abs=5)


def test_all_of_it_repeats_with_the_seed(new_trial: Callable[..., Trial]) -> None:
    found = []
    for _ in range(2):
        trial = new_trial()
        trade(trial)
        trial.exchange.announce(CorporateAction(AAPL, ActionKind.DIVIDEND, Decimal(2), EX_DATE))
        later = CorporateAction(AAPL, ActionKind.SPLIT, Decimal("1.5"), EX_DATE + timedelta(hours=2))
        trial.exchange.announce(replace(later))
        trial.jump(days=1, hours=2)
        found.append((trial.events, totals(trial)))
    assert found[0] == found[1]


def test_what_was_before_a_split_is_told_in_shares_of_today(trial: Trial) -> None:
    trial.jump(minutes=10)
    start = trial.exchange.now() - timedelta(minutes=8)
    minutes = [(start + timedelta(minutes=one), start + timedelta(minutes=one + 1)) for one in range(6)]
    before, bids = trial.exchange.bars(AAPL, minutes), trial.exchange.record(AAPL).bars(Source.BID, minutes)
    volume = trial.quote().volume
    split(trial, "4")
    after, bids_after = trial.exchange.bars(AAPL, minutes), trial.exchange.record(AAPL).bars(Source.BID, minutes)
    assert [row.close for row in after] == [pytest.approx(row.close / 4, abs=Decimal("0.01")) for row in before]
    assert [row.volume for row in after] == [row.volume * 4 for row in before]
    assert [row.high for row in bids_after] == [pytest.approx(row.high / 4, abs=Decimal("0.01")) for row in bids]
    assert trial.quote().volume == volume * 4
