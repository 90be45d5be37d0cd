"""What every section of the settings is made of: fields that say their names, and the kinds of their values."""

from __future__ import annotations

from decimal import Decimal
from ipaddress import ip_address
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

T = TypeVar("T")


def setting(description: str, *names: str, default: T, **limits: Any) -> T:
    """A field and the variables that set it; the first that is set wins."""
    field: T = Field(default, description=description, json_schema_extra={"variables": list(names)}, **limits)
    return field


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not value.startswith(("http://", "https://")) or value.count("/") != 2:
            raise ValueError(f"{value!r} is not an origin; write it like https://trading.example.com")
    return values


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Origins = Annotated[Names, AfterValidator(_origins)]
Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=0, le=65535)]
Amount = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a socket bound to `host`."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, str_strip_whitespace=True)
