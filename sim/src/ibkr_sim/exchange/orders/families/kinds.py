"""Which order types there are, and what makes up each ("Order Types" in the TWS API documentation)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final


class Trigger(Enum):
    """What wakes an order that is not at the market yet."""

    STOP = "the market moves against it"
    TOUCH = "the market moves in its favour"
    TRAIL = "the market turns"


class Peg(Enum):
    """What a limit that moves is bound to."""

    MIDDLE = "the middle of the quote"
    OFFSET_MIDDLE = "the middle, less an offset"
    SAME_SIDE = "the best price of the order's own side"


@dataclass(frozen=True, slots=True)
class Kind:
    limit: bool = False
    """Whether it needs a limit price."""
    trigger: Trigger | None = None
    peg: Peg | None = None
    at_close: bool = False

    @property
    def names_limit(self) -> bool:
        """Whether its limit price, if it has one, is the price that it is about."""
        return self.limit or self.peg is not None

    @property
    def leaves_hours(self) -> bool:
        """Whether it can be told to trade, or to wake, outside regular hours ("Outside Regular Trading Hours")."""
        return not self.at_close and self.peg is None and (self.limit or self.trigger is not None)

    @property
    def auxiliary(self) -> bool:
        """Whether it needs a stop or trigger price."""
        return self.trigger in (Trigger.STOP, Trigger.TOUCH)


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "MKT": Kind(),
        "LMT": Kind(limit=True),
        "STP": Kind(trigger=Trigger.STOP),
        "STP LMT": Kind(limit=True, trigger=Trigger.STOP),
        "MIT": Kind(trigger=Trigger.TOUCH),
        "LIT": Kind(limit=True, trigger=Trigger.TOUCH),
        "TRAIL": Kind(trigger=Trigger.TRAIL),
        "TRAIL LIMIT": Kind(trigger=Trigger.TRAIL),
        "MOC": Kind(at_close=True),
        "LOC": Kind(limit=True, at_close=True),
        "MIDPRICE": Kind(peg=Peg.MIDDLE),
        "PEG MID": Kind(peg=Peg.OFFSET_MIDDLE),
        "REL": Kind(peg=Peg.SAME_SIDE),
    }
)


def kind_of(order_type: str) -> Kind:
    """Also of a type that nobody knows, which will be refused."""
    return KINDS.get(order_type, Kind())
