"""What companies do to those who hold their shares: dividends and splits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Final

from ibkr_sim.exchange.accounts.ledger import Ledger
from ibkr_sim.exchange.events.agenda import Agenda
from ibkr_sim.exchange.events.settlement import Settlement
from ibkr_sim.exchange.listing.contracts import Contracts
from ibkr_sim.exchange.listing.derivatives.options import multiplies
from ibkr_sim.exchange.listing.hours import last_close
from ibkr_sim.exchange.model import ActionKind, Contract, CorporateAction, PositionChanged, Rejected
from ibkr_sim.exchange.prices.floor import Floor
from ibkr_sim.exchange.trading.desk import Desk

SPLIT_UP: Final = "Cancelled by System: the shares have been split"
"""IBKR cancels orders in what is split, also those good till cancelled ("Time in Force for Orders" on its pages)."""


class Corporate:
    """Who is short pays the dividend. `publish` hears of the contracts whose price has changed, and of positions."""

    def __init__(
        self,
        desk: Desk,
        ledger: Ledger,
        contracts: Contracts,
        floor: Floor,
        agenda: Agenda,
        settlement: Settlement,
        publish: Callable[[Sequence[int], Sequence[PositionChanged]], None],
    ) -> None:
        self._desk, self._ledger, self._contracts, self._floor = desk, ledger, contracts, floor
        self._agenda, self._settlement, self._publish = agenda, settlement, publish
        self._ahead: list[CorporateAction] = []

    @property
    def ahead(self) -> Sequence[CorporateAction]:
        """What was announced and has not come yet."""
        return tuple(self._ahead)

    def check(self, action: CorporateAction) -> None:
        """Raises Rejected (200 for what is no share, 201 for an amount that makes no sense)."""
        contract = self._contracts.get(action.conid)
        if contract is None:
            raise Rejected(200, "No security definition has been found for the request")
        if contract.sec_type != "STK":
            raise Rejected(200, "Only shares have dividends and splits.")
        most = self._floor.tape(action.conid).bid_price if action.kind is ActionKind.DIVIDEND else Decimal(1000)
        if not action.amount.is_finite() or not 0 < action.amount < most:
            raise Rejected(201, f"The amount of a {action.kind} must lie between 0 and {most}.")

    def plan(self, action: CorporateAction, at: datetime, since: datetime) -> None:
        """Carry it out at that time; `since` is up to when everything has happened already."""
        if action in self._ahead:
            return
        self._ahead.append(action)
        contract = self._contracts.get(action.conid)
        if action.kind is ActionKind.DIVIDEND and contract is not None and last_close(contract, at) > since:
            anticipate = partial(self._settlement.anticipate, action.conid, action.amount)
            self._agenda.at(last_close(contract, at), anticipate)
        self._agenda.at(at, partial(self._come, action))

    def carry_out(self, action: CorporateAction, now: datetime) -> None:
        concerned = partial(self._contracts.moves_with, share=action.conid)
        if action.kind is ActionKind.DIVIDEND:
            self._pay(action)
            self._floor.tape(action.conid).shift(action.amount)
        else:
            self._desk.end_all(concerned, now, SPLIT_UP)
            self._split(action.conid, action.amount)
        held = {conid for account in self._ledger.clients() for conid in account.holdings}
        changed = sorted(conid for conid in held | {action.conid} if concerned(self._known(conid)))
        rows = (self._ledger.position(account.id, conid) for account in self._ledger.clients() for conid in changed)
        self._publish(changed, [PositionChanged(row) for row in rows if row is not None])

    def _come(self, action: CorporateAction, now: datetime) -> None:
        self._ahead.remove(action)
        self.carry_out(action, now)

    def _split(self, share: int, ratio: Decimal) -> None:
        """Options are multiplied where one share becomes several whole ones; else each delivers more, or less."""
        held = {conid for account in self._ledger.everyone() for conid in account.holdings}
        for conid in sorted(held):
            contract = self._known(conid)
            if self._contracts.moves_with(contract, share) and (multiplies(ratio) or not contract.is_option):
                self._ledger.multiply(conid, ratio)
        self._contracts.split(share, ratio)
        self._floor.split(share, ratio)
        for conid in sorted(held):
            contract = self._known(conid)
            if contract.conid == share or self._contracts.stands_for(contract, share):
                self._ledger.round_off(contract)

    def _pay(self, action: CorporateAction) -> None:
        """Contracts for difference pay what the share pays."""
        for account in self._ledger.clients():
            for conid, held in tuple(account.holdings.items()):
                contract = self._known(conid)
                if held.quantity and (conid == action.conid or self._contracts.stands_for(contract, action.conid)):
                    self._ledger.distribute(account.id, conid, held.quantity * action.amount, contract.currency)

    def _known(self, conid: int) -> Contract:
        """Raises KeyError; of what is held every contract is known."""
        contract = self._contracts.get(conid)
        if contract is None:
            raise KeyError(conid)
        return contract
