"""What happens to an order, one frozen value each; the journal keeps them, the state machine folds them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.order import BrokerIds, Order, OrderStatus
from ibkr_bridge.domain.questions import Question
from ibkr_bridge.domain.terms import Side, Terms


@dataclass(frozen=True, slots=True)
class Received:
    """The intent: committed before the first byte leaves. `fingerprint` tells a repeat from another body."""

    order: Order
    fingerprint: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Denied:
    """A guard refused, or nothing could leave the house: certain, because nothing was sent."""

    code: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    broker: BrokerIds
    at: datetime


@dataclass(frozen=True, slots=True)
class Reported:
    """The broker's own word on an order. `status` is already in our words."""

    status: OrderStatus
    broker: BrokerIds
    filled_qty: Decimal
    avg_fill_price: Decimal | None
    at: datetime
    reason: str | None = None
    reason_code: int | None = None


@dataclass(frozen=True, slots=True)
class Executed:
    """One fill. `cum_qty` is the broker's running total for the order, where it says."""

    exec_id: str
    broker: BrokerIds
    account: str
    contract: Contract
    side: Side
    qty: Decimal
    price: Decimal
    cum_qty: Decimal
    avg_price: Decimal
    exchange: str
    at: datetime
    corrects: str | None = None
    """The execution that this one replaces."""
    corrected_qty: Decimal = Decimal(0)
    """What the execution that this one replaces had counted."""

    @property
    def signed_qty(self) -> Decimal:
        return self.qty if self.side is Side.BUY else -self.qty

    @property
    def signed_net_qty(self) -> Decimal:
        """What it changes in the position."""
        net = self.qty - self.corrected_qty
        return net if self.side is Side.BUY else -net


@dataclass(frozen=True, slots=True)
class Commissioned:
    exec_id: str
    amount: Decimal
    currency: str
    realized_pnl: Decimal | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Warned:
    """A message of the broker about an order that lives on; it never moves the state."""

    code: int
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Forked:
    """The broker holds more live orders for this one than there may be."""

    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ChangeRequested:
    terms: Terms
    at: datetime


@dataclass(frozen=True, slots=True)
class Changed:
    """The broker confirmed new terms."""

    terms: Terms
    at: datetime


@dataclass(frozen=True, slots=True)
class ChangeRefused:
    """The broker kept the old terms."""

    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CancelRequested:
    at: datetime


@dataclass(frozen=True, slots=True)
class AnswerLost:
    """A byte may have left and no answer came: the fate is unknown until the broker speaks."""

    text: str
    at: datetime
    deadline: datetime | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The broker wants a yes first. It was declined, so that nothing is live; `until` then a caller may answer."""

    questions: tuple[Question, ...]
    at: datetime
    until: datetime


class Answerer(StrEnum):
    POLICY = "policy"
    CALLER = "caller"
    TIME = "time"
    """Nobody answered in time."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A yes or no to a question, and whose it was."""

    question: Question
    confirmed: bool
    by: Answerer
    at: datetime


@dataclass(frozen=True, slots=True)
class Established:
    """A verdict reached on evidence: what was asked, and what the broker showed."""

    status: OrderStatus
    text: str
    at: datetime
    reason: str | None = None
    reason_code: int | None = None
    filled_qty: Decimal | None = None
    avg_fill_price: Decimal | None = None


OrderEvent = (
    Received
    | Denied
    | Sent
    | Reported
    | Executed
    | Commissioned
    | Warned
    | Forked
    | ChangeRequested
    | Changed
    | ChangeRefused
    | CancelRequested
    | AnswerLost
    | Asked
    | Answered
    | Established
)


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """An event with its place in the journal and the order as it stands after it."""

    seq: int
    event: OrderEvent
    order: Order
