"""The values that the exchange and its doors exchange. Doors translate them; they know no wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from ibkr_sim.exchange.terms import Adjustment, ComboLeg, Conditions

LIQUIDATION = "liquidation"
"""Under what name an order says that it closes a position whose margin does not suffice."""
COMBO = "BAG"
"""The security type of a combination."""


ORDER_TYPES = (
    *("ACTIVETIM", "AD", "ADJUST", "ALGO", "AON", "COND", "CONDORDER", "DAY", "FOK", "GAT", "GTC", "GTD", "HID"),
    *("ICE", "IOC", "LIT", "LMT", "LOC", "MIDPX", "MIT", "MKT", "MOC", "OCA", "OPG", "PEGMID", "REL", "STP"),
    *("STPLMT", "TRAIL", "TRAILLMT", "WHATIF"),
)
"""What contract details list."""
WireValue = str | tuple[str, ...]
"""One field, or the fields of a list or block."""


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class Status(StrEnum):
    """An order's state as TWS names it ("Order Status" in the TWS API documentation)."""

    PRE_SUBMITTED = "PreSubmitted"
    SUBMITTED = "Submitted"
    PENDING_CANCEL = "PendingCancel"
    CANCELLED = "Cancelled"
    FILLED = "Filled"
    INACTIVE = "Inactive"

    @property
    def done(self) -> bool:
        return self in (Status.CANCELLED, Status.FILLED, Status.INACTIVE)


@dataclass(frozen=True, slots=True)
class Contract:
    conid: int
    symbol: str
    sec_type: str
    currency: str
    primary_exchange: str
    local_symbol: str
    trading_class: str
    long_name: str
    min_tick: Decimal
    valid_exchanges: tuple[str, ...]
    time_zone: str
    order_types: tuple[str, ...] = ORDER_TYPES
    multiplier: Decimal | None = None
    industry: str = ""
    category: str = ""
    subcategory: str = ""
    stock_type: str = ""
    isin: str = ""
    size_increment: Decimal = Decimal(1)
    legs: tuple[ComboLeg, ...] = ()
    """Of a combination."""
    expiry: date | None = None
    """The last day of a future, an option or a warrant; a bond's maturity."""
    last_trade: datetime | None = None
    """When it ends, in UTC."""
    contract_month: str = ""
    """`202603`."""
    strike: Decimal | None = None
    right: str = ""
    """`C` or `P`."""
    under_conid: int = 0
    under_sec_type: str = ""
    under_symbol: str = ""
    cash_settled: bool = False
    american: bool = False

    @property
    def factor(self) -> Decimal:
        """Money for one unit of price."""
        return Decimal(1) if self.multiplier is None else self.multiplier

    @property
    def is_margined(self) -> bool:
        """Whether a trade moves no money: gains and losses are paid day by day."""
        return self.sec_type == "FUT"

    @property
    def is_option(self) -> bool:
        return self.sec_type in ("OPT", "FOP")


@dataclass(frozen=True, slots=True)
class Quote:
    """Top of the book and the day's figures; what has not happened yet is None, never 0."""

    conid: int
    time: datetime
    bid: Decimal | None
    bid_size: Decimal | None
    ask: Decimal | None
    ask_size: Decimal | None
    last: Decimal | None
    last_size: Decimal | None
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    close: Decimal | None
    """The previous session's close, as IBKR's tick type 9."""
    volume: Decimal


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What a client asks for. `wire` holds what a door must echo but the exchange does not read.

    `stop_price` is IBKR's auxiliary price: a stop, a trigger, a trailing amount or an offset, as the type has it.
    """

    account: str
    conid: int
    side: Side
    quantity: Decimal
    order_type: str
    tif: str = "DAY"
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    outside_rth: bool = False
    order_ref: str = ""
    client_id: int = 0
    order_id: int = 0
    exchange: str = "SMART"
    wire: Mapping[str, WireValue] = field(default_factory=dict)
    trailing_percent: Decimal | None = None
    trail_stop: Decimal | None = None
    """Where a trailing stop begins; None lets the market say."""
    limit_offset: Decimal | None = None
    """Between stop and limit of a TRAIL LIMIT order."""
    percent_offset: Decimal | None = None
    """Of a REL order, as a fraction of the price."""
    good_after: datetime | None = None
    good_till: datetime | None = None
    all_or_none: bool = False
    hidden: bool = False
    display_size: Decimal | None = None
    parent: int = 0
    """Permanent id of the order that has to fill first; 0 for none."""
    oca_group: str = ""
    oca_type: int = 3
    conditions: Conditions | None = None
    adjustment: Adjustment | None = None
    shares: tuple[tuple[str, Decimal], ...] = ()
    """Accounts that share its fills, with their weights; empty for an order of `account` alone."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the broker knows it; `perm_id` stays for life, also across changes."""

    perm_id: int
    request: OrderRequest
    status: Status
    filled: Decimal
    remaining: Decimal
    average_price: Decimal
    last_price: Decimal
    commission: Decimal | None
    created_at: datetime
    updated_at: datetime
    reason: str = ""
    """Why it ended, in IBKR's words ("Order Canceled - reason:")."""
    withdrawn: bool = False
    """Whether it was the client who ended it, and not the system."""
    stop: Decimal | None = None
    """Where its stop stands, which moves when it trails."""
    why_held: str = ""
    """What keeps it from the market: `child`, `locate`, `trigger` ..., with commas between."""
    notice: tuple[int, str] | None = None
    """IBKR's code and text about an order that was taken and yet waits."""


@dataclass(frozen=True, slots=True)
class Execution:
    exec_id: str
    perm_id: int
    order_id: int
    client_id: int
    account: str
    conid: int
    side: Side
    shares: Decimal
    price: Decimal
    time: datetime
    exchange: str
    cumulative: Decimal
    average_price: Decimal
    order_ref: str
    liquidity: int
    """1 added, 2 removed."""
    liquidation: bool = False


@dataclass(frozen=True, slots=True)
class Commission:
    exec_id: str
    amount: Decimal
    currency: str
    realized_pnl: Decimal | None
    """None for a fill that only opens."""


@dataclass(frozen=True, slots=True)
class Position:
    account: str
    conid: int
    quantity: Decimal
    average_cost: Decimal
    market_price: Decimal
    market_value: Decimal
    daily_pnl: Decimal
    unrealized_pnl: Decimal
    realized_pnl: Decimal


@dataclass(frozen=True, slots=True)
class Pnl:
    account: str
    daily: Decimal
    unrealized: Decimal
    realized: Decimal


@dataclass(frozen=True, slots=True)
class AccountValue:
    """One row of IBKR's account values: NetLiquidation, TotalCashValue, CashBalance per currency ..."""

    account: str
    key: str
    value: str
    currency: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What an order would cost and bind; money in the account's base currency unless named."""

    initial_margin_before: Decimal
    maintenance_margin_before: Decimal
    equity_before: Decimal
    initial_margin_change: Decimal
    maintenance_margin_change: Decimal
    equity_change: Decimal
    initial_margin_after: Decimal
    maintenance_margin_after: Decimal
    equity_after: Decimal
    commission: Decimal
    commission_min: Decimal
    commission_max: Decimal
    commission_currency: str
    warning: str = ""


@dataclass(frozen=True, slots=True)
class DayEnd:
    """What an account was worth when a day of the exchange ended, in its base currency."""

    date: date
    net_liquidation: Decimal


class ActionKind(StrEnum):
    DIVIDEND = "dividend"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class CorporateAction:
    """`amount` is the dividend of a share, in the contract's currency, or how many shares one becomes."""

    conid: int
    kind: ActionKind
    amount: Decimal
    at: datetime | None = None
    """None for at once."""


class Rejected(Exception):
    """An order, change or cancel the broker refuses, with IBKR's message code and text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class OrderChanged:
    order: Order


@dataclass(frozen=True, slots=True)
class Executed:
    execution: Execution
    order: Order


@dataclass(frozen=True, slots=True)
class CommissionCharged:
    commission: Commission
    execution: Execution
    order: Order


@dataclass(frozen=True, slots=True)
class QuoteChanged:
    quote: Quote
    traded: Decimal | None = None
    """Size of the trade that caused it, where one did."""


@dataclass(frozen=True, slots=True)
class PositionChanged:
    position: Position


Event = OrderChanged | Executed | CommissionCharged | QuoteChanged | PositionChanged
