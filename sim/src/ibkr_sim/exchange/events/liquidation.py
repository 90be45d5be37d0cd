"""Margin calls: whose margin no longer suffices is sold out until it does ("Margin Deficiency" on IBKR's pages)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from ibkr_sim.exchange.accounts.ledger import Ledger
from ibkr_sim.exchange.accounts.office import Office
from ibkr_sim.exchange.events.agenda import Agenda
from ibkr_sim.exchange.model import LIQUIDATION, OrderRequest, Side
from ibkr_sim.exchange.trading.desk import Desk

PACE: Final = timedelta(minutes=15)
"""Of simulated time, between two looks at every account."""


class Liquidation:
    """`accept` takes an order of the broker's own."""

    def __init__(
        self, desk: Desk, office: Office, ledger: Ledger, agenda: Agenda, accept: Callable[[OrderRequest], object]
    ) -> None:
        self._desk, self._office, self._ledger = desk, office, ledger
        self._agenda, self._accept = agenda, accept

    def begin(self, now: datetime) -> None:
        self._agenda.at(now + PACE, self._look)

    def _look(self, now: datetime) -> None:
        for account in self._ledger.clients():
            self._relieve(account.id)
        self.begin(now)

    def _relieve(self, account: str) -> None:
        """The largest position goes first; what is being closed counts as closed."""
        held = {conid: row.quantity for conid, row in self._ledger.account(account).holdings.items() if row.quantity}
        while held and self._office.statement(account).excess < 0:
            sizes = self._ledger.exposures(account)
            conid = max(held, key=lambda one: abs(sizes[one].size))
            if not self._close(account, conid, -held.pop(conid)):
                return

    def _close(self, account: str, conid: int, quantity: Decimal) -> bool:
        """At the market; False where it is being closed already."""
        working = (ticket.request for ticket in self._desk.working.values())
        if any(LIQUIDATION in row.wire and (row.account, row.conid) == (account, conid) for row in working):
            return False
        side, terms = Side.BUY if quantity > 0 else Side.SELL, {LIQUIDATION: "1"}
        self._accept(OrderRequest(account, conid, side, abs(quantity), "MKT", outside_rth=True, wire=terms))
        return True
