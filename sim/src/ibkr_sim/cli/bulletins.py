"""The command about IBKR's bulletins."""

from __future__ import annotations

import click

from ibkr_sim.cli.calling import ask, control_port, show

_KINDS = click.Choice(["news", "exchange-down", "exchange-up"])


@click.command
@click.argument("text", help="What IBKR has to say.")
@click.option("--kind", type=_KINDS, default="news", help="News, or an exchange that is away, or back.")
@click.option("--exchange", default="", metavar="NAME", help="Which exchange, such as NYSE.")
@control_port
def bulletin(text: str, kind: str, exchange: str, control_port: int) -> None:
    """Issue a bulletin in a running simulator, to every client that listens to them."""
    body = {"text": text, "kind": kind, "exchange": exchange.upper()}
    show(ask(control_port, "POST", "/control/bulletins", body))
