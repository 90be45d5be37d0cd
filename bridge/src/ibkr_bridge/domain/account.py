"""An account's figures as the broker reports them, each with its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar

from ibkr_bridge.domain.contract import Contract

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """A value with its age: when the broker last confirmed it, and why it may be out of date (None: it is not)."""

    value: T
    as_of: datetime
    stale: str | None = None


@dataclass(frozen=True, slots=True)
class AccountFigure:
    """One figure of the account summary, as text because IBKR mixes numbers and words."""

    value: str
    currency: str
    account: str


@dataclass(frozen=True, slots=True)
class AccountSummary:
    account: str
    figures: Mapping[str, AccountFigure]
    """By IBKR's tag: NetLiquidation, TotalCashValue, BuyingPower ..."""


@dataclass(frozen=True, slots=True)
class Position:
    """What an account holds. Values in the contract's currency; None until the broker has said."""

    account: str
    contract: Contract
    qty: Decimal
    avg_cost: Decimal
    market_price: Decimal | None = None
    market_value: Decimal | None = None
    daily_pnl: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    realized_pnl: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Pnl:
    """Profit and loss of an account, in its base currency; None where the broker has no figure."""

    account: str
    daily: Decimal | None
    unrealized: Decimal | None
    realized: Decimal | None
