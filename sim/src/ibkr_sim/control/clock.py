"""Orders to the clock, read from JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ibkr_sim.control.problems import Refused

FASTEST: Final = 1000.0
"""Simulated seconds per real second."""
FARTHEST: Final = 86_400.0
"""Seconds of one jump; every price on the way is made, and the doors wait for it."""


@dataclass(frozen=True, slots=True)
class ClockOrder:
    """What to do with the clock; None leaves it as it is."""

    speed: float | None
    advance: timedelta | None


def clock_order(body: object) -> ClockOrder:
    """Read `{"speed": 5}`, `{"advance_seconds": 60}`, or both. Raises Refused (422)."""
    if not isinstance(body, dict) or not body or body.keys() - {"speed", "advance_seconds"}:
        raise Refused(422, "invalid_clock", 'Send {"speed": 5} or {"advance_seconds": 60}.')
    speed, seconds = _amount(body, "speed", FASTEST), _amount(body, "advance_seconds", FARTHEST)
    return ClockOrder(speed, None if seconds is None else timedelta(seconds=seconds))


def _amount(body: dict[str, object], name: str, most: float) -> float | None:
    if name not in body:
        return None
    value = body[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refused(422, "invalid_clock", f"{name} must be a number.")
    if not 0 <= value <= most:
        raise Refused(422, "invalid_clock", f"{name} must lie between 0 and {most:g}.")
    return float(value)
