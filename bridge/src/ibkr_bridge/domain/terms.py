"""What an order asks of the market: its type and prices, when it may trade, and what else must hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def other(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"
    TRAIL = "TRAIL"
    TRAIL_LIMIT = "TRAIL_LIMIT"
    MARKET_IF_TOUCHED = "MARKET_IF_TOUCHED"
    LIMIT_IF_TOUCHED = "LIMIT_IF_TOUCHED"
    MARKET_ON_CLOSE = "MARKET_ON_CLOSE"
    LIMIT_ON_CLOSE = "LIMIT_ON_CLOSE"
    MIDPRICE = "MIDPRICE"
    RELATIVE = "RELATIVE"
    PEG_MID = "PEG_MID"

    @property
    def shape(self) -> Shape:
        return SHAPES[self]

    @property
    def needs_limit(self) -> bool:
        return "limit" in self.shape.needs

    @property
    def needs_stop(self) -> bool:
        return "stop" in self.shape.needs


PRICES: Final = ("limit", "stop", "trail", "trail_percent", "limit_offset", "offset")
"""The fields of `Terms` that an order type may need or take."""
_COMMON: Final = ("side", "qty", "type", "tif")
_SPECIAL: Final = (
    *("good_after", "display_qty", "min_qty", "all_or_none", "hidden", "oca", "conditions", "algo", "adjust"),
)
"""Fields that not every door can carry."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Which prices a type needs and which it may take. Source: TWS API, "Available Order Types"."""

    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    trails: bool = False
    """Either `trail` or `trail_percent` is needed."""
    at_any_price: bool = False
    """Once it trades, nothing bounds what it pays."""

    @property
    def allowed(self) -> frozenset[str]:
        return frozenset((*self.needs, *self.takes, *(("trail", "trail_percent") if self.trails else ())))

    @property
    def repeated(self) -> tuple[str, ...]:
        """Fields that the broker repeats as they were sent: the stop of what trails moves by itself."""
        return (*_COMMON, *(name for name in PRICES if name in self.allowed and not (self.trails and name == "stop")))


SHAPES: Final[Mapping[OrderType, Shape]] = MappingProxyType(
    {
        OrderType.MARKET: Shape(at_any_price=True),
        OrderType.LIMIT: Shape(needs=("limit",)),
        OrderType.STOP: Shape(needs=("stop",), at_any_price=True),
        OrderType.STOP_LIMIT: Shape(needs=("limit", "stop")),
        OrderType.TRAIL: Shape(takes=("stop",), trails=True, at_any_price=True),
        OrderType.TRAIL_LIMIT: Shape(needs=("stop", "limit_offset"), trails=True),
        OrderType.MARKET_IF_TOUCHED: Shape(needs=("stop",), at_any_price=True),
        OrderType.LIMIT_IF_TOUCHED: Shape(needs=("limit", "stop")),
        OrderType.MARKET_ON_CLOSE: Shape(at_any_price=True),
        OrderType.LIMIT_ON_CLOSE: Shape(needs=("limit",)),
        OrderType.MIDPRICE: Shape(takes=("limit",)),
        OrderType.RELATIVE: Shape(takes=("limit", "offset")),
        OrderType.PEG_MID: Shape(takes=("limit", "offset")),
    }
)


class TimeInForce(StrEnum):
    DAY = "DAY"
    GTC = "GTC"
    IOC = "IOC"
    GTD = "GTD"
    OPG = "OPG"
    FOK = "FOK"


class OcaType(StrEnum):
    """What becomes of the others of a group when one fills. Source: TWS API, "One-Cancels All"."""

    CANCEL = "cancel"
    """They are cancelled; only one of them is at the exchange at a time."""
    REDUCE = "reduce"
    """They shrink by what has filled; only one of them is at the exchange at a time."""
    REDUCE_OPEN = "reduce_open"
    """They shrink by what has filled, and all are at the exchange: several may fill at once."""


@dataclass(frozen=True, slots=True)
class Oca:
    """One cancels all: the orders that name the same group."""

    group: str
    type: OcaType = OcaType.CANCEL


@dataclass(frozen=True, slots=True)
class Algo:
    """One of IBKR's own programs, by its name and parameters, both as IBKR spells them."""

    strategy: str
    params: tuple[tuple[str, str], ...] = ()


class ConditionType(StrEnum):
    PRICE = "price"
    TIME = "time"
    MARGIN = "margin"
    EXECUTION = "execution"
    VOLUME = "volume"
    PERCENT_CHANGE = "percent_change"


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that must come true before the order awakes. Source: TWS API, "Order Conditioning".

    `value` is a price, a margin cushion in percent, a number of shares or a change in percent.
    """

    type: ConditionType
    above: bool = True
    """True: at or above `value`, or after `at`; False: at or below it, or before."""
    value: Decimal | None = None
    at: datetime | None = None
    conid: int = 0
    symbol: str = ""
    sec_type: str = "STK"
    exchange: str = "SMART"
    either: bool = False
    """Joined to the next one by "or" in place of "and"."""

    @property
    def of_a_contract(self) -> bool:
        return self.type in (ConditionType.PRICE, ConditionType.VOLUME, ConditionType.PERCENT_CHANGE)


@dataclass(frozen=True, slots=True)
class Conditions:
    items: tuple[Condition, ...]
    outside_rth: bool = False
    """They may also come true outside regular trading hours."""
    cancels: bool = False
    """The order works at once, and is cancelled when they come true."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What a stop becomes once the market has reached `trigger`. Source: TWS API, "Adjustable Stops"."""

    trigger: Decimal
    type: OrderType
    stop: Decimal
    limit: Decimal | None = None
    trail: Decimal | None = None
    trail_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """The part of an order that a change may replace. Prices in the contract's currency."""

    side: Side
    qty: Decimal
    type: OrderType
    limit: Decimal | None = None
    """The worst price that it accepts; of MIDPRICE, RELATIVE and PEG_MID a cap."""
    stop: Decimal | None = None
    """The price that awakes it; of what trails, the first one."""
    tif: TimeInForce = TimeInForce.DAY
    outside_rth: bool = False
    trail: Decimal | None = None
    """How far the stop follows behind the market."""
    trail_percent: Decimal | None = None
    limit_offset: Decimal | None = None
    """How far the limit stands from a stop that trails."""
    offset: Decimal | None = None
    """How much more aggressive than the price it is pegged to."""
    good_till: datetime | None = None
    """With GTD."""
    good_after: datetime | None = None
    """It works from then on."""
    display_qty: Decimal | None = None
    """What the exchange shows of it at a time."""
    min_qty: Decimal | None = None
    """It fills at least this much at once."""
    all_or_none: bool = False
    hidden: bool = False
    oca: Oca | None = None
    conditions: Conditions | None = None
    algo: Algo | None = None
    adjust: Adjustment | None = None

    @property
    def abilities(self) -> tuple[str, ...]:
        """What a door must be able to do to carry this, by the names of GET /capabilities."""
        named = [name for name in _SPECIAL if getattr(self, name) not in (None, False)]
        return (f"order.type.{self.type}", f"order.tif.{self.tif}", *(f"order.{name}" for name in named))

    def repeats(self, told: Terms) -> bool:
        """Whether the broker's version asks the same of the market; what it does not repeat is not compared."""
        return all(getattr(self, name) == getattr(told, name) for name in self.type.shape.repeated)

    def amended(self, told: Terms) -> Terms:
        """These terms with what the broker tells of them; another type of order is taken over as it is told."""
        if told.type is not self.type:
            return told
        return replace(self, **{name: getattr(told, name) for name in self.type.shape.repeated})


@dataclass(frozen=True, slots=True)
class ChangeOrder:
    """New values for a working order; None leaves a value as it is."""

    qty: Decimal | None = None
    limit: Decimal | None = None
    stop: Decimal | None = None
    tif: TimeInForce | None = None
    trail: Decimal | None = None
    trail_percent: Decimal | None = None
    limit_offset: Decimal | None = None
    offset: Decimal | None = None
    confirmed: frozenset[str] = frozenset()
    """IBKR's message ids that the caller has seen and confirms."""

    @property
    def named(self) -> Mapping[str, Any]:
        """The fields that are to change, by name."""
        fields = ("qty", *PRICES, "tif")
        return {name: value for name in fields if (value := getattr(self, name)) is not None}

    def applied_to(self, terms: Terms) -> Terms:
        return replace(terms, **self.named)
