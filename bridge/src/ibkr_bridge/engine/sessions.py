"""The session with the broker, as the rest of the house sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from ibkr_bridge.domain.errors import BrokerAway
from ibkr_bridge.domain.session import Session
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.engine.topics import SESSION
from ibkr_bridge.ports.publisher import Publisher
from ibkr_bridge.ports.upstream import Upstream

_PATIENCE = 10.0
"""How long somebody may wait for the session, in seconds."""


@dataclass(frozen=True, slots=True)
class Handshake:
    latency_ms: float
    session: Session


class Sessions:
    def __init__(self, upstream: Upstream, publisher: Publisher, settings: EngineSettings) -> None:
        self._upstream = upstream
        self._publisher = publisher
        self._pinned = settings.account
        self._listeners: list[Callable[[Session], None]] = []
        self._moved = asyncio.Event()

    @property
    def current(self) -> Session:
        """As callers may see it: a pinned service shows no other account."""
        return self._shown(self._upstream.session)

    @property
    def held(self) -> tuple[str, ...]:
        """Every account of the session, for the guards."""
        return self._upstream.session.accounts

    @property
    def stale(self) -> str | None:
        """Why what we know may be out of date; None while the session is sound."""
        session = self.current
        return None if session.ready else session.reason or f"session is {session.state}"

    def listen(self, listener: Callable[[Session], None]) -> None:
        """Be told of each change. Listeners live as long as the engine."""
        self._listeners.append(listener)

    def changed(self, session: Session) -> None:
        self._moved.set()
        for listener in self._listeners:
            listener(session)
        self._publisher.publish(SESSION, self._shown(session))

    async def until_ready(self) -> None:
        """Wait a moment for the session. Raises BrokerAway when it does not come."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while not self.current.ready:
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            self.require()

    def require(self) -> None:
        """Raises BrokerAway while nothing can be asked."""
        session = self.current
        if not session.ready:
            raise BrokerAway(session.reason or f"The session with IBKR is {session.state}.")

    async def handshake(self) -> Handshake:
        """Ask the broker for the time. Raises BrokerAway, BrokerSilent."""
        self.require()
        seconds = await self._upstream.handshake()
        return Handshake(latency_ms=round(seconds * 1000, 3), session=self.current)

    def _shown(self, session: Session) -> Session:
        if self._pinned is None:
            return session
        return replace(session, accounts=tuple(account for account in session.accounts if account == self._pinned))
