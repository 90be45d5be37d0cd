"""What each caller was told, against what there is: one order per id, one body per order, no failure that is none."""

from __future__ import annotations

from collections.abc import Iterator

from faults.records import LAST, Answer, BrokerOrder, OurOrder, Outcome

_REUSED = "order.id_reused"
_NOWHERE = ("denied", "never_arrived")
_LATER = "stale_reply"
"""A bad day on which the broker takes an order at any later time, after whatever evidence."""


def answers(outcome: Outcome) -> Iterator[str]:
    """Every answer that was not true, or did not stay true."""
    known = {order.id: order for order in outcome.beliefs.orders}
    placed = {order.client_order_id: order for order in outcome.beliefs.orders if order.status != "denied"}
    if any(answer.status != 201 for answer in outcome.asked.places.get(LAST, ())):
        yield f"the last order of all was answered with {outcome.asked.places[LAST][0].status}"
    for client_order_id, told in outcome.asked.places.items():
        yield from _placed(client_order_id, told, placed.get(client_order_id), known)
        if _LATER not in outcome.faults:
            yield from _given_up(client_order_id, told, {row.owner for row in outcome.ledger.orders})
    if _LATER not in outcome.faults:
        yield from _said_too_soon(outcome)
    yield from _refused(outcome)
    held = {row.owner: row for row in outcome.ledger.orders}
    forked = {row.owner for row in outcome.ledger.orders if held[row.owner] is not row}
    for order_id, wishes in outcome.asked.wishes.items():
        order, row = known.get(order_id), held.get(order_id)
        if order is not None and row is not None and order_id not in forked:
            yield from _cancelled(wishes, row)
            yield from _changed(outcome.asked.places[order.client_order_id or ""], wishes, order, row)


def _placed(name: str, told: list[Answer], order: OurOrder | None, known: dict[str, OurOrder]) -> Iterator[str]:
    shown = [(answer, answer.order) for answer in told]
    ids = {str(content["id"]) for answer, content in shown if content is not None and answer.status != 503}
    if len(ids) > 1:
        yield f"{name} was told of {len(ids)} orders"
    for order_id in sorted(ids - known.keys()):
        yield f"{name} was told of {order_id}, which nobody knows now"
    if order is None:
        return
    for answer, content in shown:
        wanted = (answer.body or {}).get("side")
        if content is not None and answer.status in (200, 201, 202) and wanted != order.side:
            yield f"{name} asked to {wanted} and was told of an order to {order.side}"
    if all(answer.status == 503 or answer.code == _REUSED for answer in told):
        yield f"{name} was told each time that nothing was placed, and there is {order.id}"


def _given_up(name: str, told: list[Answer], held: set[str | None]) -> Iterator[str]:
    for answer in told:
        content = answer.order or {}
        if content.get("status") in _NOWHERE and content["id"] in held:
            yield f"{name} was told that its order is {content['status']}, and the broker holds it"


def _said_too_soon(outcome: Outcome) -> Iterator[str]:
    """Also where it was taken back: whoever believed it has placed another order by then."""
    said = {message.given_up for message in outcome.beliefs.heard if message.given_up is not None}
    for order_id in sorted(said & {row.owner for row in outcome.ledger.orders if row.owner is not None}):
        yield f"{order_id} was said never to have arrived, and the broker holds it"


def _refused(outcome: Outcome) -> Iterator[str]:
    """Only the broker refuses an order; what it then holds is inactive."""
    taken = {row.owner for row in outcome.ledger.orders if row.status != "Inactive"}
    said = (*outcome.asked.places.values(), *outcome.asked.wishes.values())
    shown = (answer.order or {} for row in said for answer in row)
    told = {str(order["id"]) for order in shown if order.get("status") == "rejected"}
    for order_id in sorted(told & taken):
        yield f"{order_id} was told to be rejected, and the broker has taken it"


def _cancelled(wishes: list[Answer], row: BrokerOrder) -> Iterator[str]:
    if row.status != "Cancelled" and any(wish.method == "DELETE" and wish.status == 200 for wish in wishes):
        yield f"{row.owner} was told to be cancelled, and the broker says {row.status}"


def _changed(places: list[Answer], wishes: list[Answer], order: OurOrder, row: BrokerOrder) -> Iterator[str]:
    """Of an order that was changed once: what the answer said is what it then asks for."""
    changes = [wish for wish in wishes if wish.method == "PATCH"]
    if len(changes) != 1 or changes[0].body is None:
        return
    before = {place.body["qty"] for place in places if place.body is not None and place.body["side"] == order.side}
    after, status = changes[0].body["qty"], changes[0].status
    if status == 200 and row.qty != after:
        yield f"{row.owner} was told to ask for {after}, and the broker says {row.qty}"
    elif status in (409, 422, 503) and row.qty not in before:
        yield f"{row.owner} was told that its change was refused, and the broker says {row.qty}"
