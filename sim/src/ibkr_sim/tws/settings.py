"""What can be chosen about the TWS door."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ibkr_sim.tws.versions import HIGHEST, LOWEST


class Entitlement(StrEnum):
    """What the user's market data subscription allows: delayed quotes come alone, without ticks, books or a past."""

    LIVE = "live"
    DELAYED = "delayed"


class AccountUpdatesRule(StrEnum):
    """What becomes of account updates while another client is subscribed to another account's."""

    REFUSED = "refused"
    """They are not begun (2101)."""
    REPLACED = "replaced"
    """The others' end (2100)."""
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class TwsSettings:
    """Raises ValueError for a version cap this door cannot speak."""

    host: str = "127.0.0.1"
    port: int = 4002
    """0 takes any free port."""
    version_cap: int = HIGHEST
    """The highest server version offered."""
    entitlement: Entitlement = Entitlement.LIVE
    fundamentals: bool = False
    """Whether the user has a subscription to companies' figures; else 430, and no fundamental ratios (tick type 47)."""
    market_data_lines: int = 100
    """Streaming quotes, and bars as they come, at a time, over all of the user's clients."""
    depth_lines: int = 3
    """Books shown level by level at a time, over all of the user's clients; as many streams of single ticks."""
    most_messages: int = 50
    """A second, from one client; 0 for as many as come. More are told 100, and the third time the client is closed."""
    pacing: bool = True
    """Whether requests for history, symbols and ticks that come too fast are refused as IBKR refuses them."""
    reroutes_cfds_on: frozenset[str] = frozenset({"STK"})
    """Of which types of contracts a CFD has no quotes here, so that whoever asks is sent to the contract itself.

    IBKR's samples name pairs of currencies (CASH) beside shares; users see quotes of those.
    """
    master_client_id: int | None = None
    """The client that hears of every client's orders and fills."""
    cancels_of_others_from: int | None = 200
    """The server version from which a client may cancel an order of another client that it has been shown by
    reqAllOpenOrders: seen at 200, while IBKR's documentation gives an order to its own client alone. None for never."""
    keeps_unreadable: bool = True
    """TWS's "Maintain connection upon receiving incorrectly formatted fields", on by default since version 10.28: who
    sends them is told 320 and stays. False closes the connection, as older versions do."""
    read_only: bool = False
    """The TWS setting "Read-Only API": orders are neither taken nor shown (321)."""
    account_updates: AccountUpdatesRule = AccountUpdatesRule.REFUSED
    """TWS streams one account's values at a time ("Account Updates"); both codes are IBKR's, and when it is which of
    them is not documented."""
    ignores_outside_rth: bool = True
    """Whether an order that cannot trade outside regular hours loses the flag that says so, with a warning (2109)."""
    refuses_withdrawn_attributes: bool = False
    """Whether orders with eTradeOnly, firmQuoteOnly or nbboPriceCap are refused (10268 to 10270), as they are today:
    older clients set the first two by default."""
    refuses_direct_routing: bool = False
    """TWS's precaution against orders past SMART (10311), where "Bypass ... for API orders" is not ticked."""
    warns_of_crossing: bool = False
    """TWS's "Cross Side Warning" (2137), of an order that turns a position over."""
    sizes_in_lots_below_159: bool = False
    """TWS's "Send market data in lots for US stocks", for clients of the server versions that knew nothing else: sizes
    are in hundreds, what is left over is not told."""
    time_zone: str = "US/Eastern"
    """The zone of the TWS login, in which times of day are written."""
    most_clients: int = 32
    """As TWS: 32 simultaneous API clients."""
    most_unsent_bytes: int = 4 << 20
    """A client that leaves more unread is closed."""
    patience: float = 30.0
    """Seconds for the handshake, and for a started frame to be complete."""
    beat: float = 0.25
    """Real seconds between two looks at the simulated time, for what is pushed by the clock."""

    def __post_init__(self) -> None:
        if not LOWEST <= self.version_cap <= HIGHEST:
            raise ValueError(f"the version cap must be {LOWEST} to {HIGHEST}")
