"""An account's figures under IBKR's names ("Account Values" in the TWS API documentation)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ibkr_sim.exchange.accounts.margin import CENT, LEVERAGE, Exposure, requirement
from ibkr_sim.exchange.model import AccountValue, Pnl

_NOTHING = Decimal(0)
PREFIXES = {
    "AvailableFunds": ("", "Full", "LookAhead"),
    "ExcessLiquidity": ("", "Full", "LookAhead"),
    "InitMarginReq": ("", "Full", "LookAhead"),
    "MaintMarginReq": ("", "Full", "LookAhead"),
}


@dataclass(frozen=True, slots=True)
class CurrencyFigures:
    """One currency's part of an account; money in that currency, `rate` into the base."""

    cash: Decimal
    stock: Decimal
    """What all positions add to the account."""
    unrealized: Decimal
    realized: Decimal
    rate: Decimal
    options: Decimal = Decimal(0)
    futures: Decimal = Decimal(0)
    """Parts of `stock` that have rows of their own; of futures, the gain that was not paid out yet."""


@dataclass(frozen=True, slots=True)
class Statement:
    """An account at one moment, in its base currency, in cents; `net_liquidation` is the exact sum of its parts."""

    account: str
    base: str
    cash: Decimal
    stock: Decimal
    gross: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal

    @property
    def net_liquidation(self) -> Decimal:
        return self.cash + self.stock

    @property
    def available(self) -> Decimal:
        return self.net_liquidation - self.initial_margin

    @property
    def excess(self) -> Decimal:
        return self.net_liquidation - self.maintenance_margin


def statement(account: str, base: str, exposures: Mapping[int, Exposure], balances: Mapping[str, Decimal]) -> Statement:
    """Sum up values and cash that are given in the base currency."""
    needed = requirement(exposures.values(), balances, base)
    stock = gross = _NOTHING
    for row in exposures.values():
        stock, gross = stock + row.value, gross + abs(row.value)
    return Statement(
        account=account,
        base=base,
        cash=sum(balances.values(), _NOTHING).quantize(CENT),
        stock=stock.quantize(CENT),
        gross=gross.quantize(CENT),
        initial_margin=needed.initial,
        maintenance_margin=needed.maintenance,
    )


def account_values(summary: Statement, figures: Mapping[str, CurrencyFigures], pnl: Pnl) -> list[AccountValue]:
    """Every row of an account, in a fixed order."""
    rows = [*_identity(summary), *_ratios(summary), *_money(summary)]
    for currency, part in figures.items():
        rows += _currency_rows(summary.account, currency, part)
    options = sum((part.options * part.rate for part in figures.values()), Decimal(0))
    futures = sum((part.futures * part.rate for part in figures.values()), Decimal(0))
    whole = CurrencyFigures(summary.cash, summary.stock, pnl.unrealized, pnl.realized, Decimal(1), options, futures)
    return rows + _currency_rows(summary.account, "BASE", whole)


def _identity(summary: Statement) -> list[AccountValue]:
    texts = {
        "AccountCode": summary.account,
        "AccountOrGroup": summary.account,
        "AccountReady": "true",
        "AccountType": "INDIVIDUAL",
        "Currency": summary.base,
        "DayTradesRemaining": "-1",
        "DayTradesRemainingT+1": "-1",
        "SegmentTitle-S": "US Securities",
        "TradingType-S": "STKMRGN",
    }
    return [AccountValue(summary.account, key, text, "") for key, text in texts.items()]


def _ratios(summary: Statement) -> list[AccountValue]:
    equity = summary.net_liquidation
    cushion = summary.excess / equity if equity > 0 else Decimal(0)
    leverage = summary.gross / equity if equity > 0 else Decimal(0)
    return [
        AccountValue(summary.account, "Cushion", f"{cushion:.4f}", ""),
        AccountValue(summary.account, "Leverage", f"{leverage:.2f}", ""),
        AccountValue(summary.account, "LookAheadNextChange", "0", ""),
    ]


def _money(summary: Statement) -> list[AccountValue]:
    amounts = {
        "AvailableFunds": summary.available,
        "ExcessLiquidity": summary.excess,
        "InitMarginReq": summary.initial_margin,
        "MaintMarginReq": summary.maintenance_margin,
        "AccruedCash": Decimal(0),
        "BuyingPower": max(summary.available, Decimal("0.00")) * LEVERAGE,
        "EquityWithLoanValue": summary.net_liquidation,
        "GrossPositionValue": summary.gross,
        "NetLiquidation": summary.net_liquidation,
        "PreviousDayEquityWithLoanValue": summary.net_liquidation,
        "RegTEquity": summary.net_liquidation,
        "RegTMargin": summary.initial_margin,
        "SMA": summary.available,
        "SettledCash": summary.cash,
        "TotalCashValue": summary.cash,
    }
    return [
        AccountValue(summary.account, prefix + key, f"{amount:.2f}", summary.base)
        for key, amount in amounts.items()
        for prefix in PREFIXES.get(key, ("",))
    ]


def _currency_rows(account: str, currency: str, part: CurrencyFigures) -> list[AccountValue]:
    amounts = {
        "CashBalance": part.cash,
        "TotalCashBalance": part.cash,
        "StockMarketValue": part.stock - part.options - part.futures,
        "OptionMarketValue": part.options,
        "FuturesPNL": part.futures,
        "NetLiquidationByCurrency": part.cash.quantize(CENT) + part.stock.quantize(CENT),
        "UnrealizedPnL": part.unrealized,
        "RealizedPnL": part.realized,
    }
    rows = [AccountValue(account, key, f"{amount:.2f}", currency) for key, amount in amounts.items()]
    rows.append(AccountValue(account, "ExchangeRate", f"{part.rate:.7f}", currency))
    rows.append(AccountValue(account, "RealCurrency", currency, currency))
    return rows
