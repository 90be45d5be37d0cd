"""The commands about orders by hand: as if somebody had typed them into TWS."""

from __future__ import annotations

from typing import Final

import click

from ibkr_sim.cli.calling import ask, control_port, show

_PATH: Final = "/control/orders"


@click.command
@click.argument("side", type=click.Choice(["BUY", "SELL"], case_sensitive=False), metavar="SIDE", help="BUY or SELL.")
@click.argument("quantity", help="How many.")
@click.argument("contract", help="A symbol, or a conid.")
@click.option("--limit", metavar="PRICE", help="Limit price.")
@click.option("--stop", metavar="PRICE", help="Stop or trigger price, trailing amount, offset.")
@click.option("--type", "order_type", metavar="TYPE", help="MKT, LMT, STP ...; what the prices say, if not given.")
@click.option("--tif", default="DAY", metavar="TIF", help="Time in force.")
@click.option("--account", metavar="ID", help="The first one, if not given.")
@control_port
def order(
    side: str,
    quantity: str,
    contract: str,
    *,
    limit: str | None,
    stop: str | None,
    order_type: str | None,
    tif: str,
    account: str | None,
    control_port: int,
) -> None:
    """Place an order by hand in a running simulator; API clients see it as one that came from TWS."""
    known = {"limit": limit, "stop": stop, "type": order_type, "account": account}
    body = {"side": side, "quantity": quantity, "tif": tif}
    body |= {"conid" if contract.isdecimal() else "symbol": contract}
    body |= {name: value for name, value in known.items() if value is not None}
    show(ask(control_port, "POST", _PATH, body))


@click.command
@click.argument("perm_id", type=int, help="As `ibkr-sim order` and `ibkr-sim ledger` show it.")
@control_port
def cancel(perm_id: int, control_port: int) -> None:
    """Cancel any order by hand in a running simulator."""
    show(ask(control_port, "DELETE", _PATH, {"perm_id": perm_id}))
