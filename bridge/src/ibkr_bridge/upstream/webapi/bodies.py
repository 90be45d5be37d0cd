"""Bodies of requests and answers: JSON whose numbers keep their digits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

_DECODER = msgspec.json.Decoder(float_hook=Decimal)


class _Tiny(Decimal):
    """A decimal that Python would print with an exponent."""

    __slots__ = ()


def encode(body: object) -> bytes:
    """Decimals become numbers in plain notation: IBKR refuses them as text."""
    return msgspec.json.Encoder(decimal_format="number", enc_hook=_plain).encode(body)


def number(value: Decimal) -> Decimal:
    """As `encode` can write it."""
    return _Tiny(value) if "E" in str(value) else value


def decode(text: str | bytes) -> Any:
    """Raises ValueError for what is no JSON."""
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError as problem:
        raise ValueError(str(problem)) from problem


def _plain(value: object) -> msgspec.Raw:
    if isinstance(value, _Tiny):
        return msgspec.Raw(format(value, "f").encode())
    raise TypeError(f"{type(value).__name__} has no JSON form")
