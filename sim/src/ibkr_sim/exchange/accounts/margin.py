"""What positions bind: near Regulation T and the exchanges' rates ("Margin requirements" on IBKR's pages)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

CENT = Decimal("0.01")
INITIAL = Decimal("0.50")
MAINTENANCE_LONG = Decimal("0.25")
MAINTENANCE_SHORT = Decimal("0.30")
CURRENCY = Decimal("0.03")
LEVERAGE = 2
"""Buying power for each unit of available funds: what an initial margin of one half allows."""
_SHORT_OPTION = Decimal("0.15")
"""Of the strike's value, beside what the option itself is worth."""
_NOTHING = Decimal(0)
_WHOLE = (Decimal(1), Decimal(1), Decimal(1))
_RATES: Final[Mapping[str, tuple[Decimal, Decimal, Decimal]]] = MappingProxyType(
    {
        "FUT": (Decimal("0.08"), Decimal("0.07"), Decimal("0.07")),
        "CFD": (Decimal("0.20"), Decimal("0.20"), Decimal("0.20")),
        "CMDTY": (Decimal("0.10"), Decimal("0.10"), Decimal("0.10")),
        "CRYPTO": _WHOLE,
        "WAR": _WHOLE,
    }
)
"""Initial, and maintenance of who is long and short; others are like stocks."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """A position's part in an account, in its base currency."""

    value: Decimal
    """What it adds to the net liquidation value; of a future, what it has gained since it was last settled."""
    size: Decimal
    """Signed: the market value, of an option the strike's."""
    sec_type: str = "STK"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Margin in the account's base currency."""

    initial: Decimal
    maintenance: Decimal


def requirement(exposures: Iterable[Exposure], balances: Mapping[str, Decimal], base: str) -> Requirement:
    """Margin on positions and foreign cash, all given in the base currency."""
    initial = maintenance = _NOTHING
    for exposure in exposures:
        bound, kept = _bound(exposure)
        initial, maintenance = initial + bound, maintenance + kept
    held = owed = _NOTHING
    for currency, amount in balances.items():
        if currency != base:
            held, owed = (held + amount, owed) if amount > 0 else (held, owed - amount)
    # A bought pair shows up as one currency held and another owed: the larger side counts, once.
    exchange_risk = max(held, owed) * CURRENCY
    return Requirement((initial + exchange_risk).quantize(CENT), (maintenance + exchange_risk).quantize(CENT))


def _bound(exposure: Exposure) -> tuple[Decimal, Decimal]:
    """Initial and maintenance. A long option is paid for in full and secures nothing."""
    if exposure.sec_type in ("OPT", "FOP"):
        amount = abs(exposure.value)
        if exposure.size < 0:
            amount -= exposure.size * _SHORT_OPTION
        return amount, amount
    rates = _RATES.get(exposure.sec_type, (INITIAL, MAINTENANCE_LONG, MAINTENANCE_SHORT))
    amount = abs(exposure.size)
    return amount * rates[0], amount * rates[1 if exposure.size > 0 else 2]
