"""Terms that an order can carry beside its prices: conditions, an adjustment, a combination's legs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ComboLeg:
    """One contract of a combination; `action` is BUY or SELL as seen by who buys the combination."""

    conid: int
    ratio: int
    action: str
    exchange: str = "SMART"

    @property
    def signed_ratio(self) -> int:
        return self.ratio if self.action == "BUY" else -self.ratio


@dataclass(frozen=True, slots=True)
class PriceCondition:
    """The last trade of a contract (of a currency the middle) reaches a price."""

    conid: int
    is_more: bool
    price: Decimal


@dataclass(frozen=True, slots=True)
class TimeCondition:
    is_more: bool
    time: datetime


@dataclass(frozen=True, slots=True)
class MarginCondition:
    """The account's cushion, in percent: excess liquidity of its net liquidation value."""

    is_more: bool
    percent: Decimal


@dataclass(frozen=True, slots=True)
class ExecutionCondition:
    """A trade of the user's in a symbol, after the order was placed."""

    sec_type: str
    exchange: str
    symbol: str


@dataclass(frozen=True, slots=True)
class VolumeCondition:
    """The day's volume of a contract."""

    conid: int
    is_more: bool
    volume: Decimal


@dataclass(frozen=True, slots=True)
class ChangeCondition:
    """The change of a contract since yesterday's close, in percent."""

    conid: int
    is_more: bool
    percent: Decimal


Condition = PriceCondition | TimeCondition | MarginCondition | ExecutionCondition | VolumeCondition | ChangeCondition


@dataclass(frozen=True, slots=True)
class Conditions:
    """`groups` are alternatives; every condition of one of them must hold."""

    groups: tuple[tuple[Condition, ...], ...]
    cancels: bool = False
    """They end a working order instead of letting one in."""
    outside_rth: bool = False
    """They are looked at outside regular hours too."""

    def __iter__(self) -> Iterator[Condition]:
        for group in self.groups:
            yield from group

    @property
    def conids(self) -> frozenset[int]:
        """Of the contracts that they watch."""
        watched = (PriceCondition, VolumeCondition, ChangeCondition)
        return frozenset(condition.conid for condition in self if isinstance(condition, watched))

    @property
    def times(self) -> tuple[datetime, ...]:
        """At which they may change by themselves."""
        return tuple(condition.time for condition in self if isinstance(condition, TimeCondition))


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What a stop order becomes once the market has reached `trigger`."""

    order_type: str
    trigger: Decimal
    stop: Decimal | None = None
    limit: Decimal | None = None
    trailing: Decimal | None = None
    in_percent: bool = False
    """Whether `trailing` is a percentage."""
