"""The commands about orders by hand: as if somebody had typed them into TWS."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Final

import typer

from ibkr_sim.cli.calling import ask, call
from ibkr_sim.cli.faults import CONTROL_PORT, ControlPort

_PATH: Final = "/control/orders"


class OrderSide(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


def order(
    side: Annotated[OrderSide, typer.Argument(case_sensitive=False, help="BUY or SELL.")],
    quantity: Annotated[str, typer.Argument(help="How many.")],
    contract: Annotated[str, typer.Argument(help="A symbol, or a conid.")],
    *,
    limit: Annotated[str | None, typer.Option(help="Limit price.")] = None,
    stop: Annotated[str | None, typer.Option(help="Stop or trigger price, trailing amount, offset.")] = None,
    order_type: Annotated[str | None, typer.Option("--type", help="MKT, LMT, STP ...; what the prices say.")] = None,
    tif: Annotated[str, typer.Option(help="Time in force.")] = "DAY",
    account: Annotated[str | None, typer.Option(help="The first one, if not given.")] = None,
    control_port: ControlPort = CONTROL_PORT,
) -> None:
    """Place an order by hand in a running simulator; API clients see it as one that came from TWS."""
    known = {"limit": limit, "stop": stop, "type": order_type, "account": account}
    body = {"side": side.value, "quantity": quantity, "tif": tif}
    body |= {"conid" if contract.isdecimal() else "symbol": contract}
    body |= {name: value for name, value in known.items() if value is not None}
    typer.echo(json.dumps(ask(control_port, lambda: call(control_port, "POST", _PATH, body)), indent=2))


def cancel(
    perm_id: Annotated[int, typer.Argument(help="As `ibkr-sim order` and `ibkr-sim ledger` show it.")],
    *,
    control_port: ControlPort = CONTROL_PORT,
) -> None:
    """Cancel any order by hand in a running simulator."""
    body = {"perm_id": perm_id}
    typer.echo(json.dumps(ask(control_port, lambda: call(control_port, "DELETE", _PATH, body)), indent=2))
