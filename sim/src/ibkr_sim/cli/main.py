"""The command `ibkr-sim`."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from ibkr_sim.cli import options
from ibkr_sim.cli.checks import account_ids, loopback
from ibkr_sim.cli.corporate import dividend, split
from ibkr_sim.cli.faults import CONTROL_PORT, clear_faults, fault, faults
from ibkr_sim.cli.halts import halt, resume
from ibkr_sim.cli.orders import cancel, order

HELP: Final = """
A SIMULATOR of Interactive Brokers for your laptop. Not a product of IBKR; no order ever leaves this machine.

Start it, and connect any TWS API client to port 4002 of 127.0.0.1 as you would to IB Gateway:

    ibkr-sim serve

    python -c "import ib_async; ib = ib_async.IB(); ib.connect(port=4002); print(ib.positions())"

Or any client of the Client Portal Web API to port 5000:

    ibkr-sim serve --webapi-login

    curl http://127.0.0.1:5000/v1/api/iserver/accounts

Its books and its clock are at the control port: see `ibkr-sim ledger`, or GET /control/clock.
Its bad days come on command: see `ibkr-sim faults`.
Orders by hand, as if typed into TWS: see `ibkr-sim order --help`, or POST /control/orders.
A halt of one contract: see `ibkr-sim halt --help`, or POST /control/halts.
Dividends and splits: see `ibkr-sim dividend --help` and `ibkr-sim split --help`, or POST /control/corporate-actions.
"""


def serve(  # noqa: PLR0913
    *,
    host: options.Host = "127.0.0.1",
    tws_port: options.TwsPort = options.TWS_PORT,
    webapi_port: options.WebApiPort = options.WEBAPI_PORT,
    no_webapi: options.NoWebApi = False,
    webapi_tls: options.WebApiTls = False,
    webapi_login: options.WebApiLogin = False,
    one_user: options.OneUser = False,
    control_port: options.ControlPort = CONTROL_PORT,
    seed: options.Seed = 1,
    speed: options.Speed = 1.0,
    accounts: options.Accounts = "DU9912345,DU9967890",
    entitlement: options.MarketData = options.Entitlement.LIVE,
    tws_version: options.TwsVersion = options.HIGHEST,
    master_client: options.MasterClient = None,
    read_only_api: options.ReadOnlyApi = False,
    exchange_hours: options.ExchangeHours = False,
    faults: options.FaultsFile = None,
    contracts: options.ContractsFile = None,
    state: options.StateFile = None,
    replay: options.Replay = None,
    ready_json: options.ReadyJson = False,
    nonce_stdin: options.NonceStdin = False,
    exit_with_parent: options.ExitWithParent = False,
) -> None:
    """Run the simulator until Ctrl-C.

    TWS API clients connect to port 4002. Web API clients find http://127.0.0.1:5000/v1/api, as they would a Client
    Portal Gateway: log in at http://127.0.0.1:5000 in a browser with any name, or start with --webapi-login.
    """
    address, ids = loopback(host), account_ids(accounts)
    from ibkr_sim.cli.serving import Start, run  # noqa: PLC0415  --help and a mistyped option answer at once
    from ibkr_sim.cli.worlds import added_contracts, ordered_faults, recorded  # noqa: PLC0415

    start = Start(
        host=address,
        tws_port=tws_port,
        webapi_port=None if no_webapi or webapi_port == options.CLOSED else webapi_port,
        webapi_tls=webapi_tls,
        webapi_login=webapi_login,
        one_user=one_user,
        control_port=control_port,
        seed=seed,
        speed=speed,
        accounts=ids,
        entitlement=entitlement.value,
        tws_version=tws_version,
        master_client=master_client,
        read_only_api=read_only_api,
        exchange_hours=exchange_hours,
        faults=ordered_faults(faults),
        contracts=added_contracts(contracts),
        state=state,
        replay=recorded(replay or ()),
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
    application.command()(order)
    application.command()(cancel)
    application.command()(halt)
    application.command()(resume)
    application.command()(dividend)
    application.command()(split)
    application()
