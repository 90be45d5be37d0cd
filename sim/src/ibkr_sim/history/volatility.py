"""How much a price has moved: realised volatility, per year."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final

from ibkr_sim.history.intervals import SESSIONS

_DIGITS: Final = Decimal("0.000001")


def realised(closes: Sequence[Decimal], per_year: int = SESSIONS["Y"]) -> Decimal | None:
    """The standard deviation of logarithmic moves, times the root of how many there are in a year.

    None for fewer than two moves.
    """
    moves = [(after / before).ln() for before, after in pairwise(closes)]
    if len(moves) < 2:
        return None
    mean = sum(moves, Decimal(0)) / len(moves)
    variance = sum(((move - mean) * (move - mean) for move in moves), Decimal(0)) / (len(moves) - 1)
    return (variance * per_year).sqrt().quantize(_DIGITS)
