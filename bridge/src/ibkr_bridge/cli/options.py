"""Options that several commands share, and the settings they lead to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from ibkr_bridge.config.describe import warnings
from ibkr_bridge.config.load import Loaded, SettingsError, examine

EnvFile = Annotated[
    Path, typer.Option("--env-file", help="File of settings, read under the environment.", metavar="FILE")
]
Host = Annotated[str | None, typer.Option(help="Address to listen on [IBKR_SERVICE_HOST].", show_default=False)]
Port = Annotated[int | None, typer.Option(help="Port to listen on [IBKR_SERVICE_PORT].", show_default=False)]
DEFAULT_ENV_FILE = Path(".env")
USAGE_ERROR = 2


def settings_from(env_file: Path, **options: Any) -> Loaded:
    """The settings in force, where options that were given count most. Ends with code 2 when they make no sense."""
    if env_file != DEFAULT_ENV_FILE and not env_file.is_file():
        fail([f"{env_file}: there is no such file"])
    given = {name: _text(value) for name, value in options.items() if value is not None}
    try:
        return examine(env_file=env_file, overrides=given)
    except SettingsError as error:
        fail(error.problems)


def fail(problems: Sequence[str], code: int = USAGE_ERROR) -> NoReturn:
    """One line per problem, and the end."""
    for problem in problems:
        typer.echo(f"ibkr-bridge: {problem}", err=True)
    raise typer.Exit(code)


def warn(loaded: Loaded) -> None:
    for warning in warnings(loaded):
        typer.echo(f"ibkr-bridge: warning: {warning}", err=True)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
