"""How the clients that live in processes of their own say values as JSON, and are given them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, ItemsView, Mapping
from enum import Enum
from typing import Any


def plain(value: Any) -> Any:
    """What JSON can say of it."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    fields = _fields(value)
    if fields is not None:
        return {name: plain(one) for name, one in fields.items()}
    if isinstance(value, Mapping):
        value = value.items()
    if isinstance(value, list | tuple | set | ItemsView):
        return [plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _fields(value: Any) -> Mapping[str, Any] | None:
    """Of an object that has some."""
    if hasattr(value, "_asdict"):
        named: Mapping[str, Any] = value._asdict()
        return named
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return vars(value) if hasattr(value, "__dict__") else None


def built(value: Any, make: Callable[[str, dict[str, Any]], Any]) -> Any:
    """Objects of the client's classes from what JSON says of them: `make` is told the class and the fields."""
    if isinstance(value, list):
        return [built(one, make) for one in value]
    if not isinstance(value, dict):
        return value
    return make(value["class"], {name: built(field, make) for name, field in value["fields"].items()})
