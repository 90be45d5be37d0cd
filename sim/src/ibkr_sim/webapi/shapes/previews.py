"""What an order would cost (Web API: "Preview Order / WhatIf Order"); figures are text, in whole units."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from ibkr_sim.exchange.accounts.office import own_price
from ibkr_sim.exchange.model import Contract, OrderRequest, Position, Preview, Quote, Side
from ibkr_sim.webapi.numbers import grouped, quantity
from ibkr_sim.webapi.ordering.questions import Question


def preview(
    request: OrderRequest,
    contract: Contract,
    quote: Quote,
    outcome: Preview,
    held: Position | None,
    base: str,
    warnings: Sequence[Question],
) -> dict[str, Any]:
    """`base` is the currency of the account, which the last part of every amount names."""
    fallback = quote.ask if request.side is Side.BUY else quote.bid
    price = own_price(request) or fallback or Decimal(0)
    value, fee = price * request.quantity * contract.factor, outcome.commission
    before = held.quantity if held else Decimal(0)
    change = request.quantity if request.side is Side.BUY else -request.quantity
    texts = [f"{question.id.lstrip('op')}/{question.text}" for question in warnings]
    return {
        "amount": {
            "amount": f"{value:,.2f} {contract.currency} ({quantity(request.quantity)} Shares)",
            "commission": f"{fee.normalize():f} {outcome.commission_currency}",
            "total": f"{value + fee:,.2f} {contract.currency}",
        },
        "equity": _line(outcome.equity_before, outcome.equity_change, outcome.equity_after),
        "initial": _line(outcome.initial_margin_before, outcome.initial_margin_change, outcome.initial_margin_after),
        "maintenance": _line(
            outcome.maintenance_margin_before, outcome.maintenance_margin_change, outcome.maintenance_margin_after
        ),
        "position": {"current": quantity(before), "change": quantity(change), "after": quantity(before + change)},
        "warn": texts[0] if texts else None,
        "warns": texts or None,
        "error": None,
        "accruedInterest": f"0 {base}",
    }


def unsuccessful(reason: str) -> dict[str, Any]:
    """An order that would be refused; the status is 200 all the same."""
    nothing = {"current": None, "change": None, "after": None}
    return {
        "amount": {"amount": None, "commission": None, "total": None},
        "equity": nothing,
        "initial": nothing,
        "maintenance": nothing,
        "position": nothing,
        "warn": None,
        "error": reason,
    }


def _line(current: Decimal, change: Decimal, after: Decimal) -> dict[str, str]:
    return {"current": grouped(current), "change": grouped(change), "after": grouped(after)}
