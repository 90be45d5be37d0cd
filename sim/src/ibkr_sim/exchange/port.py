"""What a door may ask of the exchange: one screen, every call synchronous and free of I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from ibkr_sim.exchange.listing.contracts import Listing, Wanted
from ibkr_sim.exchange.listing.hours import TradingDay
from ibkr_sim.exchange.model import (
    AccountValue,
    Commission,
    Contract,
    DayEnd,
    Event,
    Execution,
    Order,
    OrderRequest,
    Pnl,
    Position,
    Preview,
    Quote,
)
from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.exchange.prices.record import Record
from ibkr_sim.exchange.terms import ComboLeg
from ibkr_sim.exchange.trading.depth import Depth


class Market(Protocol):
    """The exchange as the doors see it. Events reach listeners inside the call that causes them, in order."""

    @property
    def accounts(self) -> Sequence[str]:
        """Account ids, `DU99...`; an advisor's is `DF99...`."""

    def now(self) -> datetime:
        """The exchange's own time, in UTC."""

    def contract(self, conid: int) -> Contract | None: ...

    def combination(self, symbol: str, currency: str, legs: Sequence[ComboLeg]) -> Contract:
        """The contract of these legs, the same each time. Raises Rejected (200 for an unknown leg, 321, 10000)."""

    def exercise(self, account: str, conid: int, quantity: Decimal, *, override: bool = False) -> None:
        """Of an option position; `override` even if it brings nothing. Raises Rejected (201)."""

    def lapse(self, account: str, conid: int, quantity: Decimal) -> None:
        """Let an option position expire, whatever it is worth then. Raises Rejected (201)."""

    def trading_day(self, contract: Contract, day: date) -> TradingDay | None:
        """The hours for which there are prices: the calendar's, and those in which it was open all the same."""

    def is_halted(self, conid: int) -> bool: ...

    def shortable(self, conid: int) -> Decimal | None:
        """Shares left to borrow for a short sale; None when there is no end to them."""

    def find_contracts(
        self,
        *,
        conid: int = 0,
        symbol: str = "",
        sec_type: str = "",
        exchange: str = "",
        primary_exchange: str = "",
        currency: str = "",
        local_symbol: str = "",
    ) -> Sequence[Contract]:
        """Contracts that match every criterion given; empty criteria match all. SMART matches any stock or ETF."""

    def search(self, wanted: Wanted) -> Sequence[Contract]:
        """As `find_contracts`, by everything that tells contracts apart; futures and options by their type alone."""

    def chains(self, underlying: Contract) -> Sequence[Listing]:
        """What options are listed on it now, class by class."""

    def quote(self, conid: int) -> Quote:
        """The latest; from the first call on every change is published as QuoteChanged. Raises KeyError."""

    def glance(self, conid: int) -> Quote:
        """The latest, as `quote`, but nothing is published because of it. Raises KeyError."""

    def bars(self, conid: int, intervals: Sequence[tuple[datetime, datetime]]) -> Sequence[Bar]:
        """One for each interval of whole minutes in which something happened. Raises KeyError.

        What lies before the exchange's opening is invented.
        """

    def record(self, conid: int) -> Record:
        """Its past until now: bars of any kind and length, single ticks. Raises KeyError."""

    def depth(self, conid: int, most: int) -> Depth:
        """The best `most` levels of either side. Raises KeyError."""

    def day_trades(self, conid: int) -> tuple[int, Decimal]:
        """How many trades it has had today, and price times size over all of them. Raises KeyError."""

    def place(self, request: OrderRequest) -> Order:
        """Take an order; it may have filled when this returns. Raises Rejected (201, 203, 110, 434 ...)."""

    def place_by_hand(self, request: OrderRequest) -> Order:
        """As `place`, for an order that no API client sends: its client id is 0, its order id 0 until it is bound."""

    def bind_by_hand(self, identify: Callable[[int], int] | None) -> None:
        """From now on orders by hand get the order id that `identify` finds for their permanent id; None ends it."""

    def bind(self, perm_id: int, order_id: int) -> None:
        """Give an order its order id. Raises KeyError for an unknown one."""

    def hold(self, request: OrderRequest) -> Order:
        """Take an order that trades with nobody until `release`, as a child waits for its parent. Raises as `place`."""

    def release(self, perm_id: int) -> Order | None:
        """Let an order trade that is held; None when it is not."""

    def modify(self, perm_id: int, request: OrderRequest) -> Order:
        """Change price, quantity or time in force. Raises Rejected (104 filled, 105 mismatch, 10148 ...)."""

    def cancel(self, perm_id: int, reason: str = "") -> Order:
        """Cancel a working order. Raises Rejected (135 unknown, 10148 in a state that cannot be cancelled)."""

    def preview(self, request: OrderRequest) -> Preview:
        """Margin and commission of an order that is not placed (whatIf). Raises Rejected as `place` does."""

    def order(self, perm_id: int) -> Order | None: ...

    def open_orders(self) -> Sequence[Order]: ...

    def completed_orders(self) -> Sequence[Order]:
        """Orders that ended today, oldest first."""

    def executions(self) -> Sequence[tuple[Execution, Commission]]:
        """Since midnight of the exchange's day, oldest first."""

    def positions(self, account: str) -> Sequence[Position]:
        """Also those closed today (quantity 0), so that realised P&L stays visible."""

    def position(self, account: str, conid: int) -> Position | None: ...

    def account_values(self, account: str) -> Sequence[AccountValue]:
        """Every row a subscriber of account updates sees."""

    def pnl(self, account: str) -> Pnl: ...

    def net_liquidation(self, account: str) -> Decimal: ...

    def day_ends(self, account: str) -> Sequence[DayEnd]:
        """Of every day that has ended, oldest first; it begins with the evening before the opening."""

    def charge(self, account: str, amount: Decimal, currency: str) -> None:
        """Take a fee that belongs to no order."""

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Deliver every event to `listener` until the returned function is called."""
