"""The commands about what companies do: dividends and splits."""

from __future__ import annotations

import json
from typing import Annotated, Final

import typer

from ibkr_sim.cli.calling import ask, call
from ibkr_sim.cli.faults import CONTROL_PORT, ControlPort

_PATH: Final = "/control/corporate-actions"
Shares = Annotated[str, typer.Argument(help="A symbol, or a conid.")]
At = Annotated[str | None, typer.Option(help="When, as 2026-03-02T15:00:00Z; at once, if not given.")]


def dividend(
    contract: Shares,
    amount: Annotated[str, typer.Argument(help="Of one share.")],
    *,
    at: At = None,
    control_port: ControlPort = CONTROL_PORT,
) -> None:
    """Pay a dividend in a running simulator; the price falls by it."""
    _announce("dividend", contract, amount, at, control_port)


def split(
    contract: Shares,
    ratio: Annotated[str, typer.Argument(help="How many shares one becomes: 4, or 0.1 for a reverse split.")],
    *,
    at: At = None,
    control_port: ControlPort = CONTROL_PORT,
) -> None:
    """Split shares in a running simulator; open orders in them end."""
    _announce("split", contract, ratio, at, control_port)


def _announce(kind: str, contract: str, amount: str, at: str | None, control_port: int) -> None:
    body = {"kind": kind, "conid" if contract.isdecimal() else "symbol": contract, "amount": amount}
    body |= {} if at is None else {"at": at}
    typer.echo(json.dumps(ask(control_port, lambda: call(control_port, "POST", _PATH, body)), indent=2))
