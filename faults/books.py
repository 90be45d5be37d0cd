"""The books at the end: what the broker really did, against the orders, the journal, the stream and every answer.

Plain values in, complaints out: it is the same judge for worlds in virtual time, for real processes and for others.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from faults.answers import answers
from faults.consent import consent
from faults.hearing import hearing
from faults.records import BrokerFill, BrokerOrder, OurOrder, Outcome


class Wrong(StrEnum):
    """The ways in which books do not balance."""

    DOUBLED = "doubled"
    LOST = "lost"
    FALSE = "false"
    FILL_LOST = "fill lost"
    FILL_DOUBLED = "fill doubled"
    UNRESOLVED = "unresolved"
    HALF = "half"
    CONSENT = "consent"
    LIMITS = "limits"
    STREAM = "stream"
    JOURNAL = "journal"
    BROKEN = "broken"
    """The world itself came to no end."""


@dataclass(frozen=True, slots=True)
class Complaint:
    wrong: Wrong
    text: str

    def __str__(self) -> str:
        return f"{self.wrong}: {self.text}"


_NOWHERE = frozenset({"denied", "never_arrived", "rejected"})
_AGREES: Mapping[str, frozenset[str]] = {
    "PreSubmitted": frozenset({"working", "partially_filled"}),
    "Submitted": frozenset({"working", "partially_filled"}),
    "PendingCancel": frozenset({"pending_cancel"}),
    "Cancelled": frozenset({"cancelled"}),
    "Filled": frozenset({"filled"}),
    "Inactive": frozenset({"rejected"}),
}
_HOLDING = frozenset({"gateway_hangs", "link_lost", "hang", "answer_late"})
"""Bad days on which a gateway holds requests back, and then lets them all go at once."""
_AVERAGE_OFF = Decimal("0.00000001")
"""An average price has eight places, here and in the ledger."""


def complaints(outcome: Outcome) -> list[Complaint]:
    """Every way in which the books do not balance; none is what we want."""
    return [
        *_standing(outcome),
        *(Complaint(Wrong.FALSE, text) for text in answers(outcome)),
        *(Complaint(Wrong.CONSENT, text) for text in consent(outcome)),
        *_brackets(outcome),
        *_fills(outcome),
        *(Complaint(Wrong.STREAM, text) for text in hearing(outcome.beliefs.journal, outcome.beliefs.heard)),
        *_journal(outcome),
        *_limits(outcome),
    ]


def _limits(outcome: Outcome) -> Iterator[Complaint]:
    if outcome.boxed and not outcome.faults & _HOLDING:
        yield Complaint(Wrong.LIMITS, "the broker has been asked more often than it allows")


def _standing(outcome: Outcome) -> Iterator[Complaint]:
    """Each order against what the broker holds for it."""
    ours = {order.id: order for order in outcome.beliefs.orders}
    theirs: dict[str, list[BrokerOrder]] = defaultdict(list)
    for row in outcome.ledger.orders:
        theirs[row.owner or "?"].append(row)
    for owner in theirs.keys() - ours.keys():
        yield Complaint(Wrong.LOST, f"the broker holds {owner}, which nobody here knows")
    blind = _blind(outcome)
    for order in outcome.beliefs.orders:
        held = theirs.get(order.id, [])
        numbers = {row.number for row in held}
        if len(numbers) > 1 or (len(held) > 1 and "modify_forks" not in outcome.faults):
            yield Complaint(Wrong.DOUBLED, f"the broker holds {len(held)} orders for {order.id}")
        else:
            declined = order.id in outcome.beliefs.journal.declined
            yield from _agreement(order, held, blind=order.id in blind, declined=declined)
    names = Counter(order.client_order_id for order in outcome.beliefs.orders if order.status != "denied")
    for name, count in names.items():
        if name is not None and count > 1:
            yield Complaint(Wrong.DOUBLED, f"there are {count} orders for {name}")


def _brackets(outcome: Outcome) -> Iterator[Complaint]:
    """Of an order and those that wait for it, the broker holds all or none, until the order has begun to fill."""
    live = {row.owner for row in outcome.ledger.orders if row.live}
    held = {row.owner for row in outcome.ledger.orders}
    ours = {order.id: order for order in outcome.beliefs.orders}
    for child in outcome.beliefs.orders:
        parent = ours.get(child.parent_id or "")
        if parent is None:
            continue
        if child.id not in held and parent.id in live and not parent.filled:
            yield Complaint(
                Wrong.HALF, f"{parent.id} lives at the broker, and {child.id}, which belongs to it, does not"
            )
        if parent.id not in held and child.id in live:
            yield Complaint(Wrong.HALF, f"{child.id} lives at the broker, and its parent {parent.id} was never there")


def _agreement(order: OurOrder, held: list[BrokerOrder], *, blind: bool, declined: bool) -> Iterator[Complaint]:
    """`held` has several where a change forked. `blind`: the broker hides fills of it, and the order says so.

    `declined`: it was cancelled by a no to the broker's question, and never was at the broker.
    """
    live = [row for row in held if row.live]
    if len(live) > 1:
        yield Complaint(Wrong.DOUBLED, f"{len(live)} orders that a fork has left for {order.id} still live")
    if order.status in ("unknown", "received", "awaiting_answer", "sent"):
        said = f"the broker says {', '.join(row.status for row in held)}" if held else "the broker has no such order"
        yield Complaint(Wrong.UNRESOLVED, f"{order.id} is {order.status} although {said}")
        return
    if not held:
        if order.status not in _NOWHERE and not (declined and order.status == "cancelled"):
            yield Complaint(Wrong.FALSE, f"{order.id} is {order.status}, and the broker has no such order")
        return
    if not any(order.status in _AGREES[row.status] for row in live or held):
        said = ", ".join(row.status for row in held)
        yield Complaint(Wrong.FALSE, f"{order.id} is {order.status}, and the broker says {said}")
    filled = sum((row.filled for row in held), Decimal(0))
    if order.filled != filled and not (blind and order.filled < filled):
        yield Complaint(Wrong.FALSE, f"{order.id} has {order.filled} filled, and the broker says {filled}")
    if len(held) == 1:
        yield from _figures(order, held[0], blind=blind)


def _figures(order: OurOrder, row: BrokerOrder, *, blind: bool) -> Iterator[Complaint]:
    if row.live and order.qty != row.qty:
        yield Complaint(Wrong.FALSE, f"{order.id} asks for {order.qty}, and at the broker for {row.qty}")
    if order.average is not None and not blind and abs(order.average - row.average) > _AVERAGE_OFF:
        yield Complaint(Wrong.FALSE, f"{order.id} paid {order.average} each, and the broker says {row.average}")


def _blind(outcome: Outcome) -> set[str]:
    """Orders of which the broker shows some fills no more and which say themselves that fills are missing."""
    owners = {row.perm_id: row.owner for row in outcome.ledger.orders}
    hidden = {owners[fill.perm_id] for fill in outcome.ledger.fills if fill.hidden}
    honest = {order.id for order in outcome.beliefs.journal.orders if order.owes or order.status == "unknown"}
    return {owner for owner in hidden if owner in honest and owner is not None}


def root(exec_id: str) -> str:
    """What an execution and its corrections share (TWS API, "Executions and Commissions")."""
    return exec_id.rpartition(".")[0] or exec_id


def _fills(outcome: Outcome) -> Iterator[Complaint]:
    """Each fill once in the journal; of one that was corrected the last word, and no later one than the broker's."""
    told = Counter(outcome.beliefs.journal.fills.values())
    really = {root(fill.exec_id): fill for fill in outcome.ledger.fills}
    owners = {row.perm_id: row.owner for row in outcome.ledger.orders}
    blind = _blind(outcome)
    for fill in really.values():
        if not told[fill.exec_id] and not (fill.hidden and owners[fill.perm_id] in blind):
            yield Complaint(Wrong.FILL_LOST, f"{fill.exec_id} is not in the journal{_hidden(fill)}")
    for exec_id, count in told.items():
        if root(exec_id) not in really or exec_id > really[root(exec_id)].exec_id:
            yield Complaint(Wrong.FALSE, f"the fill {exec_id} never happened")
        elif count > 1:
            yield Complaint(Wrong.FILL_DOUBLED, f"{exec_id} is {count} times in the journal")


def _hidden(fill: BrokerFill) -> str:
    return ", the broker shows it no more, and its order does not say so" if fill.hidden else ""


def _journal(outcome: Outcome) -> Iterator[Complaint]:
    for finding in outcome.beliefs.journal.findings:
        yield Complaint(Wrong.JOURNAL, finding)
    kept = {order.id: order for order in outcome.beliefs.journal.orders}
    for order in outcome.beliefs.orders:
        again = kept.get(order.id)
        if again is None:
            yield Complaint(Wrong.JOURNAL, f"{order.id} is not there when it is opened afresh")
        elif (again.status, again.filled, again.qty) != (order.status, order.filled, order.qty):
            said = f"{again.status} with {again.filled} of {again.qty}"
            yield Complaint(Wrong.JOURNAL, f"{order.id} is {order.status}, and {said} when it is opened afresh")
