"""The commands about faults: which there are, which are at work, one more, none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from ibkr_sim.cli.calling import ask, call

_PATH: Final = "/control/faults"
_LARGEST_FILE: Final = 1 << 20
ControlPort = Annotated[
    int, typer.Option(envvar="IBKR_SIM_CONTROL_PORT", min=1, max=65535, help="Of the simulator to ask.")
]
CONTROL_PORT: Final = 4080


def faults(
    *,
    running: Annotated[bool, typer.Option("--running", help="Those ordered in a running simulator, as JSON.")] = False,
    control_port: ControlPort = CONTROL_PORT,
) -> None:
    """List every fault there is, with its options."""
    if running:
        typer.echo(json.dumps(ask(control_port, lambda: call(control_port, "GET", _PATH)["faults"]), indent=2))
        return
    from ibkr_sim.faults.catalogue import available  # noqa: PLC0415  --help answers at once
    from ibkr_sim.faults.trigger import HELP  # noqa: PLC0415

    for row in available():
        options = " ".join(f"{name}={default}" for name, default in row["options"].items())
        doors = f"doors: {', '.join(row['doors'])}"
        typer.echo(f"{row['name']}\n    {row['summary']}\n    {doors}" + (f"; options: {options}" if options else ""))
    typer.echo(f"\nEach strikes --on a trigger: {HELP}")


def fault(
    name: Annotated[str, typer.Argument(help="One of `ibkr-sim faults`.")],
    *,
    on: Annotated[str, typer.Option(help="When: now, order:3, cancel~0.2, message/49, time:+30, bytes:500.")] = "now",
    option: Annotated[
        list[str] | None, typer.Option("--option", "-o", help="As name=value; as often as needed.")
    ] = None,
    times: Annotated[int | None, typer.Option(min=0, help="How often it strikes; 0 without bound.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed and the same events give the same faults.")] = 1,
    client: Annotated[str | None, typer.Option(help="The only client id that it may concern.")] = None,
    control_port: ControlPort = CONTROL_PORT,
) -> None:
    """Order one fault in a running simulator."""
    pairs = [text.partition("=") for text in option or ()]
    if any(not sign for _name, sign, _value in pairs):
        raise typer.BadParameter("write --option name=value")
    options = {key: value for key, _sign, value in pairs}
    body = {"name": name, "trigger": on, "options": options, "times": times, "seed": seed, "client": client}
    typer.echo(json.dumps(ask(control_port, lambda: call(control_port, "POST", _PATH, body)), indent=2))


def clear_faults(
    name: Annotated[str | None, typer.Argument(help="Only those of this name.")] = None,
    *,
    control_port: ControlPort = CONTROL_PORT,
) -> None:
    """End the faults of a running simulator, and restore normal service."""
    body = {} if name is None else {"name": name}
    answer = ask(control_port, lambda: call(control_port, "DELETE", _PATH, body))
    typer.echo(f"{answer['cleared']} cleared")


def read_file(path: Path) -> object:
    """A file's JSON. Raises typer.BadParameter."""
    try:
        with path.open("rb") as file:
            return json.loads(file.read(_LARGEST_FILE))
    except (OSError, ValueError, RecursionError) as error:
        raise typer.BadParameter(f"{path} cannot be read: {error}") from error
