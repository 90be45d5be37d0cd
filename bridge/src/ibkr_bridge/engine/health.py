"""Is it safe to trade? One view of the session, the world and the switches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ibkr_bridge.domain.interruptions import Interruption
from ibkr_bridge.domain.session import Session
from ibkr_bridge.domain.world import World, strangers
from ibkr_bridge.engine.guarding.outlook import Outlook
from ibkr_bridge.engine.recorder import Recorder
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.guards.verdict import TradingState
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.journal import Journal
from ibkr_bridge.ports.upstream import Capabilities, Upstream


@dataclass(frozen=True, slots=True)
class HealthView:
    status: Literal["healthy", "degraded"]
    session: Session
    world: World
    door: str
    client_id: int | None
    read_only: bool
    trading: bool
    why_not_trading: tuple[str, ...]
    warnings: tuple[str, ...]
    next_interruption: Interruption | None
    at: datetime
    uptime_seconds: float


class Health:
    def __init__(
        self,
        upstream: Upstream,
        clock: Clock,
        settings: EngineSettings,
        *,
        sessions: Sessions,
        outlook: Outlook,
        recorder: Recorder,
        journal: Journal,
    ) -> None:
        self._upstream = upstream
        self._clock = clock
        self._settings = settings
        self._sessions = sessions
        self._outlook = outlook
        self._recorder = recorder
        self._journal = journal
        self._started = clock.monotonic()

    def view(self) -> HealthView:
        session = self._sessions.current
        obstacles = self._obstacles(session)
        capabilities = self._upstream.capabilities
        return HealthView(
            status="healthy" if session.ready else "degraded",
            session=session,
            world=self._settings.world,
            door=capabilities.door,
            client_id=capabilities.client_id,
            read_only=self._settings.read_only,
            trading=not obstacles,
            why_not_trading=obstacles,
            warnings=self._warnings(),
            next_interruption=self._outlook.interruption,
            at=self._clock.now(),
            uptime_seconds=round(self._clock.monotonic() - self._started, 3),
        )

    def capabilities(self) -> Capabilities:
        return self._upstream.capabilities

    def _warnings(self) -> tuple[str, ...]:
        """What does not stop trading, and somebody should see to."""
        warning = self._journal.warning
        return () if warning is None else (warning,)

    def _obstacles(self, session: Session) -> tuple[str, ...]:
        obstacles = []
        if not session.ready:
            obstacles.append(session.reason or f"The session with IBKR is {session.state}.")
        if self._outlook.state is not TradingState.ACTIVE:
            obstacles.append(f"Trading is {self._outlook.state} (POST /admin/resume).")
        if self._recorder.problem is not None:
            obstacles.append(f"The journal cannot be written: {self._recorder.problem}.")
        if self._settings.read_only:
            obstacles.append("The service is read-only (IBKR_SERVICE_READ_ONLY).")
        if foreign := strangers(self._settings.world, session.accounts):
            obstacles.append(f"The session's accounts are not {self._settings.world}: {', '.join(foreign)}.")
        if self._settings.world is World.LIVE and not self._settings.allow_live:
            obstacles.append("Live trading is switched off (IBKR_SERVICE_ALLOW_LIVE).")
        return tuple(obstacles)
