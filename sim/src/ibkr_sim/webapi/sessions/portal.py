"""The outer session: a user who has logged in or signed, and what it knows of the brokerage behind it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from ibkr_sim.webapi.sessions.progress import Progress


class Access(StrEnum):
    """How a session was opened."""

    GATEWAY = "gateway"
    """By a login page; every caller of the gateway shares the session."""
    OAUTH1 = "oauth1"
    OAUTH2 = "oauth2"


class PortalSession:
    """`token` is the value that tickle shows and the WebSocket asks for."""

    def __init__(self, access: Access, token: str, account: str, now: datetime) -> None:
        self.access, self.token = access, token
        self.account = account
        """The account that is selected."""
        self.started = self.seen = self.used = now
        """When it began; when anything was heard of it; when a caller asked for something."""
        self.bridged = False
        """Whether it has asked for a brokerage session in the form that counts."""
        self.competing = False
        """Whether another session has taken the brokerage session, or holds it."""
        self.established_at: datetime | None = None
        self.progress = Progress()

    @property
    def signed(self) -> bool:
        return self.access is not Access.GATEWAY

    def restart(self) -> None:
        """Forget everything that a new brokerage session does not know."""
        self.progress = Progress()
