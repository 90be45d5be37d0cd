"""The command that shows the books."""

from __future__ import annotations

import click

from ibkr_sim.cli.calling import ask, control_port, show


@click.command
@control_port
def ledger(control_port: int) -> None:
    """Print a running simulator's books as JSON."""
    show(ask(control_port, "GET", "/control/ledger"))
