"""What an order asks beside its prices, in answers: its group, algorithm, conditions and adjustment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ibkr_bridge.api.json import JsonNumber, exact, number
from ibkr_bridge.domain.terms import Adjustment, Algo, Condition, Conditions, ConditionType, Oca, OcaType, OrderType


@dataclass(frozen=True, slots=True)
class OcaAnswer:
    group: str
    type: OcaType


@dataclass(frozen=True, slots=True)
class AlgoAnswer:
    strategy: str
    params: dict[str, str]


@dataclass(frozen=True, slots=True)
class AdjustAnswer:
    trigger: JsonNumber
    type: OrderType
    stop: JsonNumber
    limit: JsonNumber | None
    trail: JsonNumber | None
    trail_percent: JsonNumber | None


@dataclass(frozen=True, slots=True)
class ConditionAnswer:
    """As it was asked for, with the conid that its words named."""

    type: ConditionType
    above: JsonNumber | None
    below: JsonNumber | None
    after: datetime | None
    before: datetime | None
    conid: int | None
    symbol: str | None
    sec_type: str
    exchange: str
    either: bool


@dataclass(frozen=True, slots=True)
class ConditionsAnswer:
    items: tuple[ConditionAnswer, ...]
    outside_rth: bool
    cancels: bool


def oca_answer(oca: Oca) -> OcaAnswer:
    return OcaAnswer(oca.group, oca.type)


def algo_answer(algo: Algo) -> AlgoAnswer:
    return AlgoAnswer(algo.strategy, dict(algo.params))


def conditions_answer(conditions: Conditions) -> ConditionsAnswer:
    items = tuple(_condition(item) for item in conditions.items)
    return ConditionsAnswer(items, conditions.outside_rth, conditions.cancels)


def _condition(item: Condition) -> ConditionAnswer:
    value = exact(item.value)
    return ConditionAnswer(
        type=item.type,
        above=value if item.above else None,
        below=None if item.above else value,
        after=item.at if item.above else None,
        before=None if item.above else item.at,
        conid=item.conid or None,
        symbol=item.symbol or None,
        sec_type=item.sec_type,
        exchange=item.exchange,
        either=item.either,
    )


def adjust_answer(adjust: Adjustment) -> AdjustAnswer:
    return AdjustAnswer(
        number(adjust.trigger),
        adjust.type,
        number(adjust.stop),
        exact(adjust.limit),
        exact(adjust.trail),
        exact(adjust.trail_percent),
    )
