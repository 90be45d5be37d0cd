"""Which account rows an account summary's tags name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ibkr_sim.exchange.model import AccountValue

_LEDGER: Final = "$LEDGER"
_BASE: Final = "BASE"
_LEDGER_KEYS: Final = frozenset(
    {
        "Currency",
        "CashBalance",
        "TotalCashBalance",
        "AccruedCash",
        "StockMarketValue",
        "OptionMarketValue",
        "FutureOptionValue",
        "FuturesPNL",
        "NetLiquidationByCurrency",
        "UnrealizedPnL",
        "RealizedPnL",
        "ExchangeRate",
        "FundValue",
        "NetDividend",
        "MutualFundValue",
        "MoneyMarketFundValue",
        "CorporateBondValue",
        "TBondValue",
        "TBillValue",
        "WarrantValue",
        "FxCashBalance",
        "AccountOrGroup",
        "RealCurrency",
        "IssuerOptionValue",
        "Cryptocurrency",
    }
)
_BOTH: Final = frozenset({"AccruedCash"})
"""Tags of their own as well, in the base currency."""


def is_ledger(row: AccountValue) -> bool:
    return row.key in _LEDGER_KEYS


def summary_rows(rows: Iterable[AccountValue], tags: Sequence[str]) -> list[AccountValue]:
    """`$LEDGER` means the base currency's cash rows, `$LEDGER:EUR` one currency's, `$LEDGER:ALL` everyone's."""
    return [row for row in rows if any(_named(row, tag) for tag in tags)]


def _named(row: AccountValue, tag: str) -> bool:
    if not tag.startswith(_LEDGER):
        return row.key == tag and (tag in _BOTH or not is_ledger(row))
    currency = tag.removeprefix(_LEDGER).removeprefix(":") or _BASE
    return is_ledger(row) and currency in {"ALL", row.currency}
