"""What companies do to those who hold their shares: dividends and splits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Final

from ibkr_sim.exchange.accounts.ledger import Ledger
from ibkr_sim.exchange.model import ActionKind, Contract, CorporateAction, PositionChanged, Rejected
from ibkr_sim.exchange.prices.tape import Tape
from ibkr_sim.exchange.trading.desk import Desk

SPLIT_UP: Final = "Cancelled by System: the shares have been split"


class Corporate:
    """Who is short pays the dividend. Options on the shares stay as they are."""

    def __init__(
        self, desk: Desk, ledger: Ledger, contract: Callable[[int], Contract], tape: Callable[[int], Tape]
    ) -> None:
        self._desk, self._ledger = desk, ledger
        self._contract, self._tape = contract, tape

    def check(self, action: CorporateAction) -> None:
        """Raises Rejected (200 for what is no share, 201 for an amount that makes no sense)."""
        try:
            contract = self._contract(action.conid)
        except KeyError:
            raise Rejected(200, "No security definition has been found for the request") from None
        if contract.sec_type != "STK":
            raise Rejected(200, "Only shares have dividends and splits.")
        most = self._tape(action.conid).bid_price if action.kind is ActionKind.DIVIDEND else Decimal(1000)
        if not action.amount.is_finite() or not 0 < action.amount < most:
            raise Rejected(201, f"The amount of a {action.kind} must lie between 0 and {most}.")

    def carry_out(self, action: CorporateAction, now: datetime) -> list[PositionChanged]:
        """What changes for the holders."""
        tape = self._tape(action.conid)
        if action.kind is ActionKind.DIVIDEND:
            self._pay(action)
            tape.shift(action.amount)
        else:
            self._desk.end_all(action.conid, now, SPLIT_UP)
            for account in self._ledger.everyone():
                held = account.holdings.get(action.conid)
                if held is not None:
                    held.quantity *= action.amount
            tape.divide(action.amount)
        found = (self._ledger.position(account.id, action.conid) for account in self._ledger.clients())
        return [PositionChanged(position) for position in found if position is not None]

    def _pay(self, action: CorporateAction) -> None:
        currency = self._contract(action.conid).currency
        for account in self._ledger.clients():
            held = account.holdings.get(action.conid)
            if held is not None and held.quantity:
                self._ledger.distribute(account.id, action.conid, held.quantity * action.amount, currency)
