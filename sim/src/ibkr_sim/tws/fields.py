"""Typed reading and writing of the NUL-terminated fields of one message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, Self

from ibkr_sim.tws.framing import frame
from ibkr_sim.tws.layout import Field

UNSET_DOUBLE: Final = "1.7976931348623157E308"
UNSET_INTEGER: Final = "2147483647"
UNSET: Final = frozenset(
    {
        "",
        UNSET_DOUBLE,
        UNSET_DOUBLE.replace("E", "e+"),
        UNSET_INTEGER,
        "9223372036854775807",
        "170141183460469231731687303715884105727",
    }
)
"""Every way in which a client says that a number is not set."""

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
# Bounded, so that no text of a few bytes can become a number of a million digits.
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:[eE][+-]?[0-9]{1,2})?")
_LARGEST: Final = Decimal("1e18")
_SMALLEST: Final = Decimal("1e-18")

Value = str | int | Decimal | bool | None


class Unreadable(Exception):
    """A frame that does not hold what its message id promises."""


class FieldReader:
    """Reads one message's fields in order. Every read raises Unreadable when the field is missing or malformed."""

    def __init__(self, payload: bytes, version: int) -> None:
        try:
            self._fields = payload.decode("utf-8").split("\0")
        except UnicodeDecodeError as error:
            raise Unreadable("text is not UTF-8") from error
        if self._fields.pop():
            raise Unreadable("the last field has no terminator")
        self._position = 0
        self.version = version

    @property
    def remaining(self) -> int:
        return len(self._fields) - self._position

    def text(self) -> str:
        if not self.remaining:
            raise Unreadable("a field is missing")
        self._position += 1
        return self._fields[self._position - 1]

    def integer(self, default: int = 0) -> int:
        """`default` stands for a field that is not set."""
        text = self.text()
        if text in UNSET:
            return default
        if not _INTEGER.fullmatch(text):
            raise Unreadable(f'For input string: "{text[:40]}"')
        return int(text)

    def number(self) -> Decimal | None:
        """None when the field is not set."""
        return number(self.text())

    def flag(self) -> bool:
        """An empty flag is false: clients that leave `transmit` unset mean an order that is held."""
        return self.text().lower() in {"1", "true"}

    def count(self, most: int = 100) -> int:
        amount = self.integer()
        if not 0 <= amount <= most:
            raise Unreadable(f"a list of {amount} items")
        return amount

    def skip(self, amount: int) -> None:
        for _ in range(amount):
            self.text()

    def named(self, fields: Iterable[Field]) -> dict[str, str]:
        """The fields of a layout that this version has, by name and as written."""
        return {field.name: self.text() for field in fields if field.present(self.version)}


def number(text: str) -> Decimal | None:
    """A decimal as clients write it; None when it is not set. Raises Unreadable."""
    if text in UNSET:
        return None
    if not _NUMBER.fullmatch(text):
        raise Unreadable(f'For input string: "{text[:40]}"')
    value = Decimal(text)
    if value and not _SMALLEST <= abs(value) < _LARGEST:
        raise Unreadable(f'For input string: "{text[:40]}"')
    return value


class FieldWriter:
    """Builds one message for a client of a given server version."""

    def __init__(self, message_id: int, version: int) -> None:
        self.version = version
        self._fields = [str(message_id)]

    def add(self, *values: Value) -> Self:
        self._fields.extend(map(_written, values))
        return self

    def since(self, version: int, *values: Value) -> Self:
        return self.add(*values) if self.version >= version else self

    def before(self, version: int, *values: Value) -> Self:
        return self.add(*values) if self.version < version else self

    def named(self, fields: Iterable[Field], values: Mapping[str, Value]) -> Self:
        """The fields of a layout that this version has; a name without a value is sent empty."""
        return self.add(*(values.get(field.name) for field in fields if field.present(self.version)))

    def frame(self) -> bytes:
        return frame("".join(f"{field}\0" for field in self._fields).encode("ascii"))


def _written(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        return decimal_text(value)
    return ascii_text(value) if isinstance(value, str) else str(value)


def decimal_text(value: Decimal) -> str:
    """Plain digits without trailing zeros: 150.10 is `150.1`, 1E+2 is `100`."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def ascii_text(value: str) -> str:
    r"""Non-ASCII characters as `\uXXXX`, as every server version from 153 sends them."""
    if value.isascii():
        return value.replace("\0", "")
    units = value.encode("utf-16-be", "replace")
    codes = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
    return "".join(chr(code) if 0 < code < 128 else f"\\u{code:04x}" for code in codes)
