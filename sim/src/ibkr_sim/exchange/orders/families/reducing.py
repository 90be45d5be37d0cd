"""One-cancels-all groups: what a fill of one order does to the others (ocaType 1, 2 and 3)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from enum import IntEnum


class OcaType(IntEnum):
    CANCEL = 1
    REDUCE_WITH_BLOCK = 2
    REDUCE = 3

    @property
    def at_once(self) -> bool:
        """With block: no other order of the group trades before it has been cut. Without, both may fill."""
        return self is not OcaType.REDUCE


def left_over(oca_type: int, remaining: Decimal, before: Decimal, filled: Decimal, increment: Decimal) -> Decimal:
    """What remains of an order when another one of its group, of which `before` remained, has filled.

    Reduced in proportion, in whole increments; 0 means that it ends.
    """
    if oca_type == OcaType.CANCEL or filled >= before:
        return Decimal(0)
    share = remaining * (before - filled) / before
    return (share / increment).to_integral_value(ROUND_HALF_UP) * increment
