"""Shapes of the answers about the books."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ibkr_bridge.api.contracts import EXAMPLE, ContractAnswer, contract_answer
from ibkr_bridge.api.json import JsonNumber, number
from ibkr_bridge.domain.order import Order, OrderStatus
from ibkr_bridge.engine.reconciliation import Cause, PositionLine, Reconciled, Unshown

Standing = Literal["balanced", "different", "not_compared"]


class AcceptBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    note: str = Field(min_length=1, max_length=500, description="Why; it goes to the log")


@dataclass(frozen=True, slots=True)
class PositionLineAnswer:
    """`difference` is `broker` less `expected`; `since`, `age_seconds` and `cause` are null while they agree."""

    account: str
    conid: int
    contract: ContractAnswer | None
    expected: Annotated[JsonNumber, Field(description="What follows from every fill since `began_at`")]
    broker: Annotated[JsonNumber, Field(description="What IBKR shows")]
    difference: JsonNumber
    foreign: Annotated[JsonNumber, Field(description="The part of `expected` that others traded, as IBKR still shows")]
    since: datetime | None
    age_seconds: float | None
    cause: Annotated[
        Cause | None,
        Field(
            description="settling: told one after the other, seconds apart. order_open_question: an order in it is "
            "unknown, forked or owes fills. unexplained: traded elsewhere unseen, transferred, a corporate action."
        ),
    ]


@dataclass(frozen=True, slots=True)
class UnshownAnswer:
    """A fill of today in our journal that IBKR's complete list does not have: it may have been taken back."""

    order_id: str
    exec_id: str
    qty: JsonNumber
    since: datetime
    age_seconds: float


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """An order whose figures may not be the last word."""

    order_id: str
    status: OrderStatus
    why: Literal["unknown", "forked", "owes_fills"]
    since: datetime


@dataclass(frozen=True, slots=True)
class ReconciliationAnswer:
    status: Standing
    began_at: Annotated[datetime | None, Field(description="Since when positions are counted; null: not yet")]
    compared_at: Annotated[datetime | None, Field(description="The last complete look at IBKR's lists")]
    positions: tuple[PositionLineAnswer, ...]
    executions_not_shown: tuple[UnshownAnswer, ...]
    open_questions: tuple[OpenQuestion, ...]
    as_of: datetime
    stale: Annotated[str | None, Field(description="Why this may be out of date; null: it is not")]


def reconciliation_answer(found: Reconciled) -> ReconciliationAnswer:
    return ReconciliationAnswer(
        status=_standing(found),
        began_at=found.began_at,
        compared_at=found.compared_at,
        positions=tuple(_position(line, found.at) for line in found.positions),
        executions_not_shown=tuple(_unshown(fill, found.at) for fill in found.unshown),
        open_questions=tuple(_question(order) for order in found.open_questions),
        as_of=found.at,
        stale=found.stale,
    )


def _standing(found: Reconciled) -> Standing:
    if found.began_at is None or found.compared_at is None:
        return "not_compared"
    return "different" if found.different or found.unshown else "balanced"


def _position(line: PositionLine, at: datetime) -> PositionLineAnswer:
    return PositionLineAnswer(
        account=line.account,
        conid=line.conid,
        contract=contract_answer(line.contract) if line.contract else None,
        expected=number(line.expected),
        broker=number(line.broker),
        difference=number(line.difference),
        foreign=number(line.foreign),
        since=line.since,
        age_seconds=_age(line.since, at) if line.since else None,
        cause=line.cause,
    )


def _unshown(fill: Unshown, at: datetime) -> UnshownAnswer:
    return UnshownAnswer(fill.order_id, fill.exec_id, number(fill.qty), fill.since, _age(fill.since, at))


def _question(order: Order) -> OpenQuestion:
    unknown = order.status is OrderStatus.UNKNOWN
    why: Literal["unknown", "forked", "owes_fills"] = "forked" if order.surplus else "owes_fills"
    return OpenQuestion(order.id, order.status, "unknown" if unknown else why, order.updated_at)


def _age(since: datetime, at: datetime) -> float:
    return round((at - since).total_seconds(), 3)


_AT = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
RECONCILED = ReconciliationAnswer(
    status="different",
    began_at=_AT,
    compared_at=_AT,
    positions=(
        PositionLineAnswer(
            account="DU123456",
            conid=265598,
            contract=EXAMPLE,
            expected=number(Decimal(100)),
            broker=number(Decimal(150)),
            difference=number(Decimal(50)),
            foreign=number(Decimal(0)),
            since=_AT,
            age_seconds=42.5,
            cause=Cause.UNEXPLAINED,
        ),
    ),
    executions_not_shown=(),
    open_questions=(),
    as_of=_AT,
    stale=None,
)
