"""The command `ibkr-bridge`: serve, demo, kill, resume, journal, and what prints settings and their templates."""

from __future__ import annotations

from importlib.metadata import version as installed_version
from typing import Annotated, Any

import typer

from ibkr_bridge.cli import journal, oauth
from ibkr_bridge.cli.kill import kill, resume
from ibkr_bridge.cli.options import DEFAULT_ENV_FILE, EnvFile, Host, Port, fail, settings_from, warn
from ibkr_bridge.config import questions
from ibkr_bridge.config.describe import effective, template, warnings
from ibkr_bridge.domain.world import World

Upstream = Annotated[
    str | None, typer.Option(help="IBKR's door: tws, or webapi for the Client Portal Web API [IBKR_SERVICE_UPSTREAM].")
]
HELP = """
One REST and WebSocket API into Interactive Brokers. Not a product of Interactive Brokers.

\b
  ibkr-bridge demo             a simulated IBKR and the service on it
  ibkr-bridge serve            on the TWS or IB Gateway of this machine, read-only
  ibkr-bridge serve --trade    the same, and orders of a paper account pass

Settings come from options, the environment and .env: see `ibkr-bridge default-config`.
"""


def build() -> typer.Typer:
    app = typer.Typer(
        name="ibkr-bridge",
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.command(short_help="Serve callers over TWS or IB Gateway.")(serve)
    app.command(short_help="Try it on a simulated IBKR.")(demo)
    app.command(short_help="Stop trading at once.")(kill)
    app.command(short_help="Trade again after a kill.")(resume)
    app.command("check-config", short_help="Print the settings in force.")(check_config)
    app.command("default-config", short_help="Print a documented .env.")(default_config)
    app.command("default-questions", short_help="Print a policy file for IBKR's questions.")(default_questions)
    app.command()(version)
    app.add_typer(journal.build())
    app.add_typer(oauth.build())
    return app


def main() -> None:
    build()()


def serve(
    env_file: EnvFile = DEFAULT_ENV_FILE,
    host: Host = None,
    port: Port = None,
    upstream: Upstream = None,
    tws_host: Annotated[str | None, typer.Option(help="Where TWS or IB Gateway runs [IB_HOST].")] = None,
    tws_port: Annotated[int | None, typer.Option(help="Its API port [IB_PORT].")] = None,
    client_id: Annotated[int | None, typer.Option(help="API client id [IB_CLIENT_ID].")] = None,
    account: Annotated[str | None, typer.Option(help="Pin the service to this account [IB_ACCOUNT].")] = None,
    world: Annotated[
        World | None, typer.Option(help="The world the accounts must belong to [IBKR_SERVICE_WORLD].")
    ] = None,
    trade: Annotated[
        bool | None,
        typer.Option("--trade/--read-only", help="Let orders through, or refuse them all [IBKR_SERVICE_READ_ONLY]."),
    ] = None,
) -> None:
    """Serve callers over a running TWS or IB Gateway, or over the Web API, until Ctrl-C.

    Read-only and for paper accounts, until you say otherwise. For an account with real money:

    \b
      export IBKR_SERVICE_ALLOW_LIVE=true
      ibkr-bridge serve --world live --tws-port 4001 --trade
    """
    loaded = settings_from(
        env_file,
        IBKR_SERVICE_HOST=host,
        IBKR_SERVICE_PORT=port,
        IBKR_SERVICE_UPSTREAM=upstream,
        IB_HOST=tws_host,
        IB_PORT=tws_port,
        IB_CLIENT_ID=client_id,
        IB_ACCOUNT=account,
        IBKR_SERVICE_WORLD=world.value if world else None,
        IBKR_SERVICE_READ_ONLY=None if trade is None else not trade,
    )
    warn(loaded)
    from ibkr_bridge.runtime import service  # noqa: PLC0415  a second of imports that the other commands need not pay

    _run(service.serve, loaded.settings)


def demo(
    env_file: EnvFile = DEFAULT_ENV_FILE,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same prices.")] = None,
    speed: Annotated[float, typer.Option(help="Simulated seconds per second.", min=0.0, max=1000.0)] = 1.0,
    port: Port = None,
    tws_port: Annotated[int | None, typer.Option(help="Port of the simulated TWS [4002, else a free one].")] = None,
    webapi_port: Annotated[
        int | None, typer.Option(help="Port of the simulated Web API [5000, else a free one].")
    ] = None,
    control_port: Annotated[
        int | None, typer.Option(help="Port for control of the simulator [4080, else a free one].")
    ] = None,
    upstream: Upstream = None,
) -> None:
    """Start a simulated IBKR and the service on it: no account, no money, nothing to install.

    Then, in another terminal:

    \b
      curl http://127.0.0.1:8000/market/quote/AAPL
    """
    loaded = settings_from(env_file, IBKR_SERVICE_PORT=port, IBKR_SERVICE_UPSTREAM=upstream)
    warn(loaded)
    from ibkr_bridge.runtime import demo as runtime  # noqa: PLC0415  as above

    _run(runtime.demo, loaded.settings, runtime.DemoOptions(seed, speed, port, tws_port, webapi_port, control_port))


def check_config(
    env_file: EnvFile = DEFAULT_ENV_FILE,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Fail on settings that do not exist.")] = False,
) -> None:
    """Print every setting in force and where it came from; secrets are masked. Nothing is started."""
    loaded = settings_from(env_file)
    rows = list(effective(loaded))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, value, origin in rows:
        typer.echo(f"{name:<{widths[0]}}  {value:<{widths[1]}}  {origin}")
    for warning in warnings(loaded):
        typer.echo(f"ibkr-bridge: warning: {warning}", err=True)
    if strict and loaded.misspelt:
        fail([f"{len(loaded.misspelt)} unknown: {', '.join(loaded.misspelt)}"])


def default_config() -> None:
    """Print a documented .env with every setting at its default.

    \b
      ibkr-bridge default-config > .env
    """
    typer.echo(template())


def default_questions() -> None:
    """Print a policy file for the questions that IBKR's Web API asks before it takes an order.

    \b
      ibkr-bridge default-questions > questions.toml
    """
    typer.echo(questions.template())


def version() -> None:
    """Print the version."""
    typer.echo(installed_version("ibkr-bridge"))


def _run(command: Any, *arguments: Any) -> None:
    raise typer.Exit(command(*arguments))
