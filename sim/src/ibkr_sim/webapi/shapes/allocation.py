"""How a portfolio is spread over asset classes, sectors and groups, long and short."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from ibkr_sim.exchange.model import Contract
from ibkr_sim.webapi.shapes.accounts import Figures

_OTHERS = "Others"


def allocation(accounts: Iterable[tuple[Figures, Sequence[tuple[Contract, Decimal]]]]) -> dict[str, Any]:
    """Of accounts with the value of each position in their own currency."""
    told: dict[str, dict[str, dict[str, Decimal]]] = {
        name: {"long": {}, "short": {}} for name in ("assetClass", "sector", "group")
    }
    for figures, positions in accounts:
        for contract, value in positions:
            names = {
                "assetClass": contract.sec_type,
                "sector": contract.industry or _OTHERS,
                "group": contract.category or _OTHERS,
            }
            for dimension, name in names.items():
                _add(told[dimension], name, value)
        _add(told["assetClass"], "CASH", figures.amount("TotalCashValue"))
    return told


def _add(part: dict[str, dict[str, Decimal]], name: str, value: Decimal) -> None:
    side = part["long" if value >= 0 else "short"]
    side[name] = side.get(name, Decimal(0)) + value
