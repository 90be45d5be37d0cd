"""The end of futures, options, warrants and bonds: exercise, assignment, delivery, payment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Final

from ibkr_sim.exchange.accounts.ledger import Ledger
from ibkr_sim.exchange.events.agenda import Agenda
from ibkr_sim.exchange.model import Contract, Rejected
from ibkr_sim.exchange.orders.validation import REFUSED
from ibkr_sim.exchange.prices.tape import Tape
from ibkr_sim.exchange.trading.desk import Desk

EXPIRED: Final = "Cancelled by System: the contract has expired"
_PAR: Final = Decimal(100)
_NOTHING: Final = Decimal(0)


class Settlement:
    """Options that are worth something on their last day are exercised, unless their holder lets them lapse."""

    def __init__(
        self,
        desk: Desk,
        ledger: Ledger,
        agenda: Agenda,
        contract: Callable[[int], Contract],
        tape: Callable[[int], Tape],
        sleep: Callable[[int], None],
    ) -> None:
        self._desk, self._ledger, self._agenda = desk, ledger, agenda
        self._contract, self._tape, self._sleep = contract, tape, sleep
        self._followed: set[int] = set()
        self._lapsing: set[tuple[str, int]] = set()

    def follow(self, conid: int) -> None:
        """Attend to the end of a contract that is traded."""
        ends = self._contract(conid).last_trade
        if ends is not None and conid not in self._followed:
            self._followed.add(conid)
            self._agenda.at(ends, partial(self._expire, conid))

    def exercise(self, account: str, conid: int, quantity: Decimal, now: datetime, *, override: bool) -> None:
        """Take or give the underlying at the strike, before the last day or on it.

        Raises Rejected (201) for what is not held, cannot be exercised yet, or brings nothing and is not overridden.
        """
        contract = self._exercisable(account, conid, quantity)
        if not contract.american and contract.expiry != now.date():
            raise Rejected(201, f"{REFUSED}a European option is exercised on its last day alone.")
        if not self._worth(contract) and not override:
            raise Rejected(201, f"{REFUSED}the option is not in the money.")
        self._convert(contract, account, quantity, now)

    def assign(self, account: str, conid: int, quantity: Decimal, now: datetime) -> None:
        """Let somebody exercise an American option that an account is short of, before its last day.

        Raises Rejected (201) for what is no such option, or not short.
        """
        contract, position = self._contract(conid), self._ledger.position(account, conid)
        if not (contract.is_option and contract.american):
            raise Rejected(201, f"{REFUSED}only American options are assigned before their last day.")
        if not 0 < quantity <= -(position.quantity if position else 0) or quantity % 1:
            raise Rejected(201, f"{REFUSED}no such short position to assign.")
        self._convert(contract, account, -quantity, now)

    def anticipate(self, share: int, dividend: Decimal, now: datetime) -> None:
        """Calls are exercised that are worth less alive than the dividend which their holders would miss.

        The rule of whom it pays to exercise before a share goes without its dividend ("Early exercise" of the Options
        Industry Council): in the money, with less time value than the dividend. Every short position of such a call
        is assigned in whole.
        """
        for account in self._ledger.clients():
            for conid, held in tuple(account.holdings.items()):
                contract = self._contract(conid)
                callable_ = contract.is_option and contract.american and contract.right == "C"
                if held.quantity < 0 and callable_ and contract.under_conid == share:
                    worth = self._worth(contract)
                    if worth and self._tape(conid).mark - worth < dividend:
                        self._convert(contract, account.id, held.quantity, now)

    @property
    def lapsing(self) -> list[tuple[str, int]]:
        """Accounts and the options that they let lapse."""
        return sorted(self._lapsing)

    def recall(self, lapsing: Iterable[tuple[str, int]]) -> None:
        self._lapsing.update(lapsing)

    def lapse(self, account: str, conid: int, quantity: Decimal) -> None:
        """Let a position expire, whatever it is worth then. Raises Rejected (201)."""
        self._exercisable(account, conid, quantity)
        self._lapsing.add((account, conid))

    def _exercisable(self, account: str, conid: int, quantity: Decimal) -> Contract:
        contract, position = self._contract(conid), self._ledger.position(account, conid)
        if not contract.is_option:
            raise Rejected(201, f"{REFUSED}only options are exercised.")
        if not 0 < quantity <= (position.quantity if position else 0):
            raise Rejected(201, f"{REFUSED}no such position to exercise.")
        return contract

    def _expire(self, conid: int, now: datetime) -> None:
        contract = self._contract(conid)
        self._desk.end_all(lambda one: one.conid == conid, now, EXPIRED)
        for account in self._ledger.clients():
            held = account.holdings.get(conid)
            if held is not None and held.quantity:
                self._close(contract, account.id, held.quantity, now)
        self._sleep(conid)
        self._followed.discard(conid)

    def _close(self, contract: Contract, account: str, quantity: Decimal, now: datetime) -> None:
        if not contract.is_option:
            self._desk.assign(contract, account, -quantity, self._last_price(contract), now)
            return
        worth = _NOTHING if (account, contract.conid) in self._lapsing else self._worth(contract)
        self._lapsing.discard((account, contract.conid))
        if worth and not contract.cash_settled:
            self._convert(contract, account, quantity, now)
        else:
            self._desk.assign(contract, account, -quantity, worth, now)

    def _convert(self, contract: Contract, account: str, quantity: Decimal, now: datetime) -> None:
        """`quantity` is below 0 for who is assigned. What settles in cash brings what it is worth."""
        if contract.cash_settled:
            self._desk.assign(contract, account, -quantity, self._worth(contract), now)
            return
        under = self._contract(contract.under_conid)
        size = quantity * (contract.factor / under.factor) * (1 if contract.right == "C" else -1)
        self._desk.assign(contract, account, -quantity, _NOTHING, now)
        self._desk.assign(under, account, size, contract.strike or _NOTHING, now)
        if size % under.size_increment:
            self._ledger.round_off(under)
        self.follow(under.conid)

    def _worth(self, contract: Contract) -> Decimal:
        gain = self._tape(contract.under_conid).mark - (contract.strike or _NOTHING)
        return max(gain if contract.right == "C" else -gain, _NOTHING)

    def _last_price(self, contract: Contract) -> Decimal:
        """A bond is paid back; a future ends at its underlying's price where that is paid in cash."""
        if contract.sec_type == "BOND":
            return _PAR
        return self._tape(contract.under_conid if contract.cash_settled else contract.conid).mark
