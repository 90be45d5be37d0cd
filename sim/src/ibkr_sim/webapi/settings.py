"""What can be chosen about the Web API door."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from ibkr_sim.webapi.consumers import Consumer, Oauth2Client

PREFIXES: Final = ("/v1/api", "/v1/portal")
"""What every path begins with: either will do."""


class Entitlement(StrEnum):
    """What the user's market data subscription allows, as the first letter of field 6509."""

    LIVE = "R"
    DELAYED = "D"


class Unprimed(StrEnum):
    """What `/portfolio/{account}/*` answers before `/portfolio/accounts` was asked for."""

    EMPTY = "empty"
    REFUSED = "refused"
    SERVED = "served"


class OrderStream(StrEnum):
    """How the topic `sor` behaves."""

    SPEAKS = "speaks"
    SILENT = "silent"
    """It is accepted and never delivers anything, as seen on a gateway of build 10.46."""
    REFUSED = "refused"
    """`{"error":"unable to subscribe","code":500,"topic":"sor"}`, as seen on another."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Where records of IBKR's behaviour are missing or contradict each other; the defaults follow the wire."""

    accounts_first_status: int = 500
    """Of `Please query /accounts first`: 500 was recorded, 400 is in IBKR's OpenAPI."""
    bridging_shape: bool = False
    """Answer ssodh/init with `{"passed":true,...,"established":false}`, which is seen while a session comes up."""
    establishing: timedelta = timedelta(0)
    """Simulated time from ssodh/init until `established` is true."""
    logged_out_status: int = 200
    """Of auth/status without a login: 200 with `authenticated:false`, or 401."""
    lost_session_tickle: int = 200
    """Of tickle after a session has ended: 200 with `{"error":"no session"}`, or 401."""
    unprimed_portfolio: Unprimed = Unprimed.EMPTY
    account_called_all: bool = True
    """Whether a user with several accounts is told of one more, `All`."""
    stale_reply_status: int = 400
    """Of a reply to a question that is gone: 400 `reply id not found`, or 503."""
    one_round_at_a_time: bool = True
    """Whether a new order makes the questions of earlier ones stale."""
    questions_together: bool = False
    """Whether all questions about an order come under one id, or one after the other."""
    duplicate_status: int = 200
    """Of a client order id used twice within 24 hours: 200 or 400, with the same error text."""
    no_advisor_status: int = 500
    """Of a request for groups, presets or models of an advisor, which no account here is; nothing was recorded."""
    already_set_status: int = 200
    """Of switching to the account that is selected: 200 `{"success":...}`, or 500 `{"error":...}` as of old."""
    not_subscribed_status: int = 500
    """Of an unsubscribe without a subscription: 500 was recorded, clients expect 404 too."""
    stops_outside_hours_refused: bool = True
    """Whether a stop order that says `outsideRTH` is refused during regular hours."""
    manual_indicator_needed: bool = True
    """Whether orders for US futures and their options are refused that do not say `manualIndicator`."""
    bare_success: bool = False
    """Whether a single order's success is an object instead of a list of one."""
    day_reads_close: bool = True
    """Whether a live order's time in force DAY reads `CLOSE`."""
    subaccounts_paged: bool = False
    """Whether subaccounts2 answers with `metadata`, as documented, or with a bare list, as recorded."""
    filtered_orders_empty: bool = True
    """Whether a call for live orders with filters answers without any, and `snapshot:false`, once."""
    filters_silence_orders: bool = True
    """Whether filters keep the topic `sor` silent until a call with `force=true`."""
    order_stream: OrderStream = OrderStream.SPEAKS
    slow_looks: int = 2
    """Snapshots in which a greek, a volatility or an open interest is still missing; other fields miss one."""
    greeks_need_underlying: bool = False
    """Whether an option's greeks are told only while its underlying has a market data line too."""
    trades_sent: int = 2
    """How often the topic `str` tells an execution: first without its commission, then with it."""
    binary_frames: bool = False
    """Whether the WebSocket speaks in binary frames, as through IBKR's gateway, or in text."""
    tics_answered: int = 4
    """Copies of the answer to `tic`."""
    stream_life: timedelta = timedelta(minutes=15)
    """Simulated time after which a market data topic ends unless it is asked for again; 0 lets it live on."""
    timestamp_slack: float = 5.0
    """Seconds by which an OAuth timestamp may lie behind the latest one; 0 is the documented rule."""
    clock_skew: float = 300.0
    """Seconds by which an OAuth timestamp may differ from IBKR's clock."""


@dataclass(frozen=True, slots=True)
class WebApiSettings:
    """Raises ValueError for a session that cannot live."""

    host: str = "127.0.0.1"
    port: int | None = 5000
    """None leaves the door closed, 0 takes any free one."""
    tls: bool = False
    """Serve HTTPS with a certificate made at the start, signed by itself."""
    public_url: str = "https://api.ibkr.com"
    """The address under which clients may sign although they connect to another one."""
    auto_login: bool = False
    """Whether a user is logged in from the start, as behind a gateway whose login page was filled in."""
    username: str = "simulator"
    user_id: int = 99_000_001
    consumers: tuple[Consumer, ...] = ()
    oauth2_clients: tuple[Oauth2Client, ...] = ()
    user_agent_required: bool = True
    """Whether signed requests without User-Agent get the 403 page of IBKR's front."""
    idle_timeout: timedelta = timedelta(minutes=6)
    """Simulated time without a request after which the brokerage session ends."""
    login_timeout: timedelta = timedelta(minutes=10)
    """Simulated time without a request after which the login ends."""
    longest_session: timedelta = timedelta(hours=24)
    time_zone: str = "America/New_York"
    """The region whose midnight ends every session."""
    pacing: bool = True
    """Whether IBKR's limits are enforced. They count real time: a client's own limiter knows no other."""
    penalty: timedelta = timedelta(minutes=15)
    """Simulated time for which an address that has broken a limit is refused everything."""
    requests_per_second: int = 10
    signed_requests_per_second: int = 50
    """For users of OAuth."""
    entitlement: Entitlement = Entitlement.LIVE
    market_data_lines: int = 100
    depth: bool = True
    """Whether the user may see the depth of the book, which IBKR sells by itself; the topic `sbd` needs it."""
    questions: frozenset[str] = frozenset({"o163", "o354", "o383", "o451", "o10151", "o10153", "o10331"})
    """Message ids that are asked when they apply; the others never are."""
    percentage_limit: Decimal = Decimal(3)
    """How far a limit price may lie beyond the last price before o163 is asked, in percent."""
    size_limit: Decimal = Decimal(500)
    paper_restrictions: bool = True
    """Whether signed users are refused what a paper account was seen to be: new alerts (403), regulatory snapshots."""
    regulatory_snapshot_fee: Decimal = Decimal("0.01")
    """In dollars, taken from the selected account for each."""
    competes_with_tws: bool = False
    """Whether both doors have one user: while a session here has the brokerage, TWS gets no market data (10197)."""
    value_limit: Decimal = Decimal(1_000_000)
    """Of an order, in the contract's currency."""
    position_lag: timedelta = timedelta(0)
    """How old the cached `/portfolio/{account}/positions` may be; IBKR's lag fills by minutes."""
    heartbeat: float = 10.0
    """Real seconds between two heartbeats on the WebSocket."""
    cadence: float = 0.5
    """Real seconds between two frames of a market data topic."""
    account_cadence: float = 10.0
    """Real seconds between two frames of a summary or a ledger."""
    most_unsent_bytes: int = 4 << 20
    """A WebSocket client that leaves more unread is closed."""
    unsettled: Unsettled = field(default_factory=Unsettled)

    def __post_init__(self) -> None:
        if min(self.idle_timeout, self.login_timeout, self.longest_session) <= timedelta(0):
            raise ValueError("a session must be allowed to last")

    def url(self, port: int) -> str:
        """The base of every path where the door listens at `port`: `http://127.0.0.1:5000/v1/api`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{port}{PREFIXES[0]}"
