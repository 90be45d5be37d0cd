"""Field layouts as data: names in wire order, some only from or before a server version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_NAME: Final = re.compile(r"(?P<name>\w+)(?:(?P<bound>>=|<|==)(?P<version>\d+))?")
_NEVER: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    first: int = 0
    last: int = _NEVER

    def present(self, version: int) -> bool:
        return self.first <= version <= self.last


def layout(text: str) -> tuple[Field, ...]:
    """Read `name`, `name>=166`, `name<177` and `name==163`, separated by white space."""
    return tuple(_field(word) for word in text.split())


def _field(word: str) -> Field:
    match = _NAME.fullmatch(word)
    if match is None:
        raise ValueError(f"not a field: {word}")
    name, bound, version = match["name"], match["bound"], int(match["version"] or 0)
    if bound == ">=":
        return Field(name, first=version)
    if bound == "<":
        return Field(name, last=version - 1)
    return Field(name, first=version, last=version) if bound == "==" else Field(name)
