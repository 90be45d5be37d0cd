"""An order as every caller, stream and journal sees it, and the commands that make or change one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.questions import Question
from ibkr_bridge.domain.terms import Oca, OcaType, Terms


class OrderStatus(StrEnum):
    RECEIVED = "received"
    DENIED = "denied"
    AWAITING_ANSWER = "awaiting_answer"
    SENT = "sent"
    WORKING = "working"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    PENDING_CANCEL = "pending_cancel"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    NEVER_ARRIVED = "never_arrived"

    @property
    def terminal(self) -> bool:
        return self in _TERMINAL


_TERMINAL = frozenset(
    {
        OrderStatus.DENIED,
        OrderStatus.FILLED,
        OrderStatus.CANCELLED,
        OrderStatus.REJECTED,
        OrderStatus.EXPIRED,
        OrderStatus.NEVER_ARRIVED,
    }
)


@dataclass(frozen=True, slots=True)
class BrokerIds:
    """The broker's names for an order; 0 until the broker has given one. `reference` is ours, and travels with it."""

    order_id: int = 0
    perm_id: int = 0
    client_id: int = 0
    reference: str = ""


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """One order at the broker behind ours: its names, and what the broker last said of it."""

    order_id: int = 0
    perm_id: int = 0
    client_id: int = 0
    reference: str = ""
    status: OrderStatus | None = None
    """None until the broker has said one."""
    filled_qty: Decimal = Decimal(0)

    @property
    def live(self) -> bool:
        return self.status is None or not self.status.terminal


@dataclass(frozen=True, slots=True)
class Fill:
    """An execution as it stands after its latest correction."""

    exec_id: str
    qty: Decimal
    price: Decimal
    perm_id: int = 0
    commission: Decimal | None = None
    corrected: bool = False
    leg: int = 0
    """Of a combo: the conid of the leg that was filled; 0 is the combo as a whole."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What has been asked and heard about an order whose fate is unknown."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Order:
    id: str
    account: str
    contract: Contract
    terms: Terms
    status: OrderStatus
    created_at: datetime
    updated_at: datetime
    client_order_id: str | None = None
    foreign: bool = False
    """Placed elsewhere, in TWS by hand or by another program: shown, and never touched unasked."""
    filled_qty: Decimal = Decimal(0)
    """As told by the broker; the fills that make it may still be on their way."""
    avg_fill_price: Decimal | None = None
    commission_currency: str | None = None
    reason: str | None = None
    reason_code: int | None = None
    """IBKR's message code behind `reason`, where there was one."""
    broker: tuple[BrokerOrder, ...] = ()
    """Several where a change forked the order at the broker."""
    evidence: tuple[Evidence, ...] = ()
    deadline: datetime | None = None
    """While unknown: when the broker's silence will have lasted long enough for a verdict, if nothing interrupts it.
    While an answer is awaited: when it is too late for one."""
    questions: tuple[Question, ...] = ()
    """While an answer is awaited: what the broker asks."""
    confirmed: tuple[str, ...] = ()
    """The message ids of the questions to which the caller has said yes, in all rounds."""
    attempt: int = 1
    """How often the order was put to the broker: anew after each question, under a reference of its own."""
    cancel_requested: bool = False
    fills: tuple[Fill, ...] = ()
    parent_id: str | None = None
    """Ours: the order that must fill before this one trades."""
    children: tuple[str, ...] = ()
    """Ours: the orders that wait for this one; of them, one that fills takes the others back."""

    @property
    def conids(self) -> tuple[int, ...]:
        """Of the contracts whose positions the order moves."""
        return tuple(part.conid for part in self.contract.parts)

    @property
    def own_fills(self) -> tuple[Fill, ...]:
        """Without those of a combo's legs, which say the same once more."""
        return tuple(fill for fill in self.fills if not fill.leg)

    @property
    def executed_qty(self) -> Decimal:
        """Of a combo of which only legs were told, as many as every leg has filled for."""
        own = sum((fill.qty for fill in self.own_fills), Decimal(0))
        whole = (
            sum((fill.qty for fill in self.fills if fill.leg == leg.contract.conid), Decimal(0)) // leg.ratio
            for leg in self.contract.legs
        )
        return max(own, min(whole, default=Decimal(0)))

    @property
    def commission(self) -> Decimal | None:
        charged = [fill.commission for fill in self.fills if fill.commission is not None]
        return sum(charged, Decimal(0)) if charged else None

    @property
    def owes_fills(self) -> bool:
        """The broker has told of more than it has shown. Filled means all of it, unless a fill was corrected since."""
        whole = self.status is OrderStatus.FILLED and not any(fill.corrected for fill in self.fills)
        return (self.terms.qty if whole else self.filled_qty) > self.executed_qty

    @property
    def remaining_qty(self) -> Decimal:
        return max(self.terms.qty - self.filled_qty, Decimal(0))

    @property
    def live_at_broker(self) -> tuple[BrokerOrder, ...]:
        return tuple(theirs for theirs in self.broker if theirs.live)

    @property
    def surplus(self) -> tuple[BrokerOrder, ...]:
        """Orders that a fork has left at the broker and that must go: all but one, or all when ours has ended or is to.

        The newest comes first: the broker takes a number that two orders share for the newest one's.
        """
        if len(self.broker) < 2:
            return ()
        ending = self.status.terminal or self.cancel_requested
        return self.live_at_broker[::-1] if ending else self.live_at_broker[:0:-1]


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """A caller's wish for a new order. Without an account the configured or only one is meant."""

    contract: ContractQuery
    terms: Terms
    account: str | None = None
    client_order_id: str | None = None
    children: tuple[PlaceOrder, ...] = ()
    """Of the same contract and account: they trade once this one has filled. All are placed, or none."""


def related(orders: Sequence[Order]) -> tuple[Order, ...]:
    """A parent and its children, each with the other's id; an order alone stays as it is."""
    parent, *children = orders
    return (
        replace(parent, children=tuple(child.id for child in children)),
        *(replace(child, parent_id=parent.id) for child in children),
    )


def in_group(orders: Sequence[Order], kind: OcaType) -> tuple[Order, ...]:
    """Orders of which one that fills takes the others back; the broker knows the group by the first one's id."""
    oca = Oca(orders[0].id, kind)
    return tuple(replace(order, terms=replace(order.terms, oca=oca)) for order in orders)


@dataclass(frozen=True, slots=True)
class Resolution:
    """A person's verdict on an order whose fate is unknown. `filled_qty` and `avg_fill_price` go with `filled`."""

    status: OrderStatus
    note: str
    filled_qty: Decimal | None = None
    avg_fill_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What an order would bind and cost, as the broker reckons it; None where it does not say.

    Margin and equity are in the account's base currency, commission in `commission_currency`.
    """

    initial_margin_before: Decimal | None
    initial_margin_change: Decimal | None
    initial_margin_after: Decimal | None
    maintenance_margin_before: Decimal | None
    maintenance_margin_change: Decimal | None
    maintenance_margin_after: Decimal | None
    equity_before: Decimal | None
    equity_change: Decimal | None
    equity_after: Decimal | None
    commission: Decimal | None
    commission_min: Decimal | None
    commission_max: Decimal | None
    commission_currency: str | None
    warning: str | None
