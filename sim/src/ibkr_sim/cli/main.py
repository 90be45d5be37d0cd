"""The command `ibkr-sim`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from ibkr_sim.cli.checks import account_ids, loopback
from ibkr_sim.cli.faults import CONTROL_PORT, clear_faults, fault, faults, read_file

HELP: Final = """
A SIMULATOR of Interactive Brokers for your laptop. Not a product of IBKR; no order ever leaves this machine.

Start it, and connect any TWS API client to port 4002 of 127.0.0.1 as you would to IB Gateway:

    ibkr-sim serve

    python -c "import ib_async; ib = ib_async.IB(); ib.connect(port=4002); print(ib.positions())"

Its books and its clock are at the control port: see `ibkr-sim ledger`, or GET /control/clock.
Its bad days come on command: see `ibkr-sim faults`.
"""


class Entitlement(StrEnum):
    LIVE = "live"
    DELAYED = "delayed"


WebApiPort = Annotated[
    int | None,
    typer.Option(
        envvar="IBKR_SIM_WEBAPI_PORT", min=0, max=65535, help="Web API port, IBKR's is 5000; closed if not given."
    ),
]
WebApiTls = Annotated[bool, typer.Option("--webapi-tls", envvar="IBKR_SIM_WEBAPI_TLS", help="HTTPS, signed by itself.")]
WebApiLogin = Annotated[
    bool, typer.Option("--webapi-login", envvar="IBKR_SIM_WEBAPI_LOGIN", help="Be logged in from the start.")
]

ReadyJson = Annotated[
    bool, typer.Option("--ready-json", envvar="IBKR_SIM_READY_JSON", help="Say on stdout, as JSON, when ready.")
]


def serve(  # noqa: PLR0913
    *,
    host: Annotated[str, typer.Option(envvar="IBKR_SIM_HOST", help="Loopback address to listen on.")] = "127.0.0.1",
    tws_port: Annotated[
        int, typer.Option(envvar="IBKR_SIM_TWS_PORT", min=0, max=65535, help="TWS socket port; 0 takes any.")
    ] = 4002,
    webapi_port: WebApiPort = None,
    webapi_tls: WebApiTls = False,
    webapi_login: WebApiLogin = False,
    control_port: Annotated[
        int, typer.Option(envvar="IBKR_SIM_CONTROL_PORT", min=0, max=65535, help="Control port; 0 takes any.")
    ] = CONTROL_PORT,
    seed: Annotated[int, typer.Option(envvar="IBKR_SIM_SEED", help="The same seed gives the same prices.")] = 1,
    speed: Annotated[
        float, typer.Option(envvar="IBKR_SIM_SPEED", min=0, max=1000, help="Simulated seconds per second.")
    ] = 1.0,
    accounts: Annotated[
        str, typer.Option(envvar="IBKR_SIM_ACCOUNTS", help="Account ids, DU99..., with commas between.")
    ] = "DU9912345,DU9967890",
    entitlement: Annotated[
        Entitlement, typer.Option(envvar="IBKR_SIM_ENTITLEMENT", help="Market data the user has subscribed to.")
    ] = Entitlement.LIVE,
    faults: Annotated[
        Path | None, typer.Option("--faults", envvar="IBKR_SIM_FAULTS", help="JSON list of faults to order at once.")
    ] = None,
    ready_json: ReadyJson = False,
    nonce_stdin: Annotated[
        bool, typer.Option("--nonce-stdin", help="Take the control port's secret from stdin's first line.")
    ] = False,
    exit_with_parent: Annotated[bool, typer.Option("--exit-with-parent", help="End when stdin closes.")] = False,
) -> None:
    """Run the simulator until Ctrl-C."""
    address, ids = loopback(host), account_ids(accounts)
    # Imported here so that --help and a mistyped option answer at once.
    from ibkr_sim.cli.serving import Start, run  # noqa: PLC0415
    from ibkr_sim.control.faults import fault_orders  # noqa: PLC0415
    from ibkr_sim.faults.trigger import InvalidFault  # noqa: PLC0415

    try:
        orders = () if faults is None else fault_orders(read_file(faults))
    except InvalidFault as error:
        raise typer.BadParameter(f"{faults}: {error}") from error
    start = Start(
        host=address,
        tws_port=tws_port,
        webapi_port=webapi_port,
        webapi_tls=webapi_tls,
        webapi_login=webapi_login,
        control_port=control_port,
        seed=seed,
        speed=speed,
        accounts=ids,
        entitlement=entitlement.value,
        faults=orders,
        ready_json=ready_json,
        nonce_stdin=nonce_stdin,
        exit_with_parent=exit_with_parent,
    )
    raise typer.Exit(run(start))


def ledger(
    control_port: Annotated[
        int, typer.Option(envvar="IBKR_SIM_CONTROL_PORT", min=1, max=65535, help="Of the simulator to ask.")
    ] = CONTROL_PORT,
) -> None:
    """Print a running simulator's books as JSON."""
    from ibkr_sim.cli.books import fetch  # noqa: PLC0415

    try:
        typer.echo(fetch(control_port))
    except OSError as error:
        typer.echo(f"ibkr-sim: no simulator answers at 127.0.0.1:{control_port} ({error})", err=True)
        raise typer.Exit(1) from error


def main() -> None:
    application = typer.Typer(
        no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, help=HELP
    )
    application.command()(serve)
    application.command()(ledger)
    application.command()(fault)
    application.command()(faults)
    application.command()(clear_faults)
    application()
