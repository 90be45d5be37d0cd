"""Shapes of the answers about executions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from ibkr_bridge.api.contracts import EXAMPLE, ContractAnswer, contract_answer
from ibkr_bridge.api.json import JsonNumber, amount, number
from ibkr_bridge.domain.terms import Side
from ibkr_bridge.engine.research.executions import ExecutionPage, Filled


@dataclass(frozen=True, slots=True)
class ExecutionBroker:
    """IBKR's names of the order; null where it gave none."""

    order_id: int | None
    perm_id: int | None
    client_id: int | None
    reference: str | None


@dataclass(frozen=True, slots=True)
class ExecutionAnswer:
    """One fill. `order_id` is ours, null for an order that was placed elsewhere."""

    exec_id: str
    order_id: str | None
    client_order_id: str | None
    account: str
    contract: ContractAnswer
    side: Side
    qty: JsonNumber
    price: JsonNumber
    cum_qty: Annotated[JsonNumber, Field(description="Of the order, with this fill")]
    avg_price: Annotated[JsonNumber, Field(description="Of the order, with this fill")]
    exchange: str
    time: datetime
    commission: Annotated[JsonNumber | None, Field(description="null until IBKR has told it")]
    commission_currency: str | None
    corrects: Annotated[str | None, Field(description="The execution that this one replaces")]
    broker: ExecutionBroker


@dataclass(frozen=True, slots=True)
class ExecutionsAnswer:
    executions: tuple[ExecutionAnswer, ...]
    next_cursor: str | None
    as_of: datetime
    stale: Annotated[str | None, Field(description="Why some may be missing; null: none is")]


def executions_answer(page: ExecutionPage) -> ExecutionsAnswer:
    seen = page.executions
    return ExecutionsAnswer(tuple(map(_execution, seen.value)), page.next_cursor, seen.as_of, seen.stale)


def _execution(filled: Filled) -> ExecutionAnswer:
    told, order, commission = filled.execution, filled.order, filled.commission
    ids = told.broker
    return ExecutionAnswer(
        exec_id=told.exec_id,
        order_id=order.id if order else None,
        client_order_id=order.client_order_id if order else None,
        account=told.account,
        contract=contract_answer(told.contract),
        side=told.side,
        qty=number(told.qty),
        price=number(told.price),
        cum_qty=number(told.cum_qty),
        avg_price=number(told.avg_price),
        exchange=told.exchange,
        time=told.at,
        commission=amount(commission),
        commission_currency=order.commission_currency if order and commission is not None else None,
        corrects=told.corrects,
        broker=ExecutionBroker(ids.order_id or None, ids.perm_id or None, ids.client_id, ids.reference or None),
    )


_AT = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
EXECUTIONS = ExecutionsAnswer(
    (
        ExecutionAnswer(
            exec_id="0000e0d5.65f0a1b2.01.01",
            order_id="01KAJ2M8YQ6Z3V5W7X9ABCDEFG",
            client_order_id="my-order-1",
            account="DU123456",
            contract=EXAMPLE,
            side=Side.BUY,
            qty=number(Decimal(100)),
            price=number(Decimal("150.45")),
            cum_qty=number(Decimal(100)),
            avg_price=number(Decimal("150.45")),
            exchange="NASDAQ",
            time=_AT,
            commission=number(Decimal("1.00")),
            commission_currency="USD",
            corrects=None,
            broker=ExecutionBroker(7, 1088533207, 42, "01KAJ2M8YQ6Z3V5W7X9ABCDEFG.0.1"),
        ),
    ),
    None,
    _AT,
    None,
)
