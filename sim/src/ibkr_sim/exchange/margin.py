"""What positions bind: near Regulation T ("Margin requirements" on IBKR's pages)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

CENT = Decimal("0.01")
INITIAL = Decimal("0.50")
MAINTENANCE_LONG = Decimal("0.25")
MAINTENANCE_SHORT = Decimal("0.30")
CURRENCY = Decimal("0.03")
LEVERAGE = 2
"""Buying power for each unit of available funds: what an initial margin of one half allows."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """Margin in the account's base currency."""

    initial: Decimal
    maintenance: Decimal


def requirement(exposures: Iterable[Decimal], balances: Mapping[str, Decimal], base: str) -> Requirement:
    """Margin on signed position values and foreign cash, all given in the base currency."""
    initial = maintenance = Decimal(0)
    for value in exposures:
        initial += abs(value) * INITIAL
        maintenance += value * MAINTENANCE_LONG if value > 0 else -value * MAINTENANCE_SHORT
    foreign = [amount for currency, amount in balances.items() if currency != base]
    held = sum((amount for amount in foreign if amount > 0), Decimal(0))
    owed = -sum((amount for amount in foreign if amount < 0), Decimal(0))
    # A bought pair shows up as one currency held and another owed: the larger side counts, once.
    exchange_risk = max(held, owed) * CURRENCY
    return Requirement((initial + exchange_risk).quantize(CENT), (maintenance + exchange_risk).quantize(CENT))
