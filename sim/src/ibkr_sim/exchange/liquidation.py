"""Margin calls: whose margin no longer suffices is sold out until it does ("Margin Deficiency" on IBKR's pages)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from ibkr_sim.exchange.agenda import Agenda
from ibkr_sim.exchange.ledger import Ledger
from ibkr_sim.exchange.office import Office

PACE: Final = timedelta(minutes=15)
"""Of simulated time, between two looks at every account."""


class Liquidation:
    """`close` sells, or buys back, a signed quantity of a contract at the market, and says whether it could."""

    def __init__(
        self,
        accounts: Iterable[str],
        office: Office,
        ledger: Ledger,
        agenda: Agenda,
        close: Callable[[str, int, Decimal], bool],
    ) -> None:
        self._accounts, self._office, self._ledger = tuple(accounts), office, ledger
        self._agenda, self._close = agenda, close

    def begin(self, now: datetime) -> None:
        self._agenda.at(now + PACE, self._look)

    def _look(self, now: datetime) -> None:
        for account in self._accounts:
            self._relieve(account)
        self.begin(now)

    def _relieve(self, account: str) -> None:
        """The largest position goes first; what is being closed counts as closed."""
        held = {conid: row.quantity for conid, row in self._ledger.account(account).holdings.items() if row.quantity}
        while held and self._office.statement(account).excess < 0:
            sizes = self._ledger.exposures(account)
            conid = max(held, key=lambda one: abs(sizes[one].size))
            if not self._close(account, conid, -held.pop(conid)):
                return
