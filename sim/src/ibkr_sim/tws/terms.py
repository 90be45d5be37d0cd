"""From the terms that a client wrote as text to those that the exchange understands."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from ibkr_sim.exchange.model import Rejected
from ibkr_sim.exchange.terms import (
    Adjustment,
    ChangeCondition,
    ComboLeg,
    Condition,
    Conditions,
    ExecutionCondition,
    MarginCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)
from ibkr_sim.tws.fields import number
from ibkr_sim.tws.refusals import invalid
from ibkr_sim.tws.requests.order_blocks import Block
from ibkr_sim.tws.requests.orders import PlaceOrder
from ibkr_sim.tws.times import parse_filter

_OR = "o"


def conditions(block: Block, zone: str) -> Conditions | None:
    """An `o` behind a condition begins an alternative. Raises Rejected (321) for a time that is none."""
    if not block:
        return None
    fields = iter(block[1:])
    groups: list[list[Condition]] = [[]]
    for _ in range(int(block[0])):
        kind, conjunction = next(fields), next(fields)
        groups[-1].append(_condition(kind, fields, zone))
        if conjunction == _OR:
            groups.append([])
    outside, cancels = next(fields), next(fields)
    return Conditions(tuple(tuple(group) for group in groups if group), cancels == "1", outside == "1")


def adjustment(order: PlaceOrder) -> Adjustment | None:
    """None for a stop that stays what it is."""
    kind, trigger = order.fields["adjustedOrderType"].upper(), order.amount("triggerPrice")
    if kind in ("", "NONE", "?") or trigger is None:
        return None
    return Adjustment(
        order_type=kind,
        trigger=trigger,
        stop=order.amount("adjustedStopPrice"),
        limit=order.amount("adjustedStopLimitPrice"),
        trailing=order.amount("adjustedTrailingAmount"),
        in_percent=order.fields["adjustableTrailingUnit"] == "100",
    )


def combo_legs(block: Block) -> tuple[ComboLeg, ...]:
    """Of each row of eight: conid, ratio, action and exchange."""
    rows = [block[at : at + 8] for at in range(1, len(block), 8)]
    return tuple(ComboLeg(_whole(row[0]), _whole(row[1]), row[2].upper(), row[3] or "SMART") for row in rows)


def _condition(kind: str, fields: Iterator[str], zone: str) -> Condition:
    if kind == "5":
        return ExecutionCondition(next(fields), next(fields), next(fields))
    is_more, bound = next(fields) == "1", next(fields)
    if kind == "3":
        time = parse_filter(bound, zone)
        if time is None:
            raise Rejected(*invalid("Invalid time format"))
        return TimeCondition(is_more, time)
    amount = number(bound) or Decimal(0)
    if kind == "4":
        return MarginCondition(is_more, amount)
    conid, _exchange = _whole(next(fields)), next(fields)
    if kind == "1":
        next(fields)  # how the price is to be looked at: always by its last trade here
        return PriceCondition(conid, is_more, amount)
    return VolumeCondition(conid, is_more, amount) if kind == "6" else ChangeCondition(conid, is_more, amount)


def _whole(text: str) -> int:
    return int(number(text) or 0)
