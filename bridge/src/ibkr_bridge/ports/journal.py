"""The record of intents and events. What it has returned from is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ibkr_bridge.domain.errors import InvalidRequest
from ibkr_bridge.domain.events import OrderEvent, OrderUpdate
from ibkr_bridge.domain.order import Order, OrderStatus


@dataclass(frozen=True, slots=True)
class Entry:
    """An event and the order as it stands after it."""

    event: OrderEvent
    order: Order


@dataclass(frozen=True, slots=True)
class Bound:
    """The order to which a client order id belongs, and the fingerprint of the body it came with."""

    order: Order
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Page:
    orders: tuple[Order, ...]
    next_cursor: str | None


def no_cursor(of: str) -> InvalidRequest:
    """A program that is given the first page for a cursor it has made up may turn pages for ever."""
    return InvalidRequest(
        f"This is no cursor of a page of {of}.",
        field="cursor",
        advice="Send `next_cursor` of the page before, or none.",
    )


class Journal(Protocol):
    @property
    def warning(self) -> str | None:
        """What somebody should see to although everything is kept; None: nothing."""

    async def append(self, entries: Sequence[Entry]) -> int:
        """Keep the entries, all or none, and return the `seq` of the first; the others follow on."""

    async def order(self, order_id: str) -> Order | None: ...

    async def bound(self, account: str, client_order_id: str) -> Bound | None: ...

    async def orders(
        self,
        *,
        account: str | None = None,
        statuses: frozenset[OrderStatus] | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page:
        """Newest first, from after `cursor`. Raises InvalidRequest for a cursor that no page has given."""

    async def unfinished(self) -> Sequence[Order]:
        """Every order that may still live at the broker."""

    async def events(self, after: int, limit: int) -> Sequence[OrderUpdate]:
        """In order, from the first one past `after`, each with the order as it stood then."""

    async def last_seq(self) -> int:
        """0 while nothing is kept."""

    async def remember(self, name: str, value: str) -> None:
        """Keep what an operator has set, such as a halt, over a restart. Raises OSError."""

    async def recall(self, name: str) -> str | None: ...

    async def close(self) -> None: ...
