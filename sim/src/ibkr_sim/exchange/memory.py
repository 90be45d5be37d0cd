"""What an exchange tells of itself before it closes, and how another one goes on from there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ibkr_sim.exchange.accounts.ledger import Ledger
from ibkr_sim.exchange.accounts.worth import Worth
from ibkr_sim.exchange.orders.order import Gate, Numbering, Ticket
from ibkr_sim.exchange.prices.floor import Floor
from ibkr_sim.exchange.trading.combos import Combos
from ibkr_sim.exchange.trading.desk import Desk

Memory = dict[str, Any]
"""Plain values and the exchange's own; whoever keeps it finds a form for them."""
_KEPT = (
    *("status", "filled", "paid", "last_price", "commission", "updated_at", "reason", "sequence"),
    *("triggered", "stop", "first_stop", "auction"),
)
"""Of an order, beside its number, its request and when it was made."""


def remember(
    desk: Desk, ledger: Ledger, numbering: Numbering, worth: Worth, combos: Combos, floor: Floor, now: datetime
) -> Memory:
    tickets = [_kept(ticket) for ticket in (*desk.ended, *desk.working.values())]
    return {
        "now": now,
        "numbers": numbering.state,
        "accounts": [[account.id, account.cash, account.holdings] for account in ledger.everyone()],
        "orders": tickets,
        "executions": [[execution, charge] for execution, charge in desk.executions],
        "days": worth.days,
        "combinations": [[contract.symbol, contract.currency, list(contract.legs)] for contract in combos],
        "levels": floor.levels(),
    }


def recall_books(memory: Memory, ledger: Ledger, numbering: Numbering, worth: Worth, combos: Combos) -> None:
    """Accounts that are not there any more are forgotten; new ones begin with what their settings say."""
    numbering.state = memory["numbers"]
    known = {account.id: account for account in ledger.everyone()}
    for name, cash, holdings in memory["accounts"]:
        if name in known:
            known[name].cash, known[name].holdings = dict(cash), dict(holdings)
    worth.days.update({name: days for name, days in memory["days"].items() if name in worth.days})
    for symbol, currency, legs in memory["combinations"]:
        combos.name(symbol, currency, legs)


def recall_orders(memory: Memory, desk: Desk, ledger: Ledger) -> Iterator[Ticket]:
    """Those that were working come back one by one, to be let in again."""
    desk.executions.extend((execution, charge) for execution, charge in memory["executions"])
    for row in memory["orders"]:
        if row["request"].account not in ledger:
            continue
        ticket = _ticket(row)
        desk.tickets[ticket.perm_id] = ticket
        if ticket.status.done:
            desk.ended.append(ticket)
        else:
            yield ticket


def _kept(ticket: Ticket) -> Memory:
    row = {name: getattr(ticket, name) for name in _KEPT}
    return row | {
        "perm_id": ticket.perm_id,
        "request": ticket.request,
        "created_at": ticket.created_at,
        "passed": [gate.value for gate in sorted(ticket.passed)],
    }


def _ticket(row: Memory) -> Ticket:
    ticket = Ticket(row["perm_id"], row["request"], row["created_at"])
    for name in _KEPT:
        setattr(ticket, name, row[name])
    ticket.passed = {Gate(name) for name in row["passed"]}
    return ticket
