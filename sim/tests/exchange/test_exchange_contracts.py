"""What clients find in the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ibkr_sim.exchange.listing.catalogue import OWN_CONIDS
from ibkr_sim.exchange.listing.contracts import Contracts

if TYPE_CHECKING:
    from sim.tests.exchange.conftest import Trial


def test_a_stock_is_found_by_symbol_currency_and_smart(trial: Trial) -> None:
    (apple,) = trial.exchange.find_contracts(symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD")
    assert (apple.conid, apple.long_name, apple.primary_exchange) == (265598, "APPLE INC", "NASDAQ")
    assert (apple.trading_class, apple.time_zone, str(apple.min_tick)) == ("NMS", "US/Eastern", "0.01")


def test_a_symbol_alone_may_mean_stocks_in_two_currencies(trial: Trial) -> None:
    found = trial.exchange.find_contracts(symbol="ROG", sec_type="STK", exchange="SMART")
    assert {contract.currency for contract in found} == {"USD", "CHF"}
    (roche,) = trial.exchange.find_contracts(symbol="ROG", sec_type="STK", exchange="SMART", currency="CHF")
    assert roche.primary_exchange == "EBS"


def test_twin_stays_ambiguous_until_its_primary_exchange_is_named(trial: Trial) -> None:
    assert len(trial.exchange.find_contracts(symbol="TWIN", sec_type="STK", exchange="SMART", currency="USD")) == 2
    (one,) = trial.exchange.find_contracts(symbol="TWIN", exchange="SMART", primary_exchange="NYSE")
    assert one.conid in OWN_CONIDS


@pytest.mark.parametrize("exchange", ["IDEALPRO", "", "SMART"])
def test_a_currency_pair_is_found_by_its_two_currencies(trial: Trial, exchange: str) -> None:
    (pair,) = trial.exchange.find_contracts(symbol="EUR", sec_type="CASH", currency="USD", exchange=exchange)
    assert (pair.conid, pair.local_symbol) == (12087792, "EUR.USD")


def test_a_named_exchange_must_be_one_where_the_contract_trades(trial: Trial) -> None:
    assert trial.exchange.find_contracts(symbol="AAPL", exchange="ARCA", currency="USD")
    assert not trial.exchange.find_contracts(symbol="AAPL", exchange="EBS", currency="USD")
    (mexican,) = trial.exchange.find_contracts(symbol="AAPL", exchange="MEXI")
    assert (mexican.conid, mexican.currency) == (38708077, "MXN")


def test_a_conid_finds_one_contract_unless_another_criterion_contradicts(trial: Trial) -> None:
    (ibm,) = trial.exchange.find_contracts(conid=8314)
    assert ibm.symbol == "IBM"
    assert not trial.exchange.find_contracts(conid=8314, symbol="AAPL")
    assert not trial.exchange.find_contracts(conid=1)


def test_a_fund_has_the_security_type_of_a_stock(trial: Trial) -> None:
    (spy,) = trial.exchange.find_contracts(symbol="SPY")
    assert (spy.sec_type, spy.stock_type) == ("STK", "ETF")


def test_every_row_is_sound(trial: Trial) -> None:
    contracts = Contracts(trial.exchange.now)
    rows = list(contracts)
    assert len(rows) >= 35
    assert len({row.conid for row in rows}) == len(rows)
    for row in rows:
        assert contracts.reference(row.conid) % row.min_tick == 0, row.symbol
        assert not row.isin or is_isin(row.isin), row.symbol


def is_isin(text: str) -> bool:
    """ISO 6166: letters become two digits, then the Luhn sum must end in nought."""
    digits = "".join(str(int(character, 36)) for character in text)
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return len(text) == 12 and sum(sum(divmod(number, 10)) for number in doubled) % 10 == 0
