"""Names of variables: those in use, those kept for rooms that are not open yet, and misspelt ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from ibkr_bridge.config.settings import Settings

OURS = "IBKR_SERVICE_"

NOT_USED_YET = {
    "NODE_ENV": "there is one mode",
    "IBKR_SERVICE_WORKERS": "one process serves everything",
    "IBKR_SERVICE_CONSUMER_SECRET": "IBKR's OAuth signs with your private key and knows no consumer secret",
    "IBKR_SERVICE_ENABLE_RATE_LIMITING": "callers are not limited yet",
    "IBKR_SERVICE_RATE_LIMIT_REQUESTS": "callers are not limited yet",
    "IBKR_SERVICE_ENABLE_METRICS": "there are no metrics yet",
    "IBKR_SERVICE_LOG_RESPONSES": "answers are not logged: they hold account data",
}
"""Accepted without effect, each with what that means."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One field of the settings with the names that set it, most telling first."""

    section: str
    field: str
    names: tuple[str, ...]
    description: str
    default: Any
    secret: bool


def variables() -> Iterator[Variable]:
    for section, holder in Settings.model_fields.items():
        model = holder.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        for name, field in model.model_fields.items():
            extra = field.json_schema_extra
            assert isinstance(extra, dict)
            names = extra["variables"]
            assert isinstance(names, list)
            yield Variable(
                section=section,
                field=name,
                names=tuple(str(item) for item in names),
                description=field.description or "",
                default=field.default,
                secret="SecretStr" in str(field.annotation),
            )


def unused(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in names if name in NOT_USED_YET))


def misspelt(names: Iterable[str]) -> tuple[str, ...]:
    """Names under our prefix that nothing reads."""
    known = {name for variable in variables() for name in variable.names} | NOT_USED_YET.keys()
    return tuple(sorted(name for name in names if name.startswith(OURS) and name not in known))
