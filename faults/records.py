"""What the judge compares: plain values, read from what anybody at the edge can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from faults.doors import Door
from faults.journals import Kept
from ibkr_bridge.domain.events import Answered, Executed
from ibkr_bridge.domain.identity import order_of
from ibkr_bridge.domain.order import Order

Json = dict[str, Any]
LAST = "the last word"
LAST_WORD: Json = {"symbol": "AAPL", "side": "BUY", "qty": 1, "type": "LIMIT", "limit": 150}
"""An order that every world ends with: it must be taken, and it rests."""


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """A row of the ledger. `owner` is whose it is by its reference; `status` is in TWS's words."""

    owner: str | None
    reference: str
    client_id: int
    order_id: int
    perm_id: int
    status: str
    qty: Decimal
    filled: Decimal
    average: Decimal

    @property
    def number(self) -> tuple[int, int, str]:
        """What a fork shares and a second order does not. The Web API's door gives no number but the perm id."""
        return self.client_id, self.order_id, self.reference

    @property
    def live(self) -> bool:
        return self.status not in ("Filled", "Cancelled", "Inactive")


@dataclass(frozen=True, slots=True)
class BrokerFill:
    """`hidden`: it happened, and no list of the broker's shows it any more."""

    exec_id: str
    perm_id: int
    hidden: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    orders: tuple[BrokerOrder, ...]
    fills: tuple[BrokerFill, ...]


@dataclass(frozen=True, slots=True)
class OurOrder:
    """An order as the service, or a naive client, shows it. `owes`: it says itself that fills are missing."""

    id: str
    client_order_id: str | None
    status: str
    side: str
    qty: Decimal
    filled: Decimal
    average: Decimal | None
    owes: bool
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class Journalled:
    """The journal's own story. `fills` are execution ids by `seq`."""

    orders: tuple[OurOrder, ...]
    fills: Mapping[int, str]
    last_seq: int
    findings: tuple[str, ...]
    declined: frozenset[str] = frozenset()
    """Orders that ended with a no, or with nobody's answer, to a question of the broker's."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of the stream: in which connection of the listener, its `seq`, and the execution it told of.

    `given_up` is the order that it says never arrived at the broker.
    """

    connection: int
    seq: int
    exec_id: str | None
    given_up: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller asked and heard; `status` 0: the service was dead or died before it answered."""

    method: str
    body: Json | None
    status: int
    content: Json

    @property
    def code(self) -> str:
        return str(self.content.get("code", ""))

    @property
    def asks(self) -> bool:
        """Whether it says that IBKR's questions wait for the caller."""
        return self.status in (200, 202) and self.content.get("status") == "awaiting_answer"

    @property
    def order(self) -> Json | None:
        """The order in an answer of success, or in a problem that shows one."""
        if self.status in (200, 201, 202):
            return self.content
        shown = self.content.get("order")
        return shown if isinstance(shown, dict) else None


@dataclass(slots=True)
class Asked:
    """Everything that was asked: places by client order id, changes and cancels by order id."""

    places: dict[str, list[Answer]] = field(default_factory=dict)
    wishes: dict[str, list[Answer]] = field(default_factory=dict)

    def place(self, client_order_id: str, answer: Answer) -> None:
        self.places.setdefault(client_order_id, []).append(answer)

    def wish(self, order_id: str, answer: Answer) -> None:
        self.wishes.setdefault(order_id, []).append(answer)


@dataclass(frozen=True, slots=True)
class Beliefs:
    """What the service, or another client in its place, shows, keeps and has told at the end."""

    orders: tuple[OurOrder, ...]
    journal: Journalled
    heard: tuple[Heard, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What everybody believes at the end of a seed."""

    seed: int
    door: Door
    ledger: Ledger
    beliefs: Beliefs
    asked: Asked
    happened: tuple[str, ...]
    faults: frozenset[str]
    """Names of the bad days that really struck."""
    left_open: frozenset[str] = frozenset()
    """Orders whose question was still open at the broker when a caller was told that it waits for him."""
    boxed: bool = False
    """Whether the broker's limits were broken, and its penalty box earned."""


def ledger(answer: Json, midnights: Iterable[datetime] = ()) -> Ledger:
    """GET /control/ledger; what happened up to a midnight is in no list of executions."""
    last = max(midnights, default=None)
    return Ledger(
        tuple(_broker_order(row) for row in answer["orders"]),
        tuple(
            BrokerFill(row["exec_id"], row["perm_id"], last is not None and datetime.fromisoformat(row["time"]) <= last)
            for row in answer["executions"]
        ),
    )


def _broker_order(row: Json) -> BrokerOrder:
    return BrokerOrder(
        owner=order_of(row["order_ref"]) or row["order_ref"] or None,
        reference=row["order_ref"],
        client_id=row["client_id"],
        order_id=row["order_id"],
        perm_id=row["perm_id"],
        status=row["status"],
        qty=Decimal(row["quantity"]),
        filled=Decimal(row["filled"]),
        average=Decimal(row["average_price"]),
    )


def shown(answer: Json) -> OurOrder:
    """An order of GET /orders; whether it owes fills only the journal says."""
    average = answer["avg_fill_price"]
    return OurOrder(
        id=answer["id"],
        client_order_id=answer["client_order_id"],
        status=answer["status"],
        side=answer["side"],
        qty=Decimal(answer["qty"]),
        filled=Decimal(answer["filled_qty"]),
        average=None if average is None else Decimal(average),
        owes=False,
        parent_id=answer.get("parent_id"),
    )


def journalled(kept: Kept) -> Journalled:
    return Journalled(
        orders=tuple(_kept_order(order) for order in kept.orders),
        fills={update.seq: update.event.exec_id for update in kept.events if isinstance(update.event, Executed)},
        last_seq=kept.events[-1].seq if kept.events else 0,
        findings=kept.findings,
        declined=frozenset(update.order.id for update in kept.events if _is_no(update.event)),
    )


def _is_no(event: object) -> bool:
    return isinstance(event, Answered) and not event.confirmed


def _kept_order(order: Order) -> OurOrder:
    return OurOrder(
        id=order.id,
        client_order_id=order.client_order_id,
        status=str(order.status),
        side=str(order.terms.side),
        qty=order.terms.qty,
        filled=order.filled_qty,
        average=order.avg_fill_price,
        owes=order.owes_fills,
        parent_id=order.parent_id,
    )
