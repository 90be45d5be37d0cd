"""The commands about what companies do: dividends and splits."""

from __future__ import annotations

import click

from ibkr_sim.cli.calling import ask, control_port, show

_shares = click.argument("contract", help="A symbol, or a conid.")
_at = click.option("--at", metavar="TIME", help="When, as 2026-03-02T15:00:00Z; at once, if not given.")


@click.command
@_shares
@click.argument("amount", help="Of one share.")
@_at
@control_port
def dividend(contract: str, amount: str, at: str | None, control_port: int) -> None:
    """Pay a dividend in a running simulator; the price falls by it."""
    _announce("dividend", contract, amount, at, control_port)


@click.command
@_shares
@click.argument("ratio", help="How many shares one becomes: 4, or 0.1 for a reverse split.")
@_at
@control_port
def split(contract: str, ratio: str, at: str | None, control_port: int) -> None:
    """Split shares in a running simulator; open orders in them end."""
    _announce("split", contract, ratio, at, control_port)


def _announce(kind: str, contract: str, amount: str, at: str | None, port: int) -> None:
    body = {"kind": kind, "conid" if contract.isdecimal() else "symbol": contract, "amount": amount}
    body |= {} if at is None else {"at": at}
    show(ask(port, "POST", "/control/corporate-actions", body))
