"""The long summary of an account: every key that IBKR has, as a map for REST and as rows for the WebSocket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from ibkr_sim.webapi.numbers import milliseconds, seconds
from ibkr_sim.webapi.shapes.accounts import Figures

_SEGMENTED: Final = """
    AccruedCash AccruedDividend AvailableFunds AvailableToTrade AvailableToWithdraw Billable EquityWithLoanValue
    ExcessLiquidity FullAvailableFunds FullExcessLiquidity FullInitMarginReq FullMaintMarginReq Guarantee
    IndianStockHaircut InitMarginReq LookAheadAvailableFunds LookAheadExcessLiquidity LookAheadInitMarginReq
    LookAheadMaintMarginReq MaintMarginReq NetLiquidation PASharesValue PhysicalCertificateValue PostExpirationExcess
    PostExpirationMargin TotalCashValue TotalDebitCardPendingCharges
"""
"""Money that is also told of the segments: commodities (`-C`), where nothing is held here, and securities (`-S`)."""
_SECURITIES_ALONE: Final = "GrossPositionValue PreviousDayEquityWithLoanValue RegTEquity RegTMargin SMA"
_WHOLE: Final = "BuyingPower NetLiquidationUncertainty NLVAndMarginInReview"
_TEXTS: Final = """
    AccountCode AccountOrGroup AccountReady AccountType Currency Cushion DayTradesRemaining DayTradesRemainingT+1
    Leverage LookAheadNextChange SegmentTitle-S TradingType-S
"""
_SAME_AS: Final = {"AvailableToTrade": "AvailableFunds", "AvailableToWithdraw": "AvailableFunds"}
_FIXED: Final = {
    "ColumnPrio-C": "5",
    "ColumnPrio-S": "1",
    "DayTradesRemainingT+2": "-1",
    "DayTradesRemainingT+3": "-1",
    "DayTradesRemainingT+4": "-1",
    "DayTradingStatus-S": "-1",
    "DepositOnCreditHold": "0",
    "HighestSeverity": "0",
    "SegmentTitle-C": "US Commodities",
    "WhatIfPMEnabled": "true",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """Money, or a text."""

    key: str
    amount: Decimal = Decimal(0)
    text: str | None = None


def portfolio_summary(figures: Figures, now: datetime) -> dict[str, Any]:
    """What /portfolio/{account}/summary answers; keys are in lower case there."""
    return {
        row.key.lower(): {
            "amount": row.amount,
            "currency": None if row.text is not None else figures.base,
            "isNull": False,
            "timestamp": milliseconds(now),
            "value": row.text,
            "severity": 0,
        }
        for row in _rows(figures)
    }


def summary_stream(figures: Figures, now: datetime) -> list[dict[str, Any]]:
    """What the topic `ssd` tells."""
    return [_streamed(row, figures.base, now) for row in _rows(figures)]


def _streamed(row: _Row, base: str, now: datetime) -> dict[str, Any]:
    if row.text is not None:
        return {"key": row.key, "value": row.text, "severity": 0, "timestamp": seconds(now)}
    return {
        "key": row.key,
        "currency": base,
        "monetaryValue": row.amount,
        "severity": 0,
        "timestamp": seconds(now),
    }


def _rows(figures: Figures) -> Iterator[_Row]:
    for key in _TEXTS.split():
        yield _Row(key, text=figures.text(key))
    yield _Row("Leverage-S", text=figures.text("Leverage"))
    for key, text in _FIXED.items():
        yield _Row(key, text=text)
    for key in _SEGMENTED.split():
        amount = figures.amount(_SAME_AS.get(key, key))
        yield from (_Row(key, amount), _Row(f"{key}-C"), _Row(f"{key}-S", amount))
    for key in _SECURITIES_ALONE.split():
        yield from (_Row(key, figures.amount(key)), _Row(f"{key}-S", figures.amount(key)))
    for key in _WHOLE.split():
        yield _Row(key, figures.amount(key))
