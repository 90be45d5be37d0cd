"""Which part of a bracket must go when another part is not at the broker. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ibkr_bridge.domain.order import Order, OrderStatus

_MISSING = (OrderStatus.REJECTED, OrderStatus.NEVER_ARRIVED)


def leftover(parent: Order, children: Sequence[Order]) -> tuple[Order, ...]:
    """The orders to cancel. The broker cancels the children of a cancelled parent by itself.

    A parent that has begun to fill stays: its other children protect what it has opened.
    """
    if parent.status in _MISSING and not parent.filled_qty:
        return tuple(child for child in children if _at_work(child))
    missing = any(child.status in _MISSING for child in children)
    return (parent,) if missing and not parent.filled_qty and _at_work(parent) else ()


def _at_work(order: Order) -> bool:
    """The broker has spoken of it as live; a cancel on its way may yet be refused."""
    return any(theirs.perm_id for theirs in order.broker) and not order.status.terminal
