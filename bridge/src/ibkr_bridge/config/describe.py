"""Settings as text: the documented template, and what is in force with its origin and no secret."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from textwrap import wrap

from pydantic import SecretStr

from ibkr_bridge.config.load import Loaded
from ibkr_bridge.config.names import NOT_USED_YET, Variable, variables
from ibkr_bridge.config.settings import Settings

WIDTH = 100
MASK = "********"


def template() -> str:
    """A `.env` that names every setting with its meaning; every value is the default, commented out."""
    return "\n".join(_template())


def _template() -> Iterator[str]:
    yield "# ibkr-bridge: every setting with its default. Remove the # of a line to change it."
    section = ""
    for variable in variables():
        if variable.section != section:
            section = variable.section
            annotation = Settings.model_fields[section].annotation
            yield f"\n# --- {section}: {annotation.__doc__ if annotation else ''}"
        yield from _entry(variable)


def _entry(variable: Variable) -> Iterator[str]:
    others = f" Also: {', '.join(variable.names[1:])}." if variable.names[1:] else ""
    yield ""
    for line in wrap(variable.description + others, WIDTH - 2):
        yield f"# {line}"
    yield f"#{variable.names[0]}={text(variable.default)}"


def effective(loaded: Loaded) -> Iterator[tuple[str, str, str]]:
    """(setting, value, origin) of every field in force."""
    for variable in variables():
        value = getattr(getattr(loaded.settings, variable.section), variable.field)
        hit = loaded.found.get((variable.section, variable.field))
        origin = str(hit) if hit else f"default; {variable.names[0]} sets it"
        yield f"{variable.section}.{variable.field}", text(value), origin


def warnings(loaded: Loaded) -> tuple[str, ...]:
    """What was set in vain, in sentences."""
    idle = tuple(f"{name} is set and has no effect: {NOT_USED_YET[name]}." for name in loaded.unused)
    wrong = tuple(f"{name} is set, but there is no such setting." for name in loaded.misspelt)
    return wrong + idle


def text(value: object) -> str:
    """A value as it would stand in a `.env`; a secret is masked."""
    match value:
        case None:
            return ""
        case SecretStr():
            return MASK
        case bool():
            return str(value).lower()
        case Enum():
            return str(value.value)
        case tuple():
            return ",".join(str(item) for item in value)
        case _:
            return str(value)
