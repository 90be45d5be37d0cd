"""Events and orders as JSON, and back exactly: Decimals as strings, times in RFC 3339, unknown fields passed over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import msgspec

from ibkr_bridge.domain import events
from ibkr_bridge.domain.events import OrderEvent
from ibkr_bridge.domain.order import Order
from ibkr_bridge.storage.errors import JournalNewer

KINDS: Mapping[str, type[OrderEvent]] = MappingProxyType(
    {
        "received": events.Received,
        "denied": events.Denied,
        "sent": events.Sent,
        "reported": events.Reported,
        "executed": events.Executed,
        "commissioned": events.Commissioned,
        "warned": events.Warned,
        "forked": events.Forked,
        "change_requested": events.ChangeRequested,
        "changed": events.Changed,
        "change_refused": events.ChangeRefused,
        "cancel_requested": events.CancelRequested,
        "answer_lost": events.AnswerLost,
        "asked": events.Asked,
        "answered": events.Answered,
        "established": events.Established,
    }
)
"""The tag of each event on disk. A tag, once written, is never given to another event."""
_KIND_OF: Mapping[type[OrderEvent], str] = MappingProxyType({event: kind for kind, event in KINDS.items()})


def kind_of(event: OrderEvent) -> str:
    return _KIND_OF[type(event)]


def encode(value: OrderEvent | Order) -> str:
    """One line of JSON, the same for the same value. Raises UnicodeEncodeError on half a surrogate pair."""
    return msgspec.json.encode(value).decode()


def event(kind: str, body: str) -> OrderEvent:
    """Raises JournalNewer for a kind that only a newer program can have written, ValueError for a damaged body."""
    if kind not in KINDS:
        raise JournalNewer(f"with events of the kind {kind!r}")
    return msgspec.json.decode(body, type=KINDS[kind])


def order(state: str) -> Order:
    """Raises ValueError for a damaged state."""
    return msgspec.json.decode(state, type=Order)


def older(state: str) -> bool:
    """Whether a program wrote it that kept an order's fills as their ids and sums alone."""
    return '"fills":' not in state and '"executions":' in state


def moment(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds: as text in the order of time."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def columns(order: Order, seq: int) -> dict[str, str | int | None]:
    """What an order is found by; `seq` is its latest event."""
    return {
        "id": order.id,
        "account": order.account,
        "client_order_id": order.client_order_id,
        "status": order.status.value,
        "created_at": moment(order.created_at),
        "updated_at": moment(order.updated_at),
        "seq": seq,
    }
