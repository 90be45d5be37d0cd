"""The state of the way to the broker, as callers see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SessionState(StrEnum):
    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    READY = "ready"
    DEGRADED = "degraded"
    """The socket stands, but the gateway has lost IBKR's servers, or what was subscribed to (1100 and 1101 of TWS)."""


@dataclass(frozen=True, slots=True)
class Session:
    """One look at the session; `reason` says in words why it is not ready, `code` says it to programs."""

    state: SessionState
    since: datetime
    accounts: tuple[str, ...] = ()
    code: str | None = None
    reason: str | None = None
    server_version: int | None = None
    attempt: int = 0
    opened_at: datetime | None = None
    """When this connection was made; what was sent before it can be looked for with fresh eyes."""

    @property
    def connected(self) -> bool:
        return self.state in (SessionState.READY, SessionState.DEGRADED)

    @property
    def ready(self) -> bool:
        return self.state is SessionState.READY
