"""The commands about halts of single contracts."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ibkr_sim.cli.calling import ask, call
from ibkr_sim.cli.faults import CONTROL_PORT, ControlPort

Halted = Annotated[str, typer.Argument(help="A symbol, or a conid.")]


def halt(contract: Halted, *, control_port: ControlPort = CONTROL_PORT) -> None:
    """Halt a contract in a running simulator: it is quoted, and nobody trades it."""
    _say(contract, control_port, halted=True)


def resume(contract: Halted, *, control_port: ControlPort = CONTROL_PORT) -> None:
    """Let a halted contract trade again."""
    _say(contract, control_port, halted=False)


def _say(contract: str, control_port: int, *, halted: bool) -> None:
    body = {"conid" if contract.isdecimal() else "symbol": contract, "halted": halted}
    typer.echo(json.dumps(ask(control_port, lambda: call(control_port, "POST", "/control/halts", body)), indent=2))
