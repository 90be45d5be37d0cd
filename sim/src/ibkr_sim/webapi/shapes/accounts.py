"""An account's figures in the many shapes in which the Web API tells them; all from the exchange's account values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from ibkr_sim.exchange.model import AccountValue
from ibkr_sim.webapi.numbers import grouped, milliseconds, money, seconds

BASE: Final = "BASE"
_NOUGHT: Final = Decimal(0)
_SEGMENTS: Final = ("total", "Crypto at Paxos", "commodities", "securities")
_EMPTY_SEGMENTS: Final = frozenset({"Crypto at Paxos", "commodities"})


@dataclass(frozen=True, slots=True)
class Figures:
    """Account values by key and currency. `base` is the account's currency."""

    account: str
    base: str
    values: Mapping[tuple[str, str], str]

    @classmethod
    def of(cls, account: str, rows: Iterable[AccountValue]) -> Figures:
        values = {(row.key, row.currency): row.value for row in rows}
        return cls(account, values["Currency", ""], values)

    def amount(self, key: str, currency: str = "") -> Decimal:
        return Decimal(self.values.get((key, currency or self.base), "0"))

    def text(self, key: str) -> str:
        return self.values.get((key, ""), "")

    @property
    def currencies(self) -> Sequence[str]:
        """Those it holds, without the sum of all."""
        return [currency for key, currency in self.values if key == "CashBalance" and currency != BASE]


def portfolio_account(account: str, base: str, opened: datetime) -> dict[str, Any]:
    """One row of /portfolio/accounts."""
    parent = {"mmc": [], "accountId": "", "isMParent": False, "isMChild": False, "isMultiplex": False}
    return {
        "id": account,
        "PrepaidCrypto-Z": False,
        "PrepaidCrypto-P": False,
        "brokerageAccess": True,
        "accountId": account,
        "accountVan": account,
        "accountTitle": "SIMULATOR",
        "displayName": "SIMULATOR",
        "accountAlias": None,
        "accountStatus": milliseconds(opened),
        "currency": base,
        "type": "DEMO",
        "tradingType": "STKNOPT",
        "businessType": "INDEPENDENT",
        "category": "",
        "ibEntity": "IBLLC-US",
        "faclient": False,
        "clearingStatus": "O",
        "covestor": False,
        "noClientTrading": False,
        "trackVirtualFXPortfolio": False,
        "acctCustType": "INDIVIDUAL",
        "parent": parent,
        "desc": account,
    }


def ledger(figures: Figures, now: datetime) -> dict[str, Any]:
    """By currency, and in sum under `BASE`. One real currency carries the end of the bundle."""
    told = {currency: _ledger_row(figures, currency, now) for currency in (*figures.currencies, BASE)}
    told[figures.base]["endofbundle"] = 1
    return told


def _ledger_row(figures: Figures, currency: str, now: datetime) -> dict[str, Any]:
    cash = figures.amount("CashBalance", currency)
    nothing = [
        "commoditymarketvalue",
        "futuremarketvalue",
        "corporatebondsmarketvalue",
        "warrantsmarketvalue",
        "interest",
        "moneyfunds",
        "funds",
        "issueroptionsmarketvalue",
        "stockoptionmarketvalue",
        "futuresonlypnl",
        "tbondsmarketvalue",
        "futureoptionmarketvalue",
        "cashbalancefxsegment",
        "tbillsmarketvalue",
        "dividends",
        "cryptocurrencyvalue",
    ]
    return {
        **dict.fromkeys(nothing, 0.0),
        "settledcash": cash,
        "exchangerate": figures.amount("ExchangeRate", currency),
        "sessionid": 1,
        "cashbalance": cash,
        "netliquidationvalue": figures.amount("NetLiquidationByCurrency", currency),
        "unrealizedpnl": figures.amount("UnrealizedPnL", currency),
        "stockmarketvalue": figures.amount("StockMarketValue", currency),
        "currency": currency,
        "realizedpnl": figures.amount("RealizedPnL", currency),
        "acctcode": figures.account,
        "key": "LedgerList",
        "timestamp": seconds(now),
        "severity": 0,
        "secondkey": currency,
    }


def brokerage_summary(figures: Figures) -> dict[str, Any]:
    """What /iserver/account/{account}/summary answers."""
    balances = [
        {
            "currency": currency,
            "balance": figures.amount("CashBalance", currency),
            "settledCash": figures.amount("CashBalance", currency),
        }
        for currency in figures.currencies
    ]
    return {
        "accountType": "",
        "status": "",
        "balance": figures.amount("AvailableFunds"),
        "SMA": figures.amount("SMA"),
        "buyingPower": figures.amount("BuyingPower"),
        "availableFunds": figures.amount("AvailableFunds"),
        "excessLiquidity": figures.amount("ExcessLiquidity"),
        "netLiquidationValue": figures.amount("NetLiquidation"),
        "equityWithLoanValue": figures.amount("EquityWithLoanValue"),
        "regTLoan": 0.0,
        "securitiesGVP": figures.amount("GrossPositionValue"),
        "totalCashValue": figures.amount("TotalCashValue"),
        "accruedInterest": figures.amount("AccruedCash"),
        "regTMargin": figures.amount("RegTMargin"),
        "initialMargin": figures.amount("InitMarginReq"),
        "maintenanceMargin": figures.amount("MaintMarginReq"),
        "cashBalances": balances,
    }


_FUNDS: Final = {
    "current_available": "AvailableFunds",
    "current_excess": "ExcessLiquidity",
    "buying_power": "BuyingPower",
    "look_ahead_available": "LookAheadAvailableFunds",
    "look_ahead_excess": "LookAheadExcessLiquidity",
}
_BALANCES: Final = {
    "net_liquidation": "NetLiquidation",
    "equity_with_loan": "EquityWithLoanValue",
    "Reg_T_Equity": "RegTEquity",
    "previous_day_equity_with_loan": "PreviousDayEquityWithLoanValue",
    "securities_gvp": "GrossPositionValue",
    "cash": "TotalCashValue",
    "Nt Lqdtn Uncrtnty": "NetLiquidationUncertainty",
    "Prvs Dy Eqty Wth Ln Vl": "PreviousDayEquityWithLoanValue",
    "sec_gross_pos_val": "GrossPositionValue",
    "Pndng Dbt Crd Chrgs": "TotalDebitCardPendingCharges",
    "MTD Interest": "AccruedCash",
}
_MARGINS: Final = {
    "current_initial": "InitMarginReq",
    "current_maint": "MaintMarginReq",
    "look_ahead_initial": "LookAheadInitMarginReq",
    "look_ahead_maint": "LookAheadMaintMarginReq",
    "RegT Margin": "RegTMargin",
}


def available_funds(figures: Figures) -> dict[str, Any]:
    told = _segments(figures, _FUNDS)
    for segment, row in told.items():
        row["leverage"] = "0.00" if segment in _EMPTY_SEGMENTS else figures.text("Leverage")
    return told


def balances(figures: Figures) -> dict[str, Any]:
    return _segments(figures, _BALANCES)


def margins(figures: Figures) -> dict[str, Any]:
    return _segments(figures, _MARGINS)


def _segments(figures: Figures, keys: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {
        segment: {
            name: money(_NOUGHT if segment in _EMPTY_SEGMENTS else figures.amount(key), figures.base)
            for name, key in keys.items()
        }
        for segment in _SEGMENTS
    }


def market_value(figures: Figures) -> dict[str, Any]:
    """By currency; whole numbers without a unit."""
    keys = {
        "total_cash": "CashBalance",
        "settled_cash": "CashBalance",
        "stock": "StockMarketValue",
        "net_liquidation": "NetLiquidationByCurrency",
        "unrealized_pnl": "UnrealizedPnL",
        "realized_pnl": "RealizedPnL",
    }
    nothing = dict.fromkeys(
        ["options", "futures", "future_options", "funds", "mtd_interest", "dividends_receivable"], "0"
    )
    names = {currency: currency for currency in figures.currencies} | {BASE: f"Total (in {figures.base})"}
    return {
        name: {label: grouped(figures.amount(key, currency)) for label, key in keys.items()} | nothing
        for currency, name in names.items()
    }


def profit_and_loss(figures: Figures, daily: Decimal) -> dict[str, Any]:
    """One row of pnl/partitioned and of the topic `spl`."""
    return {
        "rowType": 1,
        "dpl": daily,
        "nl": figures.amount("NetLiquidation"),
        "upl": figures.amount("UnrealizedPnL", BASE),
        "uel": figures.amount("EquityWithLoanValue"),
        "el": figures.amount("ExcessLiquidity"),
        "mv": figures.amount("GrossPositionValue"),
    }


def ledger_stream(figures: Figures, now: datetime) -> list[dict[str, Any]]:
    """Rows of the topic `sld`, one for each currency."""
    nothing = [
        "cashBalanceFXSegment",
        "commodityMarketValue",
        "corporateBondsMarketValue",
        "dividends",
        "funds",
        "optionMarketValue",
        "interest",
        "issueOptionsMarketValue",
        "moneyFunds",
        "tBillsMarketValue",
        "tBondsMarketValue",
        "warrantsMarketValue",
    ]
    return [
        {
            "acctCode": figures.account,
            "cashbalance": figures.amount("CashBalance", currency),
            **dict.fromkeys(nothing, 0.0),
            "key": f"LedgerList{currency}",
            "exchangeRate": figures.amount("ExchangeRate", currency),
            "marketValue": 0.0,
            "netLiquidationValue": figures.amount("NetLiquidationByCurrency", currency),
            "realizedPnl": figures.amount("RealizedPnL", currency),
            "unrealizedPnl": figures.amount("UnrealizedPnL", currency),
            "secondKey": currency,
            "settledCash": figures.amount("CashBalance", currency),
            "severity": 0,
            "stockMarketValue": figures.amount("StockMarketValue", currency),
            "timestamp": seconds(now),
        }
        for currency in (*figures.currencies, BASE)
    ]
