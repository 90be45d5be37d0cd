"""Books every fill: the order's figures, the execution, the commission, the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from ibkr_sim.exchange.accounts.commissions import commission
from ibkr_sim.exchange.accounts.currencies import Rates
from ibkr_sim.exchange.accounts.ledger import STREET, Ledger
from ibkr_sim.exchange.model import (
    LIQUIDATION,
    Commission,
    CommissionCharged,
    Contract,
    Event,
    Executed,
    Execution,
    OrderChanged,
    PositionChanged,
    Side,
)
from ibkr_sim.exchange.orders.order import PRICE_EXACTNESS, Numbering, Ticket, leg_exec_id
from ibkr_sim.exchange.trading.allocation import Portion, divided

ADDED, REMOVED = 1, 2


@dataclass(frozen=True, slots=True)
class LegFill:
    """What a combination's fill means for one of its legs."""

    contract: Contract
    side: Side
    quantity: Decimal
    price: Decimal


class Clerk:
    """`retire` takes an order off the book when nothing of it remains."""

    def __init__(
        self,
        ledger: Ledger,
        rates: Rates,
        numbering: Numbering,
        publish: Callable[[Event], None],
        retire: Callable[[Ticket], None],
    ) -> None:
        self._ledger, self._rates, self._numbering = ledger, rates, numbering
        self._publish, self._retire = publish, retire
        self.executions: list[tuple[Execution, Commission]] = []

    def fill(
        self, ticket: Ticket, contract: Contract, quantity: Decimal, price: Decimal, now: datetime, liquidity: int
    ) -> None:
        if ticket.request.shares:
            self._fill_shared(ticket, contract, quantity, price, now, liquidity)
            return
        charged = ticket.commission or Decimal(0)
        execution, order = self._advance(ticket, contract, quantity, price, now, liquidity), ticket.order()
        self._publish(Executed(execution, order))
        self._publish(OrderChanged(order))

        total, currency = commission(contract, ticket.filled, ticket.paid, self._rates.rate)
        fee = max(total - charged, Decimal(0))
        ticket.commission = charged + fee
        self._settle(ticket, execution, contract, fee, currency)

    def _fill_shared(
        self, ticket: Ticket, contract: Contract, quantity: Decimal, price: Decimal, now: datetime, liquidity: int
    ) -> None:
        """One execution for each account that has a share; each is charged as for an order of its own."""
        portions = defaultdict[str, Portion](Portion)
        for execution, charge in self.executions:
            if execution.perm_id == ticket.perm_id:
                portions[execution.account] = portions[execution.account].add(execution, charge)
        held = {account: portion.filled for account, portion in portions.items()}
        whole = self._advance(ticket, contract, quantity, price, now, liquidity)
        parts = divided(ticket.request.shares, held, quantity, contract.size_increment)
        executions = [self._part(whole, account, size, portions[account]) for account, size in parts]
        for execution in executions:
            self._publish(Executed(execution, ticket.order()))
        self._publish(OrderChanged(ticket.order()))
        for execution in executions:
            before = portions[execution.account]
            paid = before.paid + execution.shares * price
            total, currency = commission(contract, execution.cumulative, paid, self._rates.rate)
            fee = max(total - before.charged, Decimal(0))
            ticket.commission = (ticket.commission or Decimal(0)) + fee
            self._settle(ticket, execution, contract, fee, currency)

    def _part(self, whole: Execution, account: str, shares: Decimal, before: Portion) -> Execution:
        total = before.filled + shares
        average = (before.paid + shares * whole.price) / total
        return replace(
            whole,
            exec_id=self._numbering.exec_id(),
            account=account,
            shares=shares,
            cumulative=total,
            average_price=average.quantize(PRICE_EXACTNESS),
        )

    def book(self, ticket: Ticket, contract: Contract, price: Decimal, now: datetime) -> None:
        """All of an order that the broker itself gave, at a price of its own and free of charge."""
        quantity = ticket.remaining
        self._ledger.trade(STREET, contract, -quantity if ticket.side is Side.BUY else quantity, price, Decimal(0))
        execution = self._advance(ticket, contract, quantity, price, now, REMOVED)
        self._publish(Executed(execution, ticket.order()))
        self._publish(OrderChanged(ticket.order()))
        ticket.commission = Decimal(0)
        self._settle(ticket, execution, contract, Decimal(0), contract.currency)

    def fill_combination(
        self,
        ticket: Ticket,
        contract: Contract,
        fills: Sequence[LegFill],
        quantity: Decimal,
        price: Decimal,
        now: datetime,
    ) -> None:
        """One execution for the combination and one for each leg; only the legs move money and positions."""
        whole = self._advance(ticket, contract, quantity, price, now, REMOVED)
        legs = [self._leg(ticket, whole, fill, number) for number, fill in enumerate(fills, 1)]
        for execution in (whole, *legs):
            self._publish(Executed(execution, ticket.order()))
        self._publish(OrderChanged(ticket.order()))
        self._charge(whole, Commission(whole.exec_id, Decimal(0), contract.currency, None), ticket)
        for execution, fill in zip(legs, fills, strict=True):
            signed = fill.quantity if fill.side is Side.BUY else -fill.quantity
            self._ledger.trade(STREET, fill.contract, -signed, fill.price, Decimal(0))
            value = fill.quantity * fill.price
            fee, currency = commission(fill.contract, fill.quantity, value, self._rates.rate)
            ticket.commission = (ticket.commission or Decimal(0)) + fee
            self._settle(ticket, execution, fill.contract, fee, currency)

    def _advance(
        self, ticket: Ticket, contract: Contract, quantity: Decimal, price: Decimal, now: datetime, liquidity: int
    ) -> Execution:
        ticket.fill(quantity, price, now)
        if ticket.status.done:
            self._retire(ticket)
        request = ticket.request
        return Execution(
            exec_id=self._numbering.exec_id(),
            perm_id=ticket.perm_id,
            order_id=request.order_id,
            client_id=request.client_id,
            account=request.account,
            conid=request.conid,
            side=request.side,
            shares=quantity,
            price=price,
            time=now,
            exchange=contract.primary_exchange if request.exchange in ("", "SMART") else request.exchange,
            cumulative=ticket.filled,
            average_price=ticket.average_price,
            order_ref=request.order_ref,
            liquidity=liquidity,
            liquidation=LIQUIDATION in request.wire,
        )

    def _leg(self, ticket: Ticket, whole: Execution, fill: LegFill, number: int) -> Execution:
        ratio = fill.quantity / whole.shares
        return Execution(
            exec_id=leg_exec_id(whole.exec_id, number),
            perm_id=ticket.perm_id,
            order_id=whole.order_id,
            client_id=whole.client_id,
            account=whole.account,
            conid=fill.contract.conid,
            side=fill.side,
            shares=fill.quantity,
            price=fill.price,
            time=whole.time,
            exchange=fill.contract.primary_exchange,
            cumulative=whole.cumulative * ratio,
            average_price=fill.price,
            order_ref=whole.order_ref,
            liquidity=REMOVED,
        )

    def _settle(self, ticket: Ticket, execution: Execution, contract: Contract, fee: Decimal, currency: str) -> None:
        account = execution.account
        signed = execution.shares if execution.side is Side.BUY else -execution.shares
        profit = self._ledger.trade(account, contract, signed, execution.price, fee)
        self._ledger.charge(account, fee, currency)
        self._charge(execution, Commission(execution.exec_id, fee, currency, profit), ticket)
        position = self._ledger.position(account, contract.conid)
        if position is not None:
            self._publish(PositionChanged(position))

    def _charge(self, execution: Execution, charge: Commission, ticket: Ticket) -> None:
        self.executions.append((execution, charge))
        self._publish(CommissionCharged(charge, execution, ticket.order()))
