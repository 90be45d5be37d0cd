"""The commands about faults: which there are, which are at work, one more, none."""

from __future__ import annotations

from typing import Final

import click

from ibkr_sim.cli.calling import ask, control_port, show

_PATH: Final = "/control/faults"


@click.command
@click.option("--running", is_flag=True, help="Those ordered in a running simulator, as JSON.")
@control_port
def faults(*, running: bool, control_port: int) -> None:
    """List every fault there is, with its options."""
    if running:
        show(ask(control_port, "GET", _PATH)["faults"])
        return
    from ibkr_sim.faults.catalogue import available  # noqa: PLC0415  --help answers at once
    from ibkr_sim.faults.trigger import HELP  # noqa: PLC0415

    for row in available():
        options = " ".join(f"{name}={default}" for name, default in row["options"].items())
        doors = f"doors: {', '.join(row['doors'])}"
        click.echo(f"{row['name']}\n    {row['summary']}\n    {doors}" + (f"; options: {options}" if options else ""))
    click.echo(f"\nEach strikes --on a trigger: {HELP}")


@click.command
@click.argument("name", help="One of `ibkr-sim faults`.")
@click.option(
    "--on", default="now", metavar="TRIGGER", help="When: now, order:3, cancel~0.2, message/49, time:+30, bytes:500."
)
@click.option("--option", "-o", multiple=True, metavar="NAME=VALUE", help="As often as needed.")
@click.option("--times", type=click.IntRange(min=0), metavar="COUNT", help="How often it strikes; 0 without bound.")
@click.option("--seed", type=int, default=1, help="The same seed and the same events give the same faults.")
@click.option("--client", metavar="ID", help="The only client id that it may concern.")
@control_port
def fault(
    name: str,
    *,
    on: str,
    option: tuple[str, ...],
    times: int | None,
    seed: int,
    client: str | None,
    control_port: int,
) -> None:
    """Order one fault in a running simulator."""
    pairs = [text.partition("=") for text in option]
    if any(not sign for _name, sign, _value in pairs):
        raise click.BadParameter("write --option name=value", param_hint="--option")
    options = {key: value for key, _sign, value in pairs}
    body = {"name": name, "trigger": on, "options": options, "times": times, "seed": seed, "client": client}
    show(ask(control_port, "POST", _PATH, body))


@click.command
@click.argument("name", required=False, help="Only those of this name.")
@control_port
def clear_faults(name: str | None, control_port: int) -> None:
    """End the faults of a running simulator, and restore normal service."""
    answer = ask(control_port, "DELETE", _PATH, {} if name is None else {"name": name})
    click.echo(f"{answer['cleared']} cleared")
