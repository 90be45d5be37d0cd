"""What a guard is told and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.order import Terms
from ibkr_bridge.domain.world import World


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be sent, with the terms that would result."""

    account: str
    contract: Contract
    terms: Terms


@dataclass(frozen=True, slots=True)
class View:
    """What the guards may know of the house and the world at this moment."""

    read_only: bool
    expected_world: World
    allow_live: bool
    pinned_account: str | None
    session_accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Denial:
    """`guard` names the file; `limit` and `value` are what was compared."""

    guard: str
    detail: str
    advice: str
    limit: str | None = None
    value: str | None = None


Guard = Callable[[Intent, View], Denial | None]
