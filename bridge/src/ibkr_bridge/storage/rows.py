"""From entries to the rows that keep them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ibkr_bridge.domain.events import Commissioned, Denied, Executed, Received
from ibkr_bridge.domain.fills import fill_of
from ibkr_bridge.domain.order import Order
from ibkr_bridge.ports.journal import Entry
from ibkr_bridge.storage import codec
from ibkr_bridge.storage.audit.chain import Row, link

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class End:
    """The last event of a journal and its seal; `seq` is 0 and the seal the genesis while there is none."""

    seq: int
    chain: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows by table, and the journal's end once they are in."""

    orders: list[Values]
    events: list[Values]
    bindings: list[Values]
    releases: list[Values]
    executions: list[Values]
    commissions: list[Values]
    identities: list[Values]
    end: End


def batch(entries: Sequence[Entry], end: End, key: bytes) -> Batch:
    """Raises UnicodeEncodeError for text that no database takes."""
    numbered = list(enumerate(entries, start=end.seq + 1))
    latest = {entry.order.id: (seq, entry.order) for seq, entry in numbered}
    events = list(_events(numbered, end.chain, key))
    named = [(entry, entry.order.client_order_id) for entry in entries if entry.order.client_order_id is not None]
    return Batch(
        orders=[codec.columns(order, seq) for seq, order in latest.values()],
        events=events,
        bindings=[
            _binding(entry.order, name) | {"fingerprint": entry.event.fingerprint}
            for entry, name in named
            if isinstance(entry.event, Received)
        ],
        releases=[_binding(entry.order, name) for entry, name in named if isinstance(entry.event, Denied)],
        executions=[
            {"exec_id": event.exec_id, "order_id": entry.order.id, "seq": seq, "fill": fill_of(event.exec_id)}
            for seq, entry in numbered
            if isinstance(event := entry.event, Executed)
        ],
        commissions=[
            {"exec_id": entry.event.exec_id, "order_id": entry.order.id, "seq": seq}
            for seq, entry in numbered
            if isinstance(entry.event, Commissioned)
        ],
        identities=[values for _, order in latest.values() for values in _identities(order)],
        end=End(events[-1]["seq"], events[-1]["chain"]) if events else end,
    )


def _events(numbered: Sequence[tuple[int, Entry]], chain: str, key: bytes) -> Iterator[Values]:
    for seq, entry in numbered:
        row = Row(
            seq=seq,
            order_id=entry.order.id,
            at=codec.moment(entry.event.at),
            kind=codec.kind_of(entry.event),
            body=codec.encode(entry.event),
            state=codec.encode(entry.order),
        )
        chain = link(key, chain, row)
        yield {name: getattr(row, name) for name in Row.__slots__} | {"chain": chain}


def _binding(order: Order, client_order_id: str | None) -> Values:
    return {"account": order.account, "client_order_id": client_order_id, "order_id": order.id}


def _identities(order: Order) -> Iterator[Values]:
    for position, ids in enumerate(order.broker):
        yield {
            "order_id": order.id,
            "position": position,
            "perm_id": ids.perm_id,
            "client_id": ids.client_id,
            "broker_order_id": ids.order_id,
            "reference": ids.reference,
        }
