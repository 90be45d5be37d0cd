"""Price increments as numbered rules, which contract details name and clients look up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final

_RULES: Final[Mapping[int, Decimal]] = MappingProxyType(
    {
        26: Decimal("0.01"),
        59: Decimal("0.05"),
        239: Decimal("0.00005"),
        557: Decimal("0.001"),
        635: Decimal("0.005"),
        899_999: Decimal("0.015625"),
    }
)
_OWN_RULES: Final = 900_000
"""Above this a rule's number says how many hundred-thousandths the increment is."""
_GRAIN: Final = Decimal("0.00001")


def rule_id(min_tick: Decimal) -> int:
    for number, increment in _RULES.items():
        if increment == min_tick:
            return number
    return _OWN_RULES + int(min_tick / _GRAIN)


def increments(number: int) -> Sequence[tuple[Decimal, Decimal]] | None:
    """Pairs of (price from which it holds, increment); None for an unknown rule."""
    if number in _RULES:
        return ((Decimal(0), _RULES[number]),)
    own = number - _OWN_RULES
    return ((Decimal(0), own * _GRAIN),) if 0 < own < _OWN_RULES else None
