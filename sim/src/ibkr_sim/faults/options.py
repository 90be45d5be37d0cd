"""A fault's options: its fields, read from JSON or from the words of a command line."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final, get_args, get_type_hints

from ibkr_sim.faults.fault import Fault, FaultType
from ibkr_sim.faults.trigger import InvalidFault

_LARGEST: Final = Decimal(10**9)
_WORDS: Final = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}


def make(kind: type[FaultType], options: Mapping[str, object]) -> FaultType:
    """Raises InvalidFault for an option it does not have, and for a value that is none."""
    hints = _hints(kind)
    unknown = sorted(options.keys() - hints.keys())
    if unknown:
        raise InvalidFault(f"no option {', '.join(unknown)}; there is {', '.join(hints) or 'none'}")
    return kind(**{name: _value(name, hints[name], value) for name, value in options.items()})


def describe(kind: type[Fault]) -> dict[str, str]:
    """Each option with its default, as one would write it."""
    fault = kind()
    return {name: _shown(getattr(fault, name)) for name in _hints(kind)}


def chosen(fault: Fault) -> dict[str, str]:
    """Each option with its value."""
    return {name: _shown(getattr(fault, name)) for name in _hints(type(fault))}


def _hints(kind: type[Fault]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind) if field.init}


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _value(name: str, hint: Any, value: object) -> object:
    if isinstance(hint, types.UnionType):
        if value is None or value == "":
            return None
        hint = next(part for part in get_args(hint) if part is not type(None))
    if hint is bool:
        return _flag(name, value)
    if hint in (int, Decimal):
        return _number(name, value, whole=hint is int)
    if not isinstance(value, str):
        raise InvalidFault(f"{name} must be text")
    if issubclass(hint, StrEnum):
        try:
            return hint(value)
        except ValueError as error:
            raise InvalidFault(f"{name} must be one of {', '.join(hint)}") from error
    return value[:200]


def _flag(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _WORDS:
        return _WORDS[value.lower()]
    raise InvalidFault(f"{name} must be true or false")


def _number(name: str, value: object, *, whole: bool) -> Decimal | int:
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
            raise InvalidFault(f"{name} must be a number")
        amount = Decimal(str(value))
    except InvalidOperation as error:
        raise InvalidFault(f"{name} must be a number") from error
    if not amount.is_finite() or abs(amount) > _LARGEST or (whole and amount != int(amount)):
        raise InvalidFault(f"{name} must be a {'whole ' if whole else ''}number up to {_LARGEST}")
    return int(amount) if whole else amount
