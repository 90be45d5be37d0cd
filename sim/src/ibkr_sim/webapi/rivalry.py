"""One user at both doors: whoever has the brokerage session here takes the market data from TWS."""

from __future__ import annotations

from ibkr_sim.faults.faults import Faults
from ibkr_sim.faults.injection import Injection
from ibkr_sim.webapi.sessions.portal import PortalSession
from ibkr_sim.webapi.sessions.registry import Sessions

CONSEQUENCE = "competing_session"
"""What happens at the TWS door meanwhile: 10197 on every quote."""


class Rivalry:
    def __init__(self, sessions: Sessions, faults: Faults) -> None:
        self._sessions, self._faults = sessions, faults
        self._injection: Injection | None = None
        sessions.on_change(self._compare)
        self._settle()

    def _compare(self, _session: PortalSession) -> None:
        self._settle()

    def _settle(self) -> None:
        if self._sessions.holder is not None and self._injection is None:
            self._injection = self._faults.inject(CONSEQUENCE)
        elif self._sessions.holder is None and self._injection is not None:
            self._faults.remove(self._injection)
            self._injection = None
