"""One order for several accounts: whose share of its fills is how large."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal

from ibkr_sim.exchange.model import Commission, Execution, OrderRequest

Shares = tuple[tuple[str, Decimal], ...]
"""Accounts with their weights, of which one at least is above 0."""


@dataclass(frozen=True, slots=True)
class Portion:
    """What an account has had of an order's fills."""

    filled: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    """Sizes times prices."""
    charged: Decimal = Decimal(0)

    def add(self, execution: Execution, charge: Commission) -> Portion:
        paid = self.paid + execution.shares * execution.price
        return Portion(self.filled + execution.shares, paid, self.charged + charge.amount)


def divided(
    shares: Shares, held: Mapping[str, Decimal], quantity: Decimal, increment: Decimal
) -> list[tuple[str, Decimal]]:
    """How `quantity` more is shared by accounts that have `held` of the same order before; whole increments alone.

    What does not divide goes to those who are furthest behind, one increment each, the first of them first
    (TWS API: "Allocation Methods and Groups").
    """
    whole = sum((weight for _account, weight in shares), Decimal(0))
    total = sum((held.get(account, Decimal(0)) for account, _weight in shares), quantity)
    behind = {account: total * weight / whole - held.get(account, Decimal(0)) for account, weight in shares}
    left, given = quantity, dict[str, Decimal]()
    for account, owed in behind.items():
        given[account] = min(max((owed / increment).to_integral_value(ROUND_FLOOR), Decimal(0)) * increment, left)
        left -= given[account]
    while left:
        account = max(behind, key=lambda one: behind[one] - given[one])
        given[account] += min(increment, left)
        left -= min(increment, left)
    return [(account, size) for account, size in given.items() if size]


def orders_of(request: OrderRequest, increment: Decimal) -> list[OrderRequest]:
    """What an order asks of each of its accounts; itself, if it has one account."""
    if not request.shares:
        return [request]
    parts = divided(request.shares, {}, request.quantity, increment)
    return [replace(request, account=account, quantity=size, shares=()) for account, size in parts]
