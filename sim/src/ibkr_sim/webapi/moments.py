"""What faults may do to the sessions and sockets of this door."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, Protocol

from ibkr_sim.faults.ports import Thin
from ibkr_sim.webapi.oauth.provider import Provider
from ibkr_sim.webapi.sessions.portal import Access, PortalSession
from ibkr_sim.webapi.sessions.registry import Sessions

NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Sockets(Protocol):
    """The WebSockets that are open."""

    def end_topics(self, name: str | None, pattern: str) -> None: ...

    def close_sockets(self, name: str | None, code: int) -> None: ...


class Interventions:
    """A name is a session's way in: gateway, oauth1, oauth2; None means every session."""

    def __init__(
        self, sessions: Sessions, provider: Provider, now: Callable[[], datetime], token: Callable[[], str]
    ) -> None:
        """To be made before whoever else hears of sessions, so that they hear of them as they are."""
        self._sessions, self._provider, self._now = sessions, provider, now
        self._rival = PortalSession(Access.GATEWAY, token(), "", now())
        self._held_back = self._logged_out = False
        self._sockets: Sockets | None = None
        sessions.on_change(self._hold)

    def attach(self, sockets: Sockets) -> None:
        self._sockets = sockets

    def log_in(self) -> None:
        """Nothing unless it was a fault that has logged the user out."""
        if self._logged_out and self._sessions.gateway is None:
            self._sessions.log_in()
        self._logged_out = False

    def log_out(self, name: str | None, *, forgotten: bool = False) -> None:
        for session in self._named(name):
            self._logged_out = self._logged_out or session is self._sessions.gateway
            self._sessions.log_out(session)
        if forgotten:
            self._sessions.known = False

    def end_tokens(self, name: str | None) -> None:
        for (access, token), session in tuple(self._sessions.signed.items()):
            if name in (None, access.value):
                self._provider.end(token)
                self._sessions.log_out(session)

    def drop_brokerage(self, name: str | None) -> None:
        for session in self._named(name):
            self._sessions.drop_brokerage(session)

    def unbridge(self, name: str | None) -> None:
        for session in self._named(name):
            session.bridged = False
            session.progress.accounts_asked = False

    def forget_accounts(self, name: str | None) -> None:
        for session in self._named(name):
            session.progress.accounts_asked = False

    def hold_back(self, *, held: bool) -> None:
        self._held_back = held
        holder = self._sessions.holder
        if holder is not None:
            holder.established_at = NEVER if held else self._now()

    def compete(self) -> None:
        if self._sessions.holder is not self._rival:
            self._sessions.initialise(self._rival, compete=True, bridged=True)

    def end_competition(self) -> None:
        if self._sessions.holder is self._rival:
            self._sessions.drop_brokerage(self._rival)
        for session in self._sessions:
            session.competing = False

    def make_thin(self, name: str | None, what: Thin) -> None:
        for session in self._named(name):
            asked = session.progress.asked
            asked -= {row for row in asked if row == what or row.startswith(f"{what}/")}
            if what is Thin.SNAPSHOT:
                for line in session.progress.lines.values():
                    line.fields.clear()

    def end_topics(self, name: str | None, pattern: str) -> None:
        if self._sockets is not None:
            self._sockets.end_topics(name, pattern)

    def close_sockets(self, name: str | None, code: int) -> None:
        if self._sockets is not None:
            self._sockets.close_sockets(name, code)

    def _named(self, name: str | None) -> Iterator[PortalSession]:
        return iter([session for session in self._sessions if name in (None, session.access.value)])

    def _hold(self, session: PortalSession) -> None:
        if self._held_back and self._sessions.holder is session:
            session.established_at = NEVER
