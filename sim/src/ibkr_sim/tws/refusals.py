"""IBKR's refusals as code and text, ready for an error message."""

from __future__ import annotations

from typing import Final

UNREADABLE: Final = 320
INVALID: Final = 321
OVERLOADED: Final = 322

_REFERENCE: Final = "bN"
"""TWS puts a name of its own machinery between quotes; clients must not read anything into it."""


def invalid(cause: str) -> tuple[int, str]:
    return INVALID, f"Error validating request.-'{_REFERENCE}' : cause - {cause}"


def overloaded(cause: str) -> tuple[int, str]:
    return OVERLOADED, f"Error processing request.-'{_REFERENCE}' : cause - {cause}"


def unreadable(cause: str) -> tuple[int, str]:
    return UNREADABLE, f"Error reading request. Unable to parse data. {cause}"
