"""The command about options that somebody exercises early."""

from __future__ import annotations

import click

from ibkr_sim.cli.calling import ask, control_port, show


@click.command
@click.argument("conid", type=int, help="The option's.")
@click.argument("quantity", type=int, help="How many contracts.")
@click.option("--account", metavar="ID", help="Who is short of it; the first account, if not given.")
@control_port
def assign(conid: int, quantity: int, account: str | None, control_port: int) -> None:
    """Exercise American options against an account of a running simulator that is short of them."""
    body = {"conid": conid, "quantity": quantity} | ({} if account is None else {"account": account})
    show(ask(control_port, "POST", "/control/assignments", body))
