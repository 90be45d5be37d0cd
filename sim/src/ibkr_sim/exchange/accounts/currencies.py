"""Exchange rates between the currencies that accounts hold, from the simulated pairs."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from ibkr_sim.exchange.model import Contract

FIXED_DOLLARS = {"USD": Decimal(1), "MXN": Decimal("0.0545")}
"""Dollars for one unit of a currency that has no simulated pair."""
EXACTNESS = Decimal("0.00000001")


class Rates:
    """Every rate goes through the dollar, so that crosses agree with each other."""

    def __init__(self, pairs: list[Contract], middle: Callable[[int], Decimal]) -> None:
        self._middle = middle
        self._direct = {pair.symbol: pair.conid for pair in pairs if pair.currency == "USD"}
        self._inverse = {pair.currency: pair.conid for pair in pairs if pair.symbol == "USD"}

    def check(self, *currencies: str) -> None:
        """Raises ValueError for a currency without a rate."""
        for currency in currencies:
            if currency not in {*FIXED_DOLLARS, *self._direct, *self._inverse}:
                raise ValueError(f"no exchange rate for {currency!r}")

    def rate(self, source: str, target: str) -> Decimal:
        """Units of `target` for one of `source`. Raises KeyError for an unknown currency."""
        if source == target:
            return Decimal(1)
        return (self._dollars(source) / self._dollars(target)).quantize(EXACTNESS)

    def _dollars(self, currency: str) -> Decimal:
        if currency in FIXED_DOLLARS:
            return FIXED_DOLLARS[currency]
        if currency in self._direct:
            return self._middle(self._direct[currency])
        return 1 / self._middle(self._inverse[currency])
