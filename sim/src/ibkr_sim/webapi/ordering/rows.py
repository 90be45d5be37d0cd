"""What somebody is told who has placed an order (Web API: "Place Order")."""

from __future__ import annotations

from typing import Any

from ibkr_sim.exchange.model import Order, Status
from ibkr_sim.webapi.ordering.rounds import Round


def placed(order: Order, status: Status | None = None, parent: int | None = None) -> dict[str, Any]:
    """Here the order id is text; elsewhere it is a number."""
    row: dict[str, Any] = {"order_id": str(order.perm_id)}
    if order.request.order_ref:
        row["local_order_id"] = order.request.order_ref
    if parent is not None:
        row["parent_order_id"] = str(parent)
    return row | {"order_status": (status or order.status).value, "encrypt_message": "1"}


def failed(reason: str) -> dict[str, Any]:
    """The leg of a group that was not taken."""
    return {
        "order_id": "-1",
        "order_status": "Failed",
        "error": None,
        "warning_message": "-1",
        "text": f"Order couldn't be submitted: {reason}",
    }


def question(asked: Round) -> list[dict[str, Any]]:
    return [
        {
            "id": asked.id,
            "message": [question.text for question in asked.asked],
            "isSuppressed": False,
            "messageIds": [question.id for question in asked.asked],
            "messageOptions": ["Yes", "No"],
        }
    ]
