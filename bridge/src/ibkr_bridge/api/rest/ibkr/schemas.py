"""Shapes of /api/ibkr: ours, with a `success` in front."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field

from ibkr_bridge.api.rest.account.schemas import POSITIONS, AsOf, PositionAnswer, Stale
from ibkr_bridge.api.rest.orders.schemas import ORDER, OrderAnswer
from ibkr_bridge.engine.health import HealthView


@dataclass(frozen=True, slots=True)
class ConnectionAnswer:
    """The way to IBKR, and whether an order would be let through."""

    success: Literal[True]
    connected: bool
    authenticated: bool
    message: str
    state: str
    door: str
    account: Annotated[str | None, Field(description="The only one of the session, or the pinned one")]
    accounts: tuple[str, ...]
    trading: bool
    why_not_trading: tuple[str, ...]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class BotPositionsAnswer:
    success: Literal[True]
    positions: tuple[PositionAnswer, ...]
    count: int
    as_of: AsOf
    stale: Stale


@dataclass(frozen=True, slots=True)
class BotPositionAnswer:
    """`position` is null when nothing is held."""

    success: Literal[True]
    symbol: str
    position: PositionAnswer | None
    as_of: AsOf
    stale: Stale


@dataclass(frozen=True, slots=True)
class BotOrdersAnswer:
    """Orders that may still fill, newest first."""

    success: Literal[True]
    orders: tuple[OrderAnswer, ...]
    count: int
    as_of: datetime
    stale: Stale


@dataclass(frozen=True, slots=True)
class BotOrderAnswer:
    success: Literal[True]
    message: str
    order: OrderAnswer


def connection_answer(view: HealthView, message: str) -> ConnectionAnswer:
    session = view.session
    return ConnectionAnswer(
        success=True,
        connected=session.connected,
        authenticated=session.ready,
        message=message,
        state=session.state.value,
        door=view.door,
        account=session.accounts[0] if len(session.accounts) == 1 else None,
        accounts=session.accounts,
        trading=view.trading,
        why_not_trading=view.why_not_trading,
        as_of=view.at,
    )


_AT = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
CONNECTION = ConnectionAnswer(
    success=True,
    connected=True,
    authenticated=True,
    message="Connected to IBKR.",
    state="ready",
    door="tws",
    account="DU123456",
    accounts=("DU123456",),
    trading=True,
    why_not_trading=(),
    as_of=_AT,
)
BOT_POSITIONS = BotPositionsAnswer(success=True, positions=POSITIONS.positions, count=1, as_of=_AT, stale=None)
BOT_POSITION = BotPositionAnswer(success=True, symbol="AAPL", position=POSITIONS.positions[0], as_of=_AT, stale=None)
BOT_ORDERS = BotOrdersAnswer(success=True, orders=(ORDER,), count=1, as_of=_AT, stale=None)
BOT_ORDER = BotOrderAnswer(success=True, message="The order is working.", order=ORDER)
