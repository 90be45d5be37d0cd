"""Exact JSON: a decimal is written and read digit for digit and never passes through a float."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Annotated, Any, Final, NewType, NoReturn

import msgspec
from fastapi.responses import JSONResponse
from pydantic import WithJsonSchema

Number = NewType("Number", Decimal)
"""A decimal that `encode` writes in plain notation; made by `exact`."""
JsonNumber = Annotated[Number, WithJsonSchema({"type": "number"})]


_PLACES: Final = 8
_SMALLEST: Final = Decimal(1).scaleb(-_PLACES)
_WIDE: Final = Context(prec=60)


class _Tiny(Decimal):
    """A decimal that Python would print with an exponent; the encoder hands it to `_plain`."""

    __slots__ = ()


def _plain(value: object) -> msgspec.Raw:
    if isinstance(value, _Tiny):
        return msgspec.Raw(format(value, "f").encode())
    raise TypeError(f"{type(value).__name__} has no JSON form")


def exact(value: Decimal | None) -> Number | None:
    """The value as a JSON number in plain notation: 100, never 1E+2. What is not finite is missing."""
    return number(value) if value is not None and value.is_finite() else None


def number(value: Decimal) -> Number:
    """`exact` of a value that is there and finite."""
    return Number(_Tiny(value) if "E" in str(value) else value)


def money(value: Decimal) -> Number:
    """An amount or an average: IBKR reckons them in doubles, whose last digits mean nothing (-0.7916666666666666)."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent >= -_PLACES:
        return number(value)
    rounded = value.quantize(_SMALLEST, context=_WIDE).normalize(_WIDE)
    return number(rounded if rounded else Decimal(0))


def amount(value: Decimal | None) -> Number | None:
    """`money` of a value that may be missing."""
    return money(value) if value is not None and value.is_finite() else None


def encode(value: object) -> bytes:
    """Dataclasses, mappings, sequences, times (RFC 3339, UTC as `Z`) and numbers as JSON."""
    return msgspec.json.Encoder(decimal_format="number", enc_hook=_plain).encode(value)


def facts(value: object) -> object:
    """Anything an error may carry, ready for `encode`."""
    match value:
        case Decimal():
            return exact(value)
        case Mapping():
            return {str(name): facts(inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [facts(inner) for inner in value]
        case str() | int() | float() | bool() | None:
            return value
        case _:
            return str(value)


def decode(text: str | bytes) -> Any:
    """JSON with every fraction as Decimal.

    Raises json.JSONDecodeError, also for NaN, for a name given twice and for half a surrogate pair, which no answer
    could repeat.
    """
    try:
        found = json.loads(text, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_once)
        json.dumps(found, default=str, ensure_ascii=False).encode()
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise json.JSONDecodeError("nested too deeply", "", 0) from None
    except ValueError as error:  # text that is none, an integer of thousands of digits
        raise json.JSONDecodeError(str(error).split(";")[0][:100], "", 0) from None
    return found


def _refuse(constant: str) -> NoReturn:
    raise json.JSONDecodeError(f"{constant} is not a JSON number", "", 0)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two values for one name in an order are one too many: which of them was meant?"""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise json.JSONDecodeError(f"{twice[:64]!r} is given twice", "", 0)
    return found


class JsonAnswer(JSONResponse):
    """An answer of ours, sent without being validated a second time."""

    def render(self, content: object) -> bytes:
        return encode(content)
