"""What the broker asked and who said yes: nothing lives without one, and nothing that was declined."""

from __future__ import annotations

from collections.abc import Iterator

from faults.callers import ASKED, FORBIDDEN
from faults.records import Answer, OurOrder, Outcome

_NOTHING_SENT = (409, 422, 503)


def consent(outcome: Outcome) -> Iterator[str]:
    """Every order that is at the broker though nobody has allowed it, and every answer about one that is not true."""
    held = {row.owner for row in outcome.ledger.orders}
    for order_id in sorted(outcome.left_open):
        yield f"{order_id} waits for its caller's answer, and its question is still open at the broker"
    for order in outcome.beliefs.orders:
        replies = [wish for wish in outcome.asked.wishes.get(order.id, []) if wish.method == "POST"]
        if order.id in held:
            declined = order.id in outcome.beliefs.journal.declined
            yield from _lives(order, replies, declined=declined)
        yield from _answered(order, replies)


def _lives(order: OurOrder, replies: list[Answer], *, declined: bool) -> Iterator[str]:
    name = order.client_order_id or ""
    consents = [reply for reply in replies if reply.body == {"confirm": True}]
    if declined:
        yield f"the broker holds {order.id}, whose question was declined"
    if name.startswith(FORBIDDEN):
        yield f"the broker holds {order.id}, which the policy forbids"
    elif name.startswith(ASKED) and not consents:
        yield f"the broker holds {order.id}, and nobody has said yes to its question"
    elif name.startswith(ASKED) and all(reply.status in _NOTHING_SENT for reply in consents):
        yield f"the broker holds {order.id}, and who said yes was told each time that nothing was placed"


def _answered(order: OurOrder, replies: list[Answer]) -> Iterator[str]:
    for reply in replies:
        if reply.status == 200 and reply.body == {"confirm": False} and order.status != "cancelled":
            yield f"{order.id} was told to be declined, and is {order.status}"
