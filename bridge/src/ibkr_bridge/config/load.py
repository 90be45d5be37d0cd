"""Reads the settings: command line before environment before `.env` before defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, DotEnvSettingsSource

from ibkr_bridge.config.names import Variable, misspelt, unused, variables
from ibkr_bridge.config.settings import Settings

Layers = Sequence[tuple[str, Mapping[str, str]]]


class SettingsError(Exception):
    """The settings make no sense; `problems` holds one line each, none with a secret in it."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Found:
    """A variable that was set, and where."""

    name: str
    value: str
    source: str

    def __str__(self) -> str:
        return f"{self.name} ({self.source})"


@dataclass(frozen=True, slots=True)
class Loaded:
    settings: Settings
    found: Mapping[tuple[str, str], Found]
    """By (section, field); what is not here stands at its default."""
    unused: tuple[str, ...]
    misspelt: tuple[str, ...]


def load(
    environ: Mapping[str, str] | None = None,
    env_file: str | Path | None = ".env",
    overrides: Mapping[str, str] | None = None,
) -> Settings:
    """The settings in force. Raises SettingsError."""
    return examine(environ, env_file, overrides).settings


def examine(
    environ: Mapping[str, str] | None = None,
    env_file: str | Path | None = ".env",
    overrides: Mapping[str, str] | None = None,
) -> Loaded:
    """The settings, where each came from, and what was set in vain. Raises SettingsError."""
    layers: Layers = (
        ("command line", overrides or {}),
        ("environment", os.environ if environ is None else environ),
        (str(env_file), _read(env_file)),
    )
    found = {
        (variable.section, variable.field): hit
        for variable in variables()
        if (hit := _first(variable, layers)) is not None
    }
    names = {name for _, layer in layers for name, value in layer.items() if value.strip()}
    return Loaded(_build(found), found, unused(names), misspelt(names))


def _read(env_file: str | Path | None) -> dict[str, str]:
    if env_file is None:
        return {}
    try:
        values = DotEnvSettingsSource(BaseSettings, env_file=Path(env_file), case_sensitive=True).env_vars
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{env_file}: cannot be read ({type(error).__name__})"]) from error
    return {name: value for name, value in values.items() if value is not None}


def _first(variable: Variable, layers: Layers) -> Found | None:
    """The nearest layer wins, and in it the first name. Empty counts as not set, as in `NAME=` of a template."""
    for source, layer in layers:
        for name in variable.names:
            value = layer.get(name, "")
            if value.strip():
                return Found(name, value, source)
    return None


def _build(found: Mapping[tuple[str, str], Found]) -> Settings:
    values: dict[str, dict[str, str]] = {}
    for (section, field), hit in found.items():
        values.setdefault(section, {})[field] = hit.value
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise SettingsError([_line(detail, found) for detail in details]) from None  # the cause holds the input


def _line(detail: ErrorDetails, found: Mapping[tuple[str, str], Found]) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    place = tuple(str(part) for part in detail["loc"][:2])
    hit = found.get((place[0], place[1])) if len(place) == 2 else None
    return f"{hit}: {message}" if hit else message
