"""The wire's numbers: exact, and None where it means "no value"."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

_UNSET: Final = 1.7e308
"""IBKR writes "no value" as the largest double (TWS API: `Double.MAX_VALUE`)."""
_ONE: Final = Decimal(1)


def decimal(value: object) -> Decimal | None:
    """The number as it was written; None for empty, unset and not a number."""
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))  # a float's text is the shortest that means it: what stood on the wire
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) >= _UNSET:
        return None
    whole = number.to_integral_value()
    return whole.quantize(_ONE) if number == whole else number
