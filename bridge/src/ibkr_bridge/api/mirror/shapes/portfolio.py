"""Accounts and positions of the engine as the Web API's portfolio paths tell them; what is not known is null."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from ibkr_bridge.api.json import exact
from ibkr_bridge.api.mirror.shapes.numbers import milliseconds, seconds
from ibkr_bridge.domain.account import AccountSummary, Pnl, Position, Seen

PAGE: Final = 100
_UNKNOWN_LEDGER: Final = """
    commoditymarketvalue futuremarketvalue corporatebondsmarketvalue warrantsmarketvalue interest moneyfunds funds
    issueroptionsmarketvalue stockoptionmarketvalue futuresonlypnl tbondsmarketvalue futureoptionmarketvalue
    cashbalancefxsegment tbillsmarketvalue dividends cryptocurrencyvalue
"""
_BROKERAGE: Final = {
    "balance": "AvailableFunds",
    "SMA": "SMA",
    "buyingPower": "BuyingPower",
    "availableFunds": "AvailableFunds",
    "excessLiquidity": "ExcessLiquidity",
    "netLiquidationValue": "NetLiquidation",
    "equityWithLoanValue": "EquityWithLoanValue",
    "regTLoan": "RegTLoan",
    "securitiesGVP": "GrossPositionValue",
    "totalCashValue": "TotalCashValue",
    "accruedInterest": "AccruedCash",
    "regTMargin": "RegTMargin",
    "initialMargin": "InitMarginReq",
    "maintenanceMargin": "MaintMarginReq",
}


def account(told: AccountSummary, *, live: bool) -> dict[str, Any]:
    """One row of /portfolio/accounts."""
    name = told.account
    parent = {"mmc": [], "accountId": "", "isMParent": False, "isMChild": False, "isMultiplex": False}
    return {
        "id": name,
        "PrepaidCrypto-Z": False,
        "PrepaidCrypto-P": False,
        "brokerageAccess": True,
        "accountId": name,
        "accountVan": name,
        "accountTitle": "",
        "displayName": name,
        "accountAlias": None,
        "accountStatus": None,
        "currency": _base(told),
        "type": "INDIVIDUAL" if live else "DEMO",
        "tradingType": "",
        "businessType": "",
        "category": "",
        "ibEntity": "",
        "faclient": False,
        "clearingStatus": "O",
        "covestor": False,
        "noClientTrading": False,
        "trackVirtualFXPortfolio": False,
        "acctCustType": "",
        "parent": parent,
        "desc": name,
    }


def summary(seen: Seen[AccountSummary]) -> dict[str, Any]:
    """What /portfolio/{account}/summary answers."""
    at = milliseconds(seen.as_of)
    return {tag.lower(): _figure(figure.value, figure.currency, at) for tag, figure in seen.value.figures.items()}


def ledger(seen: Seen[AccountSummary], profit: Pnl) -> dict[str, Any]:
    """Of the account's base currency alone: no summary tells of the others."""
    told = seen.value
    base = _base(told)
    row = {
        **dict.fromkeys(_UNKNOWN_LEDGER.split()),
        "settledcash": _amount(told, "SettledCash"),
        "exchangerate": 1,
        "sessionid": 1,
        "cashbalance": _amount(told, "TotalCashValue"),
        "netliquidationvalue": _amount(told, "NetLiquidation"),
        "unrealizedpnl": exact(profit.unrealized),
        "stockmarketvalue": None,
        "realizedpnl": exact(profit.realized),
        "acctcode": told.account,
        "key": "LedgerList",
        "timestamp": seconds(seen.as_of),
        "severity": 0,
    }
    return {
        base: {**row, "currency": base, "secondkey": base, "endofbundle": 1},
        "BASE": {**row, "currency": "BASE", "secondkey": "BASE"},
    }


def brokerage_summary(told: AccountSummary) -> dict[str, Any]:
    """What /iserver/account/{account}/summary answers."""
    cash = {"currency": _base(told), "balance": _amount(told, "TotalCashValue")}
    figures = {name: _amount(told, tag) for name, tag in _BROKERAGE.items()}
    return {
        "accountType": "",
        "status": "",
        **figures,
        "cashBalances": [{**cash, "settledCash": _amount(told, "SettledCash")}],
    }


def profit_and_loss(told: AccountSummary, profit: Pnl) -> dict[str, Any]:
    """One row of /iserver/account/pnl/partitioned."""
    return {
        "rowType": 1,
        "dpl": exact(profit.daily),
        "nl": _amount(told, "NetLiquidation"),
        "upl": exact(profit.unrealized),
        "uel": _amount(told, "EquityWithLoanValue"),
        "el": _amount(told, "ExcessLiquidity"),
        "mv": _amount(told, "GrossPositionValue"),
    }


def position_in_short(held: Position) -> dict[str, Any]:
    """The members that a dataclass of a caller takes, and no other."""
    return {
        "conid": held.contract.conid,
        "ticker": held.contract.symbol,
        "position": exact(held.qty),
        "mkt_price": exact(held.market_price),
        "mkt_value": exact(held.market_value),
    }


def position(held: Position) -> dict[str, Any]:
    """One row of /portfolio/{account}/positions."""
    contract = held.contract
    return {
        "acctId": held.account,
        "conid": contract.conid,
        "contractDesc": contract.local_symbol or contract.symbol,
        "position": exact(held.qty),
        "mktPrice": exact(held.market_price),
        "mktValue": exact(held.market_value),
        "currency": contract.currency,
        "avgCost": exact(held.avg_cost),
        "avgPrice": _average_price(held),
        "realizedPnl": exact(held.realized_pnl),
        "unrealizedPnl": exact(held.unrealized_pnl),
        "exchs": None,
        "expiry": None,
        "putOrCall": None,
        "multiplier": exact(contract.multiplier),
        "strike": None,
        "exerciseStyle": None,
        "conExchMap": [],
        "assetClass": contract.sec_type,
        "undConid": 0,
        "model": "",
        "name": contract.name,
        "ticker": contract.symbol,
        "fullName": contract.local_symbol or contract.symbol,
        "listingExchange": contract.primary_exchange,
        "pageSize": PAGE,
    }


def fresh_position(held: Position, at: int) -> dict[str, Any]:
    """One row of /portfolio2, where IBKR writes the conid as text."""
    contract = held.contract
    return {
        "position": exact(held.qty),
        "conid": str(contract.conid),
        "avgCost": exact(held.avg_cost),
        "avgPrice": _average_price(held),
        "currency": contract.currency,
        "description": contract.local_symbol or contract.symbol,
        "isLastToLoq": False,
        "marketPrice": exact(held.market_price),
        "marketValue": exact(held.market_value),
        "realizedPnl": exact(held.realized_pnl),
        "secType": contract.sec_type,
        "timestamp": at,
        "unrealizedPnl": exact(held.unrealized_pnl),
        "assetClass": contract.sec_type,
        "sector": None,
        "group": None,
        "model": "",
    }


def _average_price(held: Position) -> Any:
    """The average cost is of one contract, the average price of one unit."""
    multiplier = held.contract.multiplier
    return exact(held.avg_cost / multiplier if multiplier else held.avg_cost)


def ordered(seen: Seen[tuple[Position, ...]]) -> Sequence[Position]:
    return sorted(seen.value, key=lambda held: held.contract.name or held.contract.symbol)


def _base(told: AccountSummary) -> str:
    return next((figure.currency for figure in told.figures.values() if figure.currency), "")


def _amount(told: AccountSummary, tag: str) -> Any:
    figure = told.figures.get(tag)
    return None if figure is None else _number(figure.value)


def _figure(value: str, currency: str, at: int) -> dict[str, Any]:
    amount = _number(value) if currency else None
    return {
        "amount": 0 if amount is None else amount,
        "currency": currency or None,
        "isNull": False,
        "timestamp": at,
        "value": value if amount is None else None,
        "severity": 0,
    }


def _number(text: str) -> Any:
    try:
        return exact(Decimal(text))
    except ArithmeticError:
        return None
