"""What a guard is told and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.interruptions import Interruption
from ibkr_bridge.domain.order import Order
from ibkr_bridge.domain.terms import OrderType, Side, Terms
from ibkr_bridge.domain.world import World


class TradingState(StrEnum):
    ACTIVE = "active"
    REDUCING = "reducing"
    """Only orders that bring a position nearer to zero."""
    HALTED = "halted"
    """Only cancels."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator allows. None and empty switch a guard off; money in `base_currency`, times in seconds."""

    base_currency: str = "CHF"
    max_order_value: Decimal | None = None
    max_rate_age: float = 300.0
    allow_market_orders: bool = True
    market_hours: bool = False
    max_quantity: Decimal | None = None
    price_collar_percent: Decimal | None = None
    max_quote_age: float = 60.0
    orders_per_minute: int | None = None
    open_orders_per_side: int | None = None
    max_position: Decimal | None = None
    max_exposure: Decimal | None = None
    allowed_symbols: frozenset[str] = frozenset()
    denied_symbols: frozenset[str] = frozenset()
    repeat_seconds: float = 0.0
    reset_margin: float = 0.0


@dataclass(frozen=True, slots=True)
class Price:
    """A price with its age in seconds; `stale` says why it may no longer be true."""

    value: Decimal
    age: float
    stale: str | None = None


@dataclass(frozen=True, slots=True)
class Fresh:
    """What has just filled and may not be in the told position yet: the most either way, both at or above zero."""

    bought: Decimal = Decimal(0)
    sold: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Recent:
    """An order that was let through lately."""

    at: datetime
    conids: tuple[int, ...]
    terms: Terms


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be sent, with the terms that would result. `replaces` is the order that a change is about."""

    account: str
    contract: Contract
    terms: Terms
    replaces: Order | None = None

    @property
    def multiplier(self) -> Decimal:
        return self.contract.multiplier or Decimal(1)

    @property
    def conids(self) -> tuple[int, ...]:
        """Of the contracts whose positions it moves."""
        return tuple(part.conid for part in self.contract.parts)

    @property
    def signed_qty(self) -> Decimal:
        return self.terms.qty if self.terms.side is Side.BUY else -self.terms.qty


@dataclass(frozen=True, slots=True)
class View:
    """What the guards may know of the house and the world at this moment."""

    read_only: bool
    expected_world: World
    allow_live: bool
    pinned_account: str | None
    session_accounts: tuple[str, ...]
    now: datetime
    state: TradingState = TradingState.ACTIVE
    limits: Limits = field(default_factory=Limits)
    bid: Price | None = None
    ask: Price | None = None
    last: Price | None = None
    gross: Price | None = None
    """Of a combo alone: what its legs come to without their signs, since its own price may be near zero."""
    rate: Price | None = None
    """Units of the base currency for one of the contract's currency."""
    market_open: bool | None = None
    """None: no calendar knows the exchange."""
    next_open: datetime | None = None
    hours_late: bool = False
    """The calendar was asked and has not answered in time."""
    told: bool = True
    """Whether the broker has told the positions since the session was last lost."""
    position: Decimal = Decimal(0)
    """As last told."""
    fresh: Fresh = field(default_factory=Fresh)
    exposure: Decimal | None = Decimal(0)
    """What every other contract of the account may come to, in the base currency; None: not known."""
    unvalued: str | None = None
    """The contract for which `exposure` is not known."""
    working: tuple[Order, ...] = ()
    """Orders of the account that may still fill, unknown ones included, without the one a change replaces."""
    recent: tuple[Recent, ...] = ()
    interruption: Interruption | None = None
    """The next one that is known in advance."""

    def held(self, side: Side) -> Decimal:
        """The position at its worst for an order on that side: each fresh fill counts where it makes matters worse."""
        return self.position + self.fresh.bought if side is Side.BUY else self.position - self.fresh.sold

    def market_of(self, intent: Intent) -> Price | None:
        """What the order would meet at once."""
        return (self.ask if intent.terms.side is Side.BUY else self.bid) or self.last

    def worst_of(self, intent: Intent) -> Decimal | None:
        """The worst price that it accepts; None where nothing bounds it, or what bounds it is not known."""
        terms = intent.terms
        sign = 1 if terms.side is Side.BUY else -1
        if terms.limit is not None:
            return terms.limit
        if terms.limit_offset is not None and terms.stop is not None:
            return terms.stop + sign * terms.limit_offset
        peg = self._peg(terms)
        return None if peg is None else peg + sign * (terms.offset or 0)

    def price_of(self, intent: Intent) -> Price | None:
        """What the order would pay or get at most; None where that is not known.

        A limit to buy is the most that is paid; a limit to sell is the least that is got, and a stop bounds nothing:
        with those the market counts where it is higher, and nothing is known without it. The price of a combo may be
        below zero, where the most is paid or got at either end.
        """
        terms, market = intent.terms, self.market_of(intent)
        own = self.worst_of(intent)
        if terms.side is Side.BUY and terms.limit is not None and (market is None or not intent.contract.legs):
            return Price(terms.limit, 0.0)
        own = terms.stop if own is None else own
        if own is None or market is None:
            return market
        return Price(max(own, market.value, key=abs), market.age, market.stale)

    def _peg(self, terms: Terms) -> Decimal | None:
        """The price to which an order without a limit is pegged: its own side of the quote, or the middle of it."""
        near = self.bid if terms.side is Side.BUY else self.ask
        if terms.type is OrderType.RELATIVE:
            return near.value if near else None
        if terms.type is not OrderType.PEG_MID or self.bid is None or self.ask is None:
            return None
        return (self.bid.value + self.ask.value) / 2


@dataclass(frozen=True, slots=True)
class Denial:
    """`guard` names the file; `limit` and `value` are what was compared."""

    guard: str
    detail: str
    advice: str
    limit: str | None = None
    value: str | None = None
    retry_at: datetime | None = None
    """When the same order may pass."""


Guard = Callable[[Intent, View], Denial | None]
