"""Decimals in requests: a JSON number or a string, taken digit for digit, of a size that makes sense."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

_PLAIN = re.compile(r"[+-]?(\d{1,15}(\.\d{1,12})?|\.\d{1,12})", re.ASCII)


def read(value: object) -> Decimal | None:
    """Raises ValueError for what is no number (true, NaN) and for more than 15 digits before or 12 behind the point."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError("Must be a number.")  # noqa: TRY004  a TypeError would pass the validation by
    text = value if isinstance(value, str) else format(_sized(Decimal(value)), "f")
    if not _PLAIN.fullmatch(text):
        raise ValueError("Must be a number with at most 15 digits before and 12 behind the point.")
    return Decimal(text)


def _sized(value: Decimal) -> Decimal:
    """1E+999999 is a short text and a very long number."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or value.adjusted() > 20 or exponent < -40:
        raise ValueError("Must be a number with at most 15 digits before and 12 behind the point.")
    return value.normalize() if exponent < -12 else value


_SCHEMA = WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]})
Positive = Annotated[Decimal, Field(gt=0), BeforeValidator(read), _SCHEMA]
"""A quantity or a price above 0."""

Number = Annotated[Decimal, BeforeValidator(read), WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}]})]
"""A price of a combo, or a change, may also be below 0."""
