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
from ibkr_bridge.domain.terms import Side, Terms
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
    rate: Price | None = None
    """Units of the base currency for one of the contract's currency."""
    market_open: bool | None = None
    """None: no calendar knows the exchange."""
    next_open: datetime | None = None
    position: Decimal = Decimal(0)
    exposure: Decimal | None = Decimal(0)
    """Absolute value of every other position of the account, in the base currency; None: not known."""
    working: tuple[Order, ...] = ()
    """Orders of the account that may still fill, unknown ones included, without the one a change replaces."""
    recent: tuple[Recent, ...] = ()
    interruption: Interruption | None = None
    """The next one that is known in advance."""

    def price_of(self, intent: Intent) -> Price | None:
        """What the order would pay or get at most: its own price, else the market's."""
        terms = intent.terms
        if terms.limit is not None:
            return Price(terms.limit, 0.0)
        market = (self.ask if terms.side is Side.BUY else self.bid) or self.last
        if terms.stop is not None:
            awake = terms.stop + (terms.limit_offset or 0)
            return Price(max(awake, market.value), market.age, market.stale) if market else Price(awake, 0.0)
        return market


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
