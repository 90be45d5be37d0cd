"""Whether the terms of an order hold together. Pure; IBKR judges the rest."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from ibkr_bridge.domain.errors import InvalidRequest
from ibkr_bridge.domain.terms import (
    PRICES,
    Adjustment,
    ChangeOrder,
    Condition,
    Conditions,
    ConditionType,
    OrderType,
    Terms,
    TimeInForce,
)

_ADJUSTED: Final = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAIL, OrderType.TRAIL_LIMIT)

_BELOW_ZERO: Final = ("limit", "offset")
"""A combo's limit, and the offset of a pegged order that stands back from its price."""


def sensible(terms: Terms, *, combo: bool = False) -> Terms:
    """The terms, if they hold together. Raises InvalidRequest naming the field.

    What a combo costs may be below zero: the buyer is paid.
    """
    if terms.limit is not None and terms.limit <= 0 and not combo:
        raise InvalidRequest("limit must be above 0.", field="limit")
    for check in _CHECKS:
        check(terms)
    return terms


def changed(terms: Terms, change: ChangeOrder, *, combo: bool = False) -> Terms:
    """The terms with the change in them, if they hold together. Raises InvalidRequest naming the field."""
    for field in change.named:
        if field not in terms.type.shape.repeated:
            raise InvalidRequest(
                f"The `{field}` of a {terms.type} order cannot be changed.",
                field=field,
                advice="Cancel it and place another one.",
            )
    return sensible(change.applied_to(terms), combo=combo)


def _quantities(terms: Terms) -> None:
    if terms.qty <= 0:
        raise InvalidRequest("qty must be above 0.", field="qty")
    for field in ("display_qty", "min_qty"):
        part = getattr(terms, field)
        if part is not None and not 0 < part <= terms.qty:
            raise InvalidRequest(f"{field} must be above 0, and qty at most.", field=field)


def _prices(terms: Terms) -> None:
    shape = terms.type.shape
    for field in PRICES:
        price: Decimal | None = getattr(terms, field)
        if price is None and field in shape.needs:
            raise InvalidRequest(f"A {terms.type} order needs `{field}`.", field=field)
        if price is not None and field not in shape.allowed:
            raise InvalidRequest(f"A {terms.type} order takes no `{field}`.", field=field)
        if price is not None and price <= 0 and field not in _BELOW_ZERO:
            raise InvalidRequest(f"{field} must be above 0.", field=field)
    if shape.trails and (terms.trail is None) == (terms.trail_percent is None):
        raise InvalidRequest(f"A {terms.type} order needs `trail` or `trail_percent`, not both.", field="trail")


def _times(terms: Terms) -> None:
    if (terms.tif is TimeInForce.GTD) != (terms.good_till is not None):
        raise InvalidRequest("`good_till` and the time in force GTD belong together.", field="good_till")
    if terms.good_after and terms.good_till and terms.good_after >= terms.good_till:
        raise InvalidRequest("`good_after` must be before `good_till`.", field="good_after")


def _conditions(terms: Terms) -> None:
    for condition in (terms.conditions or Conditions(())).items:
        _condition(condition)


def _condition(condition: Condition) -> None:
    kind = condition.type
    if (condition.at is None) != (kind is not ConditionType.TIME):
        raise InvalidRequest("A condition of time, and no other, says `at`.", field="conditions")
    valued = kind not in (ConditionType.TIME, ConditionType.EXECUTION)
    if (condition.value is None) == valued:
        raise InvalidRequest(f"A condition of type {kind} {_needs(valued)} `value`.", field="conditions")
    if condition.of_a_contract and not (condition.conid or condition.symbol):
        raise InvalidRequest(f"A condition of type {kind} names its contract: conid or symbol.", field="conditions")
    if kind is ConditionType.EXECUTION and not condition.symbol:
        raise InvalidRequest("A condition of an execution names the symbol that trades.", field="conditions")


def _needs(valued: bool) -> str:  # noqa: FBT001  two words for two answers
    return "needs" if valued else "takes no"


def _adjusted(terms: Terms) -> None:
    adjust = terms.adjust
    if adjust is None:
        return
    if terms.type is not OrderType.STOP:
        raise InvalidRequest("Only a STOP order can be adjusted.", field="adjust")
    if adjust.type not in _ADJUSTED:
        raise InvalidRequest(f"A stop cannot become {adjust.type}: {', '.join(_ADJUSTED)}.", field="adjust")
    if (adjust.limit is not None) != (adjust.type in (OrderType.STOP_LIMIT, OrderType.TRAIL_LIMIT)):
        raise InvalidRequest("`limit` belongs to STOP_LIMIT and TRAIL_LIMIT.", field="adjust")
    if adjust.type.shape.trails != _trails_once(adjust):
        raise InvalidRequest("What is to trail needs `trail` or `trail_percent`, and nothing else.", field="adjust")


def _trails_once(adjust: Adjustment) -> bool:
    if adjust.trail is not None and adjust.trail_percent is not None:
        raise InvalidRequest("Either `trail` or `trail_percent`.", field="adjust")
    return adjust.trail is not None or adjust.trail_percent is not None


_CHECKS: Final[tuple[Callable[[Terms], None], ...]] = (_quantities, _prices, _times, _conditions, _adjusted)
