"""The chain of seals over the events: each is HMAC-SHA256 over the one before it and the row. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """What a seal covers of an event's row; `seq` counts from 1."""

    seq: int
    order_id: str
    at: str
    kind: str
    body: str
    state: str


def genesis(key: bytes, journal_id: str) -> str:
    """The link before the first row: another for every key and for every journal."""
    return _seal(key, ("ibkr-bridge journal", journal_id))


def link(key: bytes, previous: str, row: Row) -> str:
    return _seal(key, (previous, str(row.seq), row.order_id, row.at, row.kind, row.body, row.state))


def same(one: str, other: str) -> bool:
    """Compare without telling by the time taken how much was right."""
    return hmac.compare_digest(one.encode(), other.encode())


def _seal(key: bytes, parts: Iterable[str]) -> str:
    seal = hmac.new(key, digestmod="sha256")
    for part in parts:
        data = part.encode()
        seal.update(len(data).to_bytes(8, "big"))  # so that no two rows read alike when their texts are joined
        seal.update(data)
    return seal.hexdigest()
