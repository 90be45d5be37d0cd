"""The exchange's values as JSON and back: every number to its last digit, every kind under its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from ibkr_sim.exchange.accounts.ledger import Holding
from ibkr_sim.exchange.model import (
    ActionKind,
    Commission,
    CorporateAction,
    DayEnd,
    Execution,
    OrderRequest,
    Side,
    Status,
)
from ibkr_sim.exchange.orders.order import Gate
from ibkr_sim.exchange.terms import (
    Adjustment,
    ChangeCondition,
    ComboLeg,
    Conditions,
    ExecutionCondition,
    MarginCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)

_KIND: Final = "kind"
_ENUMS: Final[Mapping[str, type[Enum]]] = MappingProxyType(
    {kind.__name__: kind for kind in (Side, Status, Gate, ActionKind)}
)
_RECORDS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            *(OrderRequest, Execution, Commission, DayEnd, Holding, Conditions, Adjustment, ComboLeg, CorporateAction),
            *(ChangeCondition, ExecutionCondition, MarginCondition, PriceCondition, TimeCondition, VolumeCondition),
        )
    }
)


def encoded(value: object) -> Any:  # noqa: PLR0911  one line for each kind
    """Raises TypeError for what no state holds."""
    if value is None or isinstance(value, bool | int) or type(value) is str:
        return value
    match value:
        case Enum():
            return {_KIND: type(value).__name__, "value": value.value}
        case Decimal():
            return {_KIND: "decimal", "value": str(value)}
        case datetime():
            return {_KIND: "time", "value": value.isoformat()}
        case date():
            return {_KIND: "date", "value": value.isoformat()}
        case tuple():
            return {_KIND: "tuple", "value": [encoded(one) for one in value]}
        case list():
            return [encoded(one) for one in value]
        case Mapping():
            return {_KIND: "map", "value": [[encoded(key), encoded(one)] for key, one in value.items()]}
        case _ if is_dataclass(value) and type(value).__name__ in _RECORDS:
            row = {field.name: encoded(getattr(value, field.name)) for field in fields(value)}
            return {_KIND: type(value).__name__, "value": row}
    raise TypeError(f"{type(value).__name__} is not kept")


def decoded(value: Any) -> Any:  # noqa: PLR0911  one line for each kind
    """Raises ValueError, KeyError, TypeError or ArithmeticError for what was never encoded."""
    if isinstance(value, list):
        return [decoded(one) for one in value]
    if not isinstance(value, dict):
        return value
    kind, inner = value[_KIND], value["value"]
    match kind:
        case "decimal":
            return Decimal(inner)
        case "time":
            return datetime.fromisoformat(inner)
        case "date":
            return date.fromisoformat(inner)
        case "tuple":
            return tuple(decoded(one) for one in inner)
        case "map":
            return {decoded(key): decoded(one) for key, one in inner}
        case _ if kind in _ENUMS:
            return _ENUMS[kind](inner)
        case _:
            return _RECORDS[kind](**{name: decoded(one) for name, one in inner.items()})
