"""Shapes of the answers about the service itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from ibkr_bridge.domain.interruptions import Interruption
from ibkr_bridge.domain.session import Session
from ibkr_bridge.domain.world import World
from ibkr_bridge.engine.health import HealthView

NAME = "ibkr-bridge"
Status = Literal["healthy", "degraded"]


@dataclass(frozen=True, slots=True)
class Welcome:
    """The front page."""

    service: str
    status: Literal["running"]
    connected: bool
    timestamp: datetime
    version: str
    docs: str


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """The process: healthy as long as it answers."""

    status: Literal["healthy"]
    version: str
    uptime_seconds: float
    read_only: bool
    world: World


@dataclass(frozen=True, slots=True)
class IbkrHealth:
    """The way to IBKR."""

    authenticated: bool
    connected: bool
    state: str
    since: datetime
    accounts: tuple[str, ...]
    code: str | None
    reason: str | None
    door: str
    server_version: int | None
    client_id: int | None


@dataclass(frozen=True, slots=True)
class InterruptionAnswer:
    """Known in advance: a reset of IBKR's, or the gateway's own restart."""

    starts_at: datetime
    ends_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """`status` is degraded while the broker is away; `trading` says whether an order would be let through."""

    status: Status
    ib_connected: bool
    authenticated: bool
    timestamp: datetime
    service: ServiceHealth
    ibkr: IbkrHealth
    trading: bool
    why_not_trading: tuple[str, ...]
    warnings: tuple[str, ...]
    next_interruption: InterruptionAnswer | None


@dataclass(frozen=True, slots=True)
class Alive:
    status: Literal["alive"]


@dataclass(frozen=True, slots=True)
class Ready:
    status: Literal["ready"]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class HandshakeAnswer:
    """IBKR answered; `latency_ms` is how long that took."""

    connected: bool
    latency_ms: float
    state: str
    server_version: int | None
    accounts: tuple[str, ...]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class CapabilitiesAnswer:
    """What this door to IBKR can do; `missing` gives the reason for each thing it cannot (answered 501)."""

    door: str
    client_id: int | None
    supported: tuple[str, ...]
    missing: dict[str, str]


def health_answer(view: HealthView, version: str) -> HealthAnswer:
    session = view.session
    return HealthAnswer(
        status=view.status,
        ib_connected=session.connected,
        authenticated=session.ready,
        timestamp=view.at,
        service=ServiceHealth("healthy", version, view.uptime_seconds, view.read_only, view.world),
        ibkr=_ibkr(session, view),
        trading=view.trading,
        why_not_trading=view.why_not_trading,
        warnings=view.warnings,
        next_interruption=_interruption(view.next_interruption),
    )


def _interruption(coming: Interruption | None) -> InterruptionAnswer | None:
    return InterruptionAnswer(coming.start, coming.end, coming.why) if coming else None


def _ibkr(session: Session, view: HealthView) -> IbkrHealth:
    return IbkrHealth(
        authenticated=session.ready,
        connected=session.connected,
        state=session.state.value,
        since=session.since,
        accounts=session.accounts,
        code=session.code,
        reason=session.reason,
        door=view.door,
        server_version=session.server_version,
        client_id=view.client_id,
    )


AT = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
WELCOME = Welcome(NAME, "running", connected=True, timestamp=AT, version="0.1.0", docs="/docs")
HEALTH = HealthAnswer(
    status="healthy",
    ib_connected=True,
    authenticated=True,
    timestamp=AT,
    service=ServiceHealth("healthy", "0.1.0", 42.5, read_only=True, world=World.PAPER),
    ibkr=IbkrHealth(
        authenticated=True,
        connected=True,
        state="ready",
        since=AT,
        accounts=("DU123456",),
        code=None,
        reason=None,
        door="tws",
        server_version=176,
        client_id=42,
    ),
    trading=False,
    why_not_trading=("The service is read-only (IBKR_SERVICE_READ_ONLY).",),
    warnings=(),
    next_interruption=InterruptionAnswer(
        datetime(2026, 11, 21, 5, 15, tzinfo=UTC),
        datetime(2026, 11, 21, 6, 45, tzinfo=UTC),
        "IBKR's reset (00:15-01:45 America/New_York)",
    ),
)
HANDSHAKE = HandshakeAnswer(
    connected=True, latency_ms=12.5, state="ready", server_version=176, accounts=("DU123456",), as_of=AT
)
CAPABILITIES = CapabilitiesAnswer(
    "tws", 42, ("market.quote", "order.place"), {"oauth": "TWS and IB Gateway are logged in on their own screen."}
)
