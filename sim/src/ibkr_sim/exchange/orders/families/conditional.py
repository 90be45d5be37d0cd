"""Conditional orders: whether what an order waits for has come about."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.terms import (
    ChangeCondition,
    Condition,
    Conditions,
    ExecutionCondition,
    MarginCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)


class View(Protocol):
    """What conditions look at."""

    def price(self, conid: int) -> Decimal: ...
    def volume(self, conid: int) -> Decimal: ...
    def change(self, conid: int) -> Decimal: ...
    def cushion(self, account: str) -> Decimal: ...


def are_met(conditions: Conditions, view: View, account: str, now: datetime, witnessed: Container[Condition]) -> bool:
    """`witnessed` are the executions that have happened since the order was placed."""
    return any(
        all(_is_met(condition, view, account, now, witnessed) for condition in group) for group in conditions.groups
    )


def _is_met(condition: Condition, view: View, account: str, now: datetime, witnessed: Container[Condition]) -> bool:
    match condition:
        case TimeCondition(is_more=is_more, time=time):
            return now >= time if is_more else now < time
        case ExecutionCondition():
            return condition in witnessed
        case PriceCondition(conid=conid, is_more=is_more, price=bound):
            value = view.price(conid)
        case VolumeCondition(conid=conid, is_more=is_more, volume=bound):
            value = view.volume(conid)
        case ChangeCondition(conid=conid, is_more=is_more, percent=bound):
            value = view.change(conid)
        case MarginCondition(is_more=is_more, percent=bound):
            value = view.cushion(account)
    return value >= bound if is_more else value <= bound


def witnesses(condition: Condition, contract: Contract, exchange: str) -> bool:
    """Whether an execution is the one that a condition waits for; an empty or SMART exchange means any."""
    return (
        isinstance(condition, ExecutionCondition)
        and condition.symbol == contract.symbol
        and condition.sec_type in ("", contract.sec_type)
        and condition.exchange in ("", "SMART", exchange)
    )
