"""What can be chosen about this door; times in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from ibkr_bridge.upstream.webapi.limits import Limits
from ibkr_bridge.upstream.webapi.oauth.keys import Credentials

GATEWAY = "https://127.0.0.1:5000/v1/api"
"""The gateway program listens on IPv4 alone, so it is named by its address."""
IBKR = "https://api.ibkr.com/v1/api"


@dataclass(frozen=True, slots=True)
class WebApiSettings:
    """Raises ValueError for what would be unsafe or makes no sense."""

    url: str = GATEWAY
    credentials: Credentials | None = field(default=None, repr=False)
    """With them every request is signed; without, a gateway holds the login."""
    account: str | None = None
    """The account that the session must hold."""
    compete: bool = False
    """Whether to take the brokerage session from another login of the same user."""
    log_out: bool = False
    """Whether to end the login when the service stops; a gateway's must then be made anew by hand."""
    verify_tls: bool = True
    """May be switched off for a gateway on this machine only."""
    fingerprint_file: Path | None = None
    """Where the fingerprint of the gateway's own certificate is kept; without it, in memory."""
    limits: Limits = field(default_factory=Limits)
    connect_timeout: float = 10.0
    request_timeout: float = 15.0
    """IBKR's front gives up after 10 s with an empty 503: that answer is waited for."""
    tickle_interval: float = 60.0
    establish_timeout: float = 60.0
    """For accounts to load after the brokerage session has begun."""
    step: float = 1.0
    """Between two looks at something that is coming about, and before a thin answer is asked for again."""
    init_retry: float = 3.0
    init_attempts: int = 4
    retry_first: float = 0.5
    retry_most: float = 30.0
    retry_refused: float = 300.0
    """The longest wait after refused credentials: who insists gets the login itself refused."""
    penalty: float = 900.0
    """IBKR's penalty box, after an answer 429."""
    renew_before: float = 600.0
    """How long before its end the live session token is renewed."""
    clock_skew: float = 60.0
    """A clock that differs more from IBKR's is blamed for a refused signature."""
    stream_patience: float = 5.0
    """How long a new session waits for its WebSocket."""
    socket_silence: float = 30.0
    """IBKR sends a heartbeat every 10 s on the WebSocket; after this silence it counts as dead."""
    topic_renewal: float = 600.0
    """Market data topics end after 15 minutes unless they are asked for again."""
    first_price: float = 1.5
    """How long a market data topic may be silent before the snapshot is asked."""
    snapshot_interval: float = 2.0
    """Between two snapshots of a contract while the stream does not serve it."""
    order_word: float = 1.0
    """How long the order topic may be silent about an order before its status is asked."""
    inactive_after: float = 3.0
    """How long a new order may be inactive before that means a refusal: all pass through that state."""
    positions_interval: float = 5.0
    pnl_silence: float = 15.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", self.url.rstrip("/"))
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{self.url!r} is not an address like {GATEWAY}")
        if not self.loopback and parts.scheme != "https":
            raise ValueError(f"{self.url}: only a gateway on this machine may be spoken to without TLS")
        if not self.loopback and not self.verify_tls:
            raise ValueError("the certificate check can be switched off for a gateway on this machine only")
        if not self.loopback and self.credentials is None:
            raise ValueError(f"{self.url}: a gateway must run on this machine, or OAuth must be set up")

    @property
    def loopback(self) -> bool:
        host = urlsplit(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def where(self) -> str:
        """The far end, for messages."""
        return urlsplit(self.url).netloc

    @property
    def origin(self) -> str:
        return f"{urlsplit(self.url).scheme}://{urlsplit(self.url).netloc}"
