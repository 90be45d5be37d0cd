"""Every session of the door: who is logged in, who holds the brokerage session, and when that ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ibkr_sim.webapi.sessions.portal import Access, PortalSession
from ibkr_sim.webapi.settings import WebApiSettings

SignedKey = tuple[Access, str]


class Sessions:
    """One user, one brokerage session (Web API: "Authentication"). Time passes in `expire` alone."""

    def __init__(
        self,
        settings: WebApiSettings,
        account: str,
        now: Callable[[], datetime],
        token: Callable[[], str],
    ) -> None:
        """`account` is selected at first; `token` gives a new random name, in hexadecimal."""
        self._settings, self._account, self._now, self._token = settings, account, now, token
        self.gateway: PortalSession | None = None
        self.known = False
        """Whether anybody has logged in at the gateway yet."""
        self.signed: dict[SignedKey, PortalSession] = {}
        self.holder: PortalSession | None = None
        """Who has the brokerage session."""
        self.elsewhere: Callable[[], bool] = lambda: False
        """Whether the user is logged in at another door, from where only `compete` brings the brokerage here."""
        self._zone = ZoneInfo(settings.time_zone)
        self._midnight = self._next_midnight()
        self._listeners: list[Callable[[PortalSession], None]] = []

    def __iter__(self) -> Iterator[PortalSession]:
        if self.gateway is not None:
            yield self.gateway
        yield from self.signed.values()

    def on_change(self, listener: Callable[[PortalSession], None]) -> None:
        """Call `listener` with every session whose status has changed."""
        self._listeners.append(listener)

    def log_in(self) -> PortalSession:
        """The gateway's login; IBKR's gateway then opens the brokerage session by itself. A login before it ends."""
        self.expire()
        if self.gateway is not None:
            self.log_out(self.gateway)
        self.gateway, self.known = self._opened(Access.GATEWAY), True
        self.initialise(self.gateway, compete=False, bridged=True)
        return self.gateway

    def sign_in(self, access: Access, name: str) -> PortalSession:
        """A session for a new live session token or bearer; one of the same name ends."""
        self.expire()
        former = self.signed.get((access, name))
        if former is not None:
            self.log_out(former)
        session = self.signed[access, name] = self._opened(access)
        return session

    def log_out(self, session: PortalSession) -> None:
        """End it, and the brokerage session if it has it."""
        self._release(session)
        if session is self.gateway:
            self.gateway = None
        self.signed = {key: kept for key, kept in self.signed.items() if kept is not session}
        self._changed(session)

    def initialise(self, session: PortalSession, *, compete: bool, bridged: bool) -> bool:
        """Open the brokerage session for it; False while another one has it and is not to be disturbed."""
        holder = self.holder
        if holder is not None and holder is not session:
            if not compete:
                session.competing = True
                return False
            self._release(holder)
            holder.competing = True
        elif holder is None and not compete and self.elsewhere():
            session.competing = True
            return False
        self.holder = session
        if holder is not None and holder is not session:
            self._changed(holder)
        session.bridged, session.competing = bridged, False
        session.established_at = self._now() + self._settings.unsettled.establishing
        session.restart()
        self._changed(session)
        return True

    def drop_brokerage(self, session: PortalSession) -> None:
        """The brokerage session ends, the login stays."""
        self._release(session)
        self._changed(session)

    def is_authenticated(self, session: PortalSession) -> bool:
        return self.holder is session

    def is_established(self, session: PortalSession) -> bool:
        """Whether the accounts' data has loaded, too."""
        at = session.established_at
        return self.is_authenticated(session) and at is not None and at <= self._now()

    def touch(self, session: PortalSession) -> None:
        """A request has come."""
        session.seen = session.used = self._now()

    def keep(self, session: PortalSession) -> None:
        """The gateway itself has asked: the login stays, the brokerage session goes on idling."""
        session.seen = self._now()

    def expires_in(self, session: PortalSession) -> timedelta:
        """Until the login ends, if nothing is heard of it."""
        return max(session.seen + self._settings.login_timeout - self._now(), timedelta(0))

    def expire(self) -> None:
        """End what has outlived its time."""
        now = self._now()
        turned = now >= self._midnight
        if turned:
            self._midnight = self._next_midnight()
        for session in tuple(self):
            self._expire(session, now, turned=turned)

    def _expire(self, session: PortalSession, now: datetime, *, turned: bool) -> None:
        settings, quiet, idle = self._settings, now - session.seen, now - session.used
        too_old = now - session.started >= settings.longest_session
        if too_old or (not session.signed and (turned or quiet >= settings.login_timeout)):
            self.log_out(session)
        elif (turned or idle >= settings.idle_timeout) and self.holder is session:
            self.drop_brokerage(session)

    def _opened(self, access: Access) -> PortalSession:
        return PortalSession(access, self._token(), self._account, self._now())

    def _release(self, session: PortalSession) -> None:
        session.bridged, session.competing, session.established_at = False, False, None
        session.restart()
        if self.holder is session:
            self.holder = None

    def _changed(self, session: PortalSession) -> None:
        for listener in tuple(self._listeners):
            listener(session)

    def _next_midnight(self) -> datetime:
        tomorrow = self._now().astimezone(self._zone).date() + timedelta(days=1)
        return datetime.combine(tomorrow, time.min, self._zone).astimezone(UTC)
