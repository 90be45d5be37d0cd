"""Shapes of the answers about orders; an order is the same object everywhere."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from ibkr_bridge.api.contracts import EXAMPLE, ContractAnswer, contract_answer
from ibkr_bridge.api.json import JsonNumber, amount, exact, number
from ibkr_bridge.api.rest.orders.extras import (
    AdjustAnswer,
    AlgoAnswer,
    ConditionsAnswer,
    OcaAnswer,
    adjust_answer,
    algo_answer,
    conditions_answer,
    oca_answer,
)
from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.order import BrokerOrder, Order, OrderStatus, Preview
from ibkr_bridge.domain.terms import OrderType, Side, TimeInForce


@dataclass(frozen=True, slots=True)
class BrokerAnswer:
    """IBKR's names for the order; null until IBKR has given one. `reference` is ours and travels with it."""

    order_id: int | None
    perm_id: int | None
    client_id: int
    reference: str
    status: Annotated[OrderStatus | None, Field(description="What IBKR last said of this one of its orders")]
    filled_qty: JsonNumber


@dataclass(frozen=True, slots=True)
class QuestionAnswer:
    """IBKR's own message ids and text."""

    ids: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class EvidenceAnswer:
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """An order. Prices in the contract's currency; commission in `commission_currency`."""

    id: Annotated[str, Field(description="Ours; opaque, sorts by time")]
    client_order_id: str | None
    status: OrderStatus
    foreign: Annotated[bool, Field(description="Placed elsewhere: in TWS by hand, or by another program")]
    account: str
    contract: ContractAnswer
    side: Side
    qty: JsonNumber
    type: OrderType
    limit: JsonNumber | None
    stop: JsonNumber | None
    trail: JsonNumber | None
    trail_percent: JsonNumber | None
    limit_offset: JsonNumber | None
    offset: JsonNumber | None
    tif: TimeInForce
    good_till: datetime | None
    good_after: datetime | None
    outside_rth: bool
    display_qty: JsonNumber | None
    min_qty: JsonNumber | None
    all_or_none: bool
    hidden: bool
    oca: OcaAnswer | None
    conditions: ConditionsAnswer | None
    algo: AlgoAnswer | None
    adjust: AdjustAnswer | None
    filled_qty: JsonNumber
    remaining_qty: JsonNumber
    avg_fill_price: JsonNumber | None
    commission: JsonNumber | None
    commission_currency: str | None
    created_at: datetime
    updated_at: datetime
    reason: str | None
    reason_code: Annotated[int | None, Field(description="IBKR's message code behind `reason`")]
    evidence: Annotated[tuple[EvidenceAnswer, ...] | None, Field(description="While unknown: what was asked and heard")]
    deadline: Annotated[
        datetime | None,
        Field(
            description="While unknown: when IBKR's silence will have lasted long enough for a verdict. "
            "While awaiting_answer: until when the questions can be answered"
        ),
    ]
    questions: Annotated[
        tuple[QuestionAnswer, ...] | None, Field(description="While awaiting_answer: what IBKR asks; nothing is live")
    ]
    broker: Annotated[tuple[BrokerAnswer, ...], Field(description="Several where a change forked the order")]
    parent_id: Annotated[str | None, Field(description="The order that must fill before this one trades")]
    children: Annotated[tuple[str, ...], Field(description="The orders that wait for this one, by id")]


@dataclass(frozen=True, slots=True)
class OrderNow(OrderAnswer):
    """An order as it is known at present."""

    as_of: datetime
    stale: Annotated[str | None, Field(description="Why this may be out of date; null: it is not")]


@dataclass(frozen=True, slots=True)
class OrdersAnswer:
    """Newest first. `next_cursor` is null on the last page."""

    orders: tuple[OrderAnswer, ...]
    next_cursor: str | None
    as_of: datetime
    stale: Annotated[str | None, Field(description="Why this may be out of date; null: it is not")]


@dataclass(frozen=True, slots=True)
class GroupAnswer:
    """In the order in which they were asked for."""

    orders: tuple[OrderAnswer, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """A figure without the order, what the order does to it, and with the order."""

    before: JsonNumber | None
    change: JsonNumber | None
    after: JsonNumber | None


@dataclass(frozen=True, slots=True)
class PreviewAnswer:
    """What IBKR reckons the order would bind and cost; nothing was placed.

    Margin and equity in the account's base currency, commission in `commission_currency`.
    """

    contract: ContractAnswer
    initial_margin: Shift
    maintenance_margin: Shift
    equity: Shift
    commission: JsonNumber | None
    commission_min: JsonNumber | None
    commission_max: JsonNumber | None
    commission_currency: str | None
    warning: str | None
    as_of: datetime


def order_answer(order: Order) -> OrderAnswer:
    terms = order.terms
    unknown = order.status in (OrderStatus.UNKNOWN, OrderStatus.NEVER_ARRIVED)
    return OrderAnswer(
        id=order.id,
        client_order_id=order.client_order_id,
        status=order.status,
        foreign=order.foreign,
        account=order.account,
        contract=contract_answer(order.contract),
        side=terms.side,
        qty=number(terms.qty),
        type=terms.type,
        limit=exact(terms.limit),
        stop=exact(terms.stop),
        trail=exact(terms.trail),
        trail_percent=exact(terms.trail_percent),
        limit_offset=exact(terms.limit_offset),
        offset=exact(terms.offset),
        tif=terms.tif,
        good_till=terms.good_till,
        good_after=terms.good_after,
        outside_rth=terms.outside_rth,
        display_qty=exact(terms.display_qty),
        min_qty=exact(terms.min_qty),
        all_or_none=terms.all_or_none,
        hidden=terms.hidden,
        oca=oca_answer(terms.oca) if terms.oca else None,
        conditions=conditions_answer(terms.conditions) if terms.conditions else None,
        algo=algo_answer(terms.algo) if terms.algo else None,
        adjust=adjust_answer(terms.adjust) if terms.adjust else None,
        filled_qty=number(order.filled_qty),
        remaining_qty=number(order.remaining_qty),
        avg_fill_price=amount(order.avg_fill_price),
        commission=amount(order.commission),
        commission_currency=order.commission_currency,
        created_at=order.created_at,
        updated_at=order.updated_at,
        reason=order.reason,
        reason_code=order.reason_code,
        evidence=tuple(EvidenceAnswer(item.at, item.text) for item in order.evidence) if unknown else None,
        deadline=order.deadline,
        questions=tuple(QuestionAnswer(question.ids, question.text) for question in order.questions) or None,
        broker=tuple(_broker(theirs) for theirs in order.broker),
        parent_id=order.parent_id,
        children=order.children,
    )


def _broker(theirs: BrokerOrder) -> BrokerAnswer:
    return BrokerAnswer(
        theirs.order_id or None,
        theirs.perm_id or None,
        theirs.client_id,
        theirs.reference,
        theirs.status,
        number(theirs.filled_qty),
    )


def order_now(order: Order, as_of: datetime, stale: str | None) -> OrderNow:
    return _now(order_answer(order), as_of, stale)


def _now(answer: OrderAnswer, as_of: datetime, stale: str | None) -> OrderNow:
    members = {part.name: getattr(answer, part.name) for part in fields(answer)}
    return OrderNow(**members, as_of=as_of, stale=stale)


def preview_answer(contract: Contract, preview: Preview, as_of: datetime) -> PreviewAnswer:
    return PreviewAnswer(
        contract=contract_answer(contract),
        initial_margin=_shift(
            preview.initial_margin_before, preview.initial_margin_change, preview.initial_margin_after
        ),
        maintenance_margin=_shift(
            preview.maintenance_margin_before, preview.maintenance_margin_change, preview.maintenance_margin_after
        ),
        equity=_shift(preview.equity_before, preview.equity_change, preview.equity_after),
        commission=amount(preview.commission),
        commission_min=amount(preview.commission_min),
        commission_max=amount(preview.commission_max),
        commission_currency=preview.commission_currency,
        warning=preview.warning,
        as_of=as_of,
    )


def _shift(before: Decimal | None, change: Decimal | None, after: Decimal | None) -> Shift:
    return Shift(amount(before), amount(change), amount(after))


_AT = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
ORDER = OrderAnswer(
    id="01KAJ2M8YQ6Z3V5W7X9ABCDEFG",
    client_order_id="my-order-1",
    status=OrderStatus.WORKING,
    foreign=False,
    account="DU123456",
    contract=EXAMPLE,
    side=Side.BUY,
    qty=number(Decimal(100)),
    type=OrderType.LIMIT,
    limit=number(Decimal("150.50")),
    stop=None,
    trail=None,
    trail_percent=None,
    limit_offset=None,
    offset=None,
    tif=TimeInForce.DAY,
    good_till=None,
    good_after=None,
    outside_rth=False,
    display_qty=None,
    min_qty=None,
    all_or_none=False,
    hidden=False,
    oca=None,
    conditions=None,
    algo=None,
    adjust=None,
    filled_qty=number(Decimal(0)),
    remaining_qty=number(Decimal(100)),
    avg_fill_price=None,
    commission=None,
    commission_currency=None,
    created_at=_AT,
    updated_at=_AT,
    reason=None,
    reason_code=None,
    evidence=None,
    deadline=None,
    questions=None,
    broker=(BrokerAnswer(7, 1234567, 42, "01KAJ2M8YQ6Z3V5W7X9ABCDEFG.0.1", OrderStatus.WORKING, number(Decimal(0))),),
    parent_id=None,
    children=(),
)
ORDER_NOW = _now(ORDER, _AT, None)
GROUP = GroupAnswer((ORDER, ORDER))
ORDERS = OrdersAnswer((ORDER,), None, _AT, None)
PREVIEW = PreviewAnswer(
    contract=EXAMPLE,
    initial_margin=_shift(Decimal(0), Decimal("4515.00"), Decimal("4515.00")),
    maintenance_margin=_shift(Decimal(0), Decimal("4515.00"), Decimal("4515.00")),
    equity=_shift(Decimal("100000.00"), Decimal("-1.00"), Decimal("99999.00")),
    commission=number(Decimal("1.00")),
    commission_min=None,
    commission_max=None,
    commission_currency="USD",
    warning=None,
    as_of=_AT,
)
