"""Summary and ledger of an account as the stream tells them, row by row; what is not known is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ibkr_bridge.api.json import exact
from ibkr_bridge.api.mirror.shapes.numbers import seconds
from ibkr_bridge.domain.account import AccountSummary, Pnl, Seen

_ALWAYS = frozenset({"key", "timestamp", "acctCode"})
_BASE = "BASE"
_LEDGER = {"cashbalance": "TotalCashValue", "netLiquidationValue": "NetLiquidation", "settledCash": "SettledCash"}


def summary_rows(seen: Seen[AccountSummary]) -> list[dict[str, Any]]:
    """Of the topic `ssd`: money with its currency, words without."""
    at = seconds(seen.as_of)
    return [
        {"key": tag, **_figure(figure.value, figure.currency), "severity": 0, "timestamp": at}
        for tag, figure in seen.value.figures.items()
    ]


def ledger_rows(seen: Seen[AccountSummary], profit: Pnl) -> list[dict[str, Any]]:
    """Of the topic `sld`, for the account's base currency alone: no summary tells of the others."""
    told = seen.value
    currency = next((figure.currency for figure in told.figures.values() if figure.currency), "")
    amounts = {name: _amount(told, tag) for name, tag in _LEDGER.items()}
    figures = {**amounts, "realizedPnl": exact(profit.realized), "unrealizedPnl": exact(profit.unrealized)}
    row = {
        "acctCode": told.account,
        "exchangeRate": 1,
        **{name: value for name, value in figures.items() if value is not None},
        "severity": 0,
        "timestamp": seconds(seen.as_of),
    }
    names = (_BASE, currency) if currency else (_BASE,)
    return [{**row, "key": f"LedgerList{name}", "secondKey": name} for name in names]


def chosen(rows: Sequence[Mapping[str, Any]], keys: Sequence[str], fields: Sequence[str]) -> list[Mapping[str, Any]]:
    """Those rows and members that a client has named; all where it has named none."""
    wanted = [row for row in rows if not keys or row.get("key") in keys]
    if not fields:
        return wanted
    return [{name: value for name, value in row.items() if name in fields or name in _ALWAYS} for row in wanted]


def _figure(value: str, currency: str) -> dict[str, Any]:
    amount = _number(value) if currency else None
    return {"value": value} if amount is None else {"currency": currency, "monetaryValue": amount}


def _amount(told: AccountSummary, tag: str) -> Any:
    figure = told.figures.get(tag)
    return None if figure is None else _number(figure.value)


def _number(text: str) -> Any:
    try:
        return exact(Decimal(text))
    except ArithmeticError:
        return None
