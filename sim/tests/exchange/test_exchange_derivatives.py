"""Options and futures: what is listed, what it is worth, what it binds, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ibkr_sim.exchange.listing.calendars import before, easter, holidays, is_business_day
from ibkr_sim.exchange.listing.catalogue import from_file
from ibkr_sim.exchange.listing.contracts import Contracts, Wanted
from ibkr_sim.exchange.listing.derivatives.values import intrinsic
from ibkr_sim.exchange.model import Contract, Rejected, Side, Status
from ibkr_sim.exchange.settings import ExchangeSettings

if TYPE_CHECKING:
    from sim.tests.exchange.conftest import Trial

ACCOUNT = "DU9912345"
AAPL, SPX, SPX_MULTIPLIER = 265598, 416904, 100
MARCH = "20260320"


def options(trial: Trial, symbol: str, expiry: str = MARCH, **wanted: Any) -> list[Contract]:
    return list(trial.exchange.search(Wanted(symbol=symbol, sec_type="OPT", expiry=expiry, **wanted)))


def option(trial: Trial, symbol: str, strike: str, right: str, expiry: str = MARCH) -> Contract:
    (found,) = options(trial, symbol, expiry, strike=Decimal(strike), right=right)
    return found


def futures(trial: Trial, symbol: str) -> list[Contract]:
    return list(trial.exchange.search(Wanted(symbol=symbol, sec_type="FUT")))


def trade(trial: Trial, contract: Contract, quantity: int) -> None:
    side = Side.BUY if quantity > 0 else Side.SELL
    order = trial.exchange.place(replace(trial.request(side, abs(quantity)), conid=contract.conid))
    trial.step_until(lambda: trial.order(order).status is Status.FILLED)


def held(trial: Trial, conid: int) -> Decimal:
    position = trial.exchange.position(ACCOUNT, conid)
    return position.quantity if position else Decimal(0)


def level(trial: Trial, conid: int) -> Decimal:
    last = trial.quote(conid).last
    assert last is not None
    return last


def is_balanced(trial: Trial) -> bool:
    """Whether everybody's money together is what it was at the beginning."""
    begun = sum(account.cash.get("USD", Decimal(0)) for account in trial.settings.accounts)
    everyone = list(trial.exchange.ledger.everyone())
    cash = sum(account.cash.get("USD", Decimal(0)) for account in everyone)
    owed = sum(holding.unsettled for account in everyone for holding in account.holdings.values())
    stakes: dict[int, Decimal] = {}
    for account in everyone:
        for conid, holding in account.holdings.items():
            stakes[conid] = stakes.get(conid, Decimal(0)) + holding.quantity
    return cash == begun and owed == 0 and not any(stakes.values())


def test_a_chain_has_every_strike_and_right_of_every_day(trial: Trial) -> None:
    chain = options(trial, "AAPL", "")
    days = {contract.expiry for contract in chain}
    strikes = {contract.strike for contract in chain}
    assert len(chain) == len(days) * len(strikes) * 2
    assert date(2026, 3, 20) in days
    assert date(2026, 4, 2) in days  # Good Friday is no day to end on
    assert Decimal(270) in strikes
    (one,) = options(trial, "AAPL", strike=Decimal(270), right="C")
    assert one.local_symbol == "AAPL  260320C00270000"
    assert (one.under_conid, one.multiplier, one.american) == (AAPL, 100, True)
    assert trial.exchange.contract(one.conid) == one


def test_conids_stay_and_chains_roll_with_the_clock(trial: Trial) -> None:
    before_, conid = options(trial, "SPY", ""), option(trial, "SPY", "670", "P", "20260304").conid
    trial.clock.advance(timedelta(days=30))
    after = options(trial, "SPY", "")
    assert (
        min(row.expiry for row in before_ if row.expiry)
        < date(2026, 4, 1)
        <= min(row.expiry for row in after if row.expiry)
    )
    ended = trial.exchange.contract(conid)
    assert ended is not None
    with pytest.raises(Rejected, match="expired"):
        trial.exchange.place(replace(trial.request(Side.BUY, 1), conid=conid))


def test_no_conid_of_a_chain_means_two_contracts(trial: Trial) -> None:
    rows = [*options(trial, "AAPL", ""), *options(trial, "SPX", "202603"), *options(trial, "NDX", "")]
    fops = trial.exchange.search(Wanted(symbol="ES", sec_type="FOP", expiry=MARCH))
    conids = [row.conid for row in (*rows, *fops, *futures(trial, "ES"), *futures(trial, "CL"))]
    assert len(set(conids)) == len(conids)
    assert max(conids) < 2**31
    assert not trial.exchange.contract(conids[0] + 2 * 2047)


@pytest.mark.parametrize("strike", ["240", "270", "300"])
def test_puts_and_calls_agree_with_their_stock(trial: Trial, strike: str) -> None:
    call, put = (option(trial, "AAPL", strike, right).conid for right in "CP")
    forward = trial.bid(call) - trial.bid(put)
    assert abs(forward - (trial.bid() - Decimal(strike))) < Decimal("1.5")
    assert trial.bid(call) < trial.ask(call)


def test_an_option_follows_its_stock_step_by_step_and_in_one_leap(new_trial: Callable[..., Trial]) -> None:
    walker, jumper = new_trial(), new_trial()
    call = option(walker, "AAPL", "270", "C").conid
    walker.quote(call)
    for _ in range(40):
        walker.jump(seconds=3)
    jumper.jump(seconds=120)
    one, other = walker.quote(call), jumper.quote(call)
    assert (one.bid, one.ask, one.close) == (other.bid, other.ask, other.close)


def test_an_option_costs_its_multiplier_and_secures_nothing(trial: Trial) -> None:
    cash = trial.value("CashBalance", "USD")
    call = option(trial, "AAPL", "270", "C")
    trade(trial, call, 2)
    (fill,) = trial.fills()
    position = trial.exchange.position(ACCOUNT, call.conid)
    assert position is not None
    assert cash - trial.value("CashBalance", "USD") == fill.price * 200 + Decimal("1.30")
    assert position.average_cost == fill.price * 100 + Decimal("0.65")
    assert position.market_value == position.market_price * 200
    assert trial.value("InitMarginReq", "USD") == position.market_value
    assert trial.value("OptionMarketValue", "USD") == position.market_value
    assert is_balanced(trial)


@pytest.fixture
def last_day(new_trial: Callable[..., Trial]) -> Trial:
    """Five hours before March's options end."""
    return new_trial(start=datetime(2026, 3, 20, 15, 0, tzinfo=UTC))


def test_a_call_in_the_money_becomes_shares(last_day: Trial) -> None:
    trial = last_day
    call = option(trial, "AAPL", "240", "C")
    trade(trial, call, 3)
    trial.jump(hours=6)
    assert (held(trial, call.conid), held(trial, AAPL)) == (0, 300)
    assert [fill.price for fill in trial.fills()[1:]] == [0, 240]
    assert is_balanced(trial)


def test_who_wrote_a_put_in_the_money_is_assigned(last_day: Trial) -> None:
    trial = last_day
    trade(trial, option(trial, "AAPL", "300", "P"), -1)
    trial.jump(hours=6)
    assert held(trial, AAPL) == 100
    assert is_balanced(trial)


def test_an_option_out_of_the_money_ends_worthless_and_so_do_its_orders(last_day: Trial) -> None:
    trial = last_day
    put = option(trial, "AAPL", "200", "P")
    trade(trial, put, 5)
    resting = trial.exchange.place(replace(trial.request(Side.SELL, 5, "3", tif="GTC"), conid=put.conid))
    trial.jump(hours=6)
    assert (held(trial, put.conid), held(trial, AAPL)) == (0, 0)
    ended = trial.exchange.order(resting.perm_id)
    assert ended is not None
    assert (ended.status, ended.reason) == (Status.CANCELLED, "Cancelled by System: the contract has expired")


def test_an_index_option_is_paid_in_cash(last_day: Trial) -> None:
    trial = last_day
    wanted = Wanted(symbol="SPX", sec_type="OPT", trading_class="SPXW", expiry=MARCH, strike=Decimal(6200), right="C")
    (call,) = trial.exchange.search(wanted)
    assert (call.cash_settled, call.american) == (True, False)
    trade(trial, call, 1)
    trial.jump(hours=6)
    assert held(trial, call.conid) == 0
    paid = trial.fills()[-1].price
    assert paid == pytest.approx(Decimal(500), abs=250)
    assert is_balanced(trial)


def test_a_european_option_waits_for_its_last_day(trial: Trial) -> None:
    call = option(trial, "SPX", "6200", "C", "20260306")
    trade(trial, call, 1)
    with pytest.raises(Rejected, match="European"):
        trial.exchange.exercise(ACCOUNT, call.conid, Decimal(1))


def test_an_option_is_exercised_early_by_request(trial: Trial) -> None:
    put = option(trial, "AAPL", "300", "P")
    trade(trial, put, 2)
    trial.exchange.exercise(ACCOUNT, put.conid, Decimal(1))
    assert (held(trial, put.conid), held(trial, AAPL)) == (1, -100)
    with pytest.raises(Rejected, match="no such position"):
        trial.exchange.exercise(ACCOUNT, put.conid, Decimal(2))
    with pytest.raises(Rejected, match="only options"):
        trial.exchange.exercise(ACCOUNT, AAPL, Decimal(2))


def test_what_brings_nothing_is_exercised_only_when_overridden_and_may_lapse(last_day: Trial) -> None:
    trial = last_day
    call, deep = option(trial, "AAPL", "300", "C"), option(trial, "AAPL", "240", "C")
    trade(trial, call, 1)
    trade(trial, deep, 1)
    with pytest.raises(Rejected, match="not in the money"):
        trial.exchange.exercise(ACCOUNT, call.conid, Decimal(1))
    trial.exchange.exercise(ACCOUNT, call.conid, Decimal(1), override=True)
    assert held(trial, AAPL) == 100
    trial.exchange.lapse(ACCOUNT, deep.conid, Decimal(1))
    trial.jump(hours=6)
    assert held(trial, AAPL) == 100


def test_an_exercised_option_on_a_future_becomes_the_future(trial: Trial) -> None:
    (call,) = trial.exchange.search(
        Wanted(symbol="ES", sec_type="FOP", expiry="20260313", strike=Decimal(6300), right="C")
    )
    trade(trial, call, 1)
    trial.exchange.exercise(ACCOUNT, call.conid, Decimal(1))
    future = trial.exchange.contract(call.under_conid)
    assert future is not None
    assert (future.local_symbol, held(trial, future.conid)) == ("ESH6", 1)


def test_futures_are_listed_by_their_cycle_and_end_on_business_days(trial: Trial) -> None:
    assert [row.local_symbol for row in futures(trial, "ES")][:3] == ["ESH6", "ESM6", "ESU6"]
    june = futures(trial, "MES")[1]
    assert (june.conid, f"{june.expiry:%Y%m%d}", june.local_symbol) == (770561194, "20260618", "MESM6")
    assert {f"{row.expiry:%m}" for row in futures(trial, "GC")} >= {"04", "06", "08", "10", "12"}
    for symbol in ("CL", "NG", "ZC", "ZN", "VIX", "EUR", "DAX"):
        rows = futures(trial, symbol)
        assert rows == sorted(rows, key=lambda row: row.expiry or date.max)
        assert all(row.expiry is not None and row.expiry.weekday() < 5 for row in rows)
    trial.clock.advance(timedelta(days=30))
    assert futures(trial, "ES")[0].local_symbol == "ESM6"


def test_a_future_binds_margin_and_pays_its_gain_day_by_day(trial: Trial) -> None:
    cash = trial.value("CashBalance", "USD")
    future = futures(trial, "ES")[1]
    trade(trial, future, 1)
    (fill,) = trial.fills()
    assert cash - trial.value("CashBalance", "USD") == Decimal("2.25")
    notional = trial.exchange.positions(ACCOUNT)[0].market_value
    assert trial.value("InitMarginReq", "USD") == pytest.approx(notional * Decimal("0.08"), abs=1)
    net = trial.exchange.net_liquidation(ACCOUNT)
    assert net == pytest.approx(1_000_000, abs=200)
    trial.jump(hours=15)
    position = trial.exchange.positions(ACCOUNT)[0]
    paid = trial.value("CashBalance", "USD") - cash + Decimal("2.25")
    open_gain = trial.value("FuturesPNL", "USD")
    assert paid != 0
    assert paid + open_gain == (position.market_price - fill.price) * 50
    assert trial.exchange.net_liquidation(ACCOUNT) == 1_000_000 - Decimal("2.25") + paid + open_gain
    assert is_balanced(trial)


def test_a_future_ends_at_the_price_of_its_index(last_day: Trial) -> None:
    trial = last_day
    future = futures(trial, "ES")[0]
    trade(trial, future, -2)
    trial.jump(hours=6)
    assert held(trial, future.conid) == 0
    trial.jump(hours=8)
    assert is_balanced(trial)
    assert trial.value("FuturesPNL", "USD") == 0


def test_a_future_is_worth_its_index_carried_on(trial: Trial) -> None:
    near, far = (trial.bid(futures(trial, "ES")[place].conid) for place in (0, 3))
    assert level(trial, SPX) < near < far < level(trial, SPX) * Decimal("1.04")


def test_an_index_is_not_traded_and_nobody_quotes_it(trial: Trial) -> None:
    trial.jump(minutes=2)
    quote = trial.quote(SPX)
    assert (quote.bid, quote.ask, quote.volume) == (None, None, 0)
    assert abs(level(trial, SPX) - trial.bid(756733) * 10) < 2
    with pytest.raises(Rejected, match="index"):
        trial.exchange.place(replace(trial.request(Side.BUY, 1), conid=SPX))


@pytest.mark.parametrize(
    ("symbol", "sec_type"),
    [
        ("BTC", "CRYPTO"),
        ("XAUUSD", "CMDTY"),
        ("IBUS500", "CFD"),
        ("AAPL", "BOND"),
        ("VFIAX", "FUND"),
        ("SAP", "WAR"),
        ("SAP", "STK"),
        ("7203", "STK"),
    ],
)
def test_every_kind_of_contract_is_quoted_and_trades(trial: Trial, symbol: str, sec_type: str) -> None:
    (contract,) = trial.exchange.find_contracts(symbol=symbol, sec_type=sec_type)
    quantity = 100 if contract.size_increment == 100 else 1
    trade(trial, contract, quantity)
    position = trial.exchange.position(ACCOUNT, contract.conid)
    assert position is not None
    assert position.quantity == quantity
    trade(trial, contract, -quantity)
    assert held(trial, contract.conid) == 0


def test_a_share_of_a_coin_can_be_bought(trial: Trial) -> None:
    (coin,) = trial.exchange.find_contracts(symbol="BTC", sec_type="CRYPTO")
    request = replace(trial.request(Side.BUY, 1), conid=coin.conid, quantity=Decimal("0.25"))
    assert trial.exchange.place(request).status is Status.FILLED
    assert held(trial, coin.conid) == Decimal("0.25")


def test_contracts_can_be_added_and_senseless_ones_are_refused() -> None:
    row = dict.fromkeys(
        ("conid", "local_symbol", "trading_class", "long_name", "min_tick", "size_increment", "multiplier"), ""
    )
    row |= dict.fromkeys(("sector", "stock_type", "isin", "follows", "factor", "maturity", "strike", "right"), "")
    row |= {"symbol": "MINE", "sec_type": "STK", "currency": "USD", "exchange": "NYSE", "reference": "12.5"}
    now = datetime(2026, 3, 2, 15, tzinfo=UTC)
    (added,) = Contracts(lambda: now, [row]).find(Wanted(symbol="MINE"))
    assert (added.primary_exchange, added.min_tick) == ("NYSE", Decimal("0.01"))
    for wrong in ({"reference": "cheap"}, {"reference": "-1"}, {"conid": "265598"}, {"follows": "17"}):
        with pytest.raises(ValueError, match="MINE"):
            Contracts(lambda: now, [row | wrong])


def test_an_option_that_is_exercised_brings_what_it_is_worth(trial: Trial) -> None:
    call, put = option(trial, "AAPL", "270", "C"), option(trial, "AAPL", "270", "P")
    assert (intrinsic(call, 280.0), intrinsic(put, 280.0), intrinsic(put, 250.0)) == (10, 0, 20)


def test_holidays_follow_their_rules() -> None:
    assert [easter(year) for year in (2024, 2025, 2026)] == [date(2024, 3, 31), date(2025, 4, 20), date(2026, 4, 5)]
    closed = {f"{day:%m%d}" for day in holidays("us", 2026)}
    assert closed == {"0101", "0119", "0216", "0403", "0525", "0619", "0703", "0907", "1126", "1225"}
    assert not is_business_day(date(2026, 12, 26), "europe")
    assert is_business_day(date(2026, 12, 26), "always")
    assert before(date(2026, 7, 6), "us") == date(2026, 7, 2)
    assert timedelta(days=1) == date(2026, 7, 3) - before(date(2026, 7, 3), "us")


def test_a_contract_from_a_file_trades_like_any_other(new_trial: Callable[..., Trial], tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("symbol,sec_type,currency,exchange,reference,min_tick\nMINE,STK,EUR,IBIS,12.5,0.005\n")
    trial = new_trial(ExchangeSettings(contracts=from_file(path)))
    (mine,) = trial.exchange.find_contracts(symbol="MINE", currency="EUR")
    trade(trial, mine, 100)
    assert trial.fills()[0].price == pytest.approx(Decimal("12.5"), abs=Decimal("0.05"))
    path.write_text("symbol,sec_type\nMINE,STK\n")
    with pytest.raises(ValueError, match="no column currency, exchange, reference"):
        from_file(path)
    path.write_text("symbol,sec_type,currency,exchange,reference\nMINE,STK,XXX,IBIS,12.5\n")
    with pytest.raises(ValueError, match="XXX"):
        new_trial(ExchangeSettings(contracts=from_file(path)))
