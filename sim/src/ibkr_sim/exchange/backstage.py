"""What only a fault may do to the market: set orders aside, fill them by force, correct what has filled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial

from ibkr_sim.exchange.accounts.ledger import STREET, Ledger
from ibkr_sim.exchange.model import (
    Commission,
    CommissionCharged,
    Contract,
    Event,
    Executed,
    Execution,
    Order,
    OrderChanged,
    PositionChanged,
    Side,
)
from ibkr_sim.exchange.trading.desk import Desk


class Backstage:
    """Whatever is done here really happened: ledger, orders and executions follow it."""

    def __init__(
        self,
        desk: Desk,
        ledger: Ledger,
        contract: Callable[[int], Contract],
        publish: Callable[[Event], None],
        advance: Callable[[], None],
        settle: Callable[[int, Callable[[datetime], None]], Order],
    ) -> None:
        """`settle` makes a change to the order of a permanent id, then publishes what it caused."""
        self._desk, self._ledger = desk, ledger
        self._contract, self._publish = contract, publish
        self._advance, self._settle = advance, settle
        self.setting_aside = False

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Orders placed meanwhile are live, but trade with nobody until `release`."""
        self.setting_aside = True
        try:
            yield
        finally:
            self.setting_aside = False

    def release(self, perm_id: int) -> Order | None:
        """None when the order is not set aside any more."""
        self._advance()
        if perm_id not in self._desk.aside:
            return None
        return self._settle(perm_id, partial(self._desk.release, self._desk.tickets[perm_id]))

    def fill(self, perm_id: int) -> Order | None:
        """Fill the rest of a working order against the street; None when it has ended."""
        self._advance()
        ticket = self._desk.working.get(perm_id)
        return None if ticket is None else self._settle(perm_id, partial(self._desk.fill, ticket))

    def correct(self, exec_id: str, *, price: Decimal, shares: Decimal) -> Execution | None:
        """Book an execution of today anew under the next correction number.

        None when there is none of that id, or it is one of a combination, whose legs stand and fall together.

        Raises ValueError for a price or size that no execution of that order can have.
        """
        place = self._place_of(exec_id)
        if place is None:
            return None
        rows = self._desk.executions
        old, _charge = rows[place]
        ticket = self._desk.tickets[old.perm_id]
        if price <= 0 or shares <= 0 or ticket.filled - old.shares + shares > ticket.request.quantity:
            raise ValueError(f"execution {exec_id} cannot become {shares} at {price}")
        self._settle(old.perm_id, partial(self._rebook, place, price, shares, Decimal(0)))
        return rows[place][0]

    def bust(self, exec_id: str) -> Execution | None:
        """Undo an execution of today: under the next correction number it has no shares and costs nothing.

        None as for `correct`. How IBKR tells of a trade that was broken is not on record; this is its form of a
        correction. The order stays what it was, with so much less filled.
        """
        place = self._place_of(exec_id)
        if place is None:
            return None
        rows = self._desk.executions
        old, charge = rows[place]
        ticket = self._desk.tickets[old.perm_id]
        self._ledger.charge(old.account, -charge.amount, charge.currency)
        ticket.commission = (ticket.commission or Decimal(0)) - charge.amount
        rows[place] = (old, replace(charge, amount=Decimal(0)))
        self._settle(old.perm_id, partial(self._rebook, place, old.price, Decimal(0), charge.amount))
        return rows[place][0]

    def _place_of(self, exec_id: str) -> int | None:
        """Among today's executions, as they are now; None also for a part of a combination."""
        self._advance()
        for place, (row, _charge) in enumerate(self._desk.executions):
            if row.exec_id == exec_id:
                request = self._desk.tickets[row.perm_id].request
                return None if self._contract(request.conid).legs else place
        return None

    def _rebook(self, place: int, price: Decimal, shares: Decimal, refund: Decimal, now: datetime) -> None:
        old, charge = self._desk.executions[place]
        ticket = self._desk.tickets[old.perm_id]
        ticket.correct(shares - old.shares, shares * price - old.shares * old.price, price, now)
        new = replace(
            old,
            exec_id=corrected_id(old.exec_id),
            shares=shares,
            price=price,
            cumulative=old.cumulative + shares - old.shares,
            average_price=ticket.average_price,
        )
        profit = self._book(old, new, refund)
        realized = (charge.realized_pnl or Decimal(0)) + profit if profit else charge.realized_pnl
        fresh = replace(charge, exec_id=new.exec_id, realized_pnl=realized)
        self._desk.executions[place] = (new, fresh)
        self._tell(new, fresh, ticket.order())

    def _book(self, old: Execution, new: Execution, refund: Decimal) -> Decimal:
        """The change of the profit realised; `refund` is the part of the commission that its cost loses again."""
        contract, sign = self._contract(old.conid), 1 if old.side is Side.BUY else -1
        difference = sign * old.shares * (new.price - old.price) * contract.factor
        profit = self._ledger.reprice(old.account, contract, sign * old.shares, difference)
        more = sign * (new.shares - old.shares)
        if more:
            self._ledger.trade(STREET, contract, -more, new.price, Decimal(0))
            profit += self._ledger.trade(old.account, contract, more, new.price, -refund) or Decimal(0)
        return profit

    def _tell(self, execution: Execution, charge: Commission, order: Order) -> None:
        self._publish(Executed(execution, order))
        self._publish(OrderChanged(order))
        self._publish(CommissionCharged(charge, execution, order))
        position = self._ledger.position(execution.account, execution.conid)
        if position is not None:
            self._publish(PositionChanged(position))


def corrected_id(exec_id: str) -> str:
    """`0001.0002.01.01` becomes `0001.0002.01.02`: IBKR counts corrections in the last part."""
    root, _dot, count = exec_id.rpartition(".")
    return f"{root}.{int(count) + 1:02d}"
