"""The commands about halts of single contracts."""

from __future__ import annotations

import click

from ibkr_sim.cli.calling import ask, control_port, show

_halted = click.argument("contract", help="A symbol, or a conid.")


@click.command
@_halted
@control_port
def halt(contract: str, control_port: int) -> None:
    """Halt a contract in a running simulator: it is quoted, and nobody trades it."""
    _say(contract, control_port, halted=True)


@click.command
@_halted
@control_port
def resume(contract: str, control_port: int) -> None:
    """Let a halted contract trade again."""
    _say(contract, control_port, halted=False)


def _say(contract: str, port: int, *, halted: bool) -> None:
    body = {"conid" if contract.isdecimal() else "symbol": contract, "halted": halted}
    show(ask(port, "POST", "/control/halts", body))
