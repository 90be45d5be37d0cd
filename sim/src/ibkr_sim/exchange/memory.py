"""What an exchange tells of itself before it closes, and how another one goes on from there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ibkr_sim.exchange.accounts.ledger import Ledger
from ibkr_sim.exchange.accounts.locating import Locating
from ibkr_sim.exchange.accounts.worth import Worth
from ibkr_sim.exchange.events.corporate import Corporate
from ibkr_sim.exchange.events.settlement import Settlement
from ibkr_sim.exchange.listing.contracts import Contracts
from ibkr_sim.exchange.listing.sessions import Sessions
from ibkr_sim.exchange.model import CorporateAction
from ibkr_sim.exchange.orders.order import Gate, Numbering, Ticket
from ibkr_sim.exchange.prices.floor import Floor
from ibkr_sim.exchange.trading.combos import Combos
from ibkr_sim.exchange.trading.desk import Desk

Memory = dict[str, Any]
"""Plain values and the exchange's own; whoever keeps it finds a form for them."""
_KEPT = (
    *("status", "filled", "paid", "last_price", "commission", "updated_at", "reason", "withdrawn", "sequence"),
    *("triggered", "stop", "first_stop", "auction"),
)
"""Of an order, beside its number, its request and when it was made."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """Whose state it is."""

    desk: Desk
    ledger: Ledger
    contracts: Contracts
    combos: Combos
    floor: Floor
    sessions: Sessions
    locating: Locating
    settlement: Settlement
    corporate: Corporate
    worth: Worth
    numbering: Numbering


def remember(rooms: Rooms, now: datetime) -> Memory:
    desk = rooms.desk
    tickets = [_kept(ticket) for ticket in (*desk.ended, *desk.working.values())]
    return {
        "now": now,
        "numbers": rooms.numbering.state,
        "accounts": [[account.id, account.cash, account.holdings] for account in rooms.ledger.everyone()],
        "orders": tickets,
        "aside": sorted(desk.aside),
        "executions": [[execution, charge] for execution, charge in desk.executions],
        "days": rooms.worth.days,
        "combinations": [[contract.symbol, contract.currency, list(contract.legs)] for contract in rooms.combos],
        "levels": rooms.floor.levels(),
        "splits": [list(row) for row in rooms.contracts.splits],
        "corporate_actions": list(rooms.corporate.ahead),
        "halted": sorted(rooms.sessions.halted),
        "lapsing": [list(row) for row in rooms.settlement.lapsing],
        "shortable": rooms.locating.shortable,
    }


def recall_books(memory: Memory, rooms: Rooms) -> None:
    """Accounts that are not there any more are forgotten; new ones begin with what their settings say."""
    rooms.numbering.state = memory["numbers"]
    known = {account.id: account for account in rooms.ledger.everyone()}
    for name, cash, holdings in memory["accounts"]:
        if name in known:
            known[name].cash, known[name].holdings = dict(cash), dict(holdings)
    days = rooms.worth.days
    days.update({name: kept for name, kept in memory["days"].items() if name in days})
    for symbol, currency, legs in memory["combinations"]:
        rooms.combos.name(symbol, currency, legs)


def recall_plans(memory: Memory, rooms: Rooms, configured: Sequence[CorporateAction]) -> None:
    """What is halted, lent and announced. A state that was written before these were kept says nothing of them.

    Of what the settings announce, only what lies after the state has not happened yet.
    """
    before = memory["now"]
    rooms.sessions.halted.update(memory.get("halted", ()))
    rooms.settlement.recall((account, conid) for account, conid in memory.get("lapsing", ()))
    for conid, shares in memory.get("shortable", {}).items():
        rooms.locating.set(conid, shares)
    for action in (*memory.get("corporate_actions", ()), *configured):
        if action.at is not None and action.at > before:
            rooms.corporate.plan(action, action.at, before)


def recall_orders(memory: Memory, rooms: Rooms) -> Iterator[Ticket]:
    """Those that were working come back one by one, to be let in again."""
    desk = rooms.desk
    desk.executions.extend((execution, charge) for execution, charge in memory["executions"])
    for row in memory["orders"]:
        if row["request"].account not in rooms.ledger:
            continue
        ticket = _ticket(row)
        desk.tickets[ticket.perm_id] = ticket
        if ticket.status.done:
            desk.ended.append(ticket)
            continue
        if ticket.perm_id in memory.get("aside", ()):
            desk.aside.add(ticket.perm_id)
        yield ticket


def _kept(ticket: Ticket) -> Memory:
    row = {name: getattr(ticket, name) for name in _KEPT}
    return row | {
        "perm_id": ticket.perm_id,
        "request": ticket.request,
        "created_at": ticket.created_at,
        "witnessed": sorted(ticket.witnessed, key=repr),
        "passed": [gate.value for gate in sorted(ticket.passed)],
    }


def _ticket(row: Memory) -> Ticket:
    ticket = Ticket(row["perm_id"], row["request"], row["created_at"])
    for name in _KEPT:
        setattr(ticket, name, row[name])
    ticket.reckon()
    ticket.passed = frozenset(Gate(name) for name in row["passed"])
    ticket.witnessed = frozenset(row.get("witnessed", ()))
    return ticket
