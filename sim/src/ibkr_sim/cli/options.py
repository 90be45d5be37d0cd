"""The options of `ibkr-sim serve`, and what somebody chose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from ibkr_sim.cli.calling import CONTROL_PORT
from ibkr_sim.cli.checks import account_ids, hour, loopback

_CLOSED: Final = -1
_PORT: Final = click.IntRange(0, 65535)
_PORT_OR_CLOSED: Final = click.IntRange(_CLOSED, 65535)
_SPEED: Final = click.FloatRange(0, 1000)
_FEED: Final = click.Choice(["live", "delayed"])
_VERSION: Final = click.IntRange(157, 200)
_CLIENT_ID: Final = click.IntRange(min=0)
_COUNT: Final = click.IntRange(min=0)
_FILE: Final = click.Path(path_type=Path)


@dataclass(frozen=True, slots=True)
class Start:
    """Every option by its name."""

    host: str
    tws_port: int
    webapi_port: int
    no_webapi: bool
    webapi_tls: bool
    webapi_login: bool
    one_user: bool
    control_port: int
    seed: int
    speed: float
    accounts: tuple[str, ...] | None
    advisor: bool
    entitlement: str
    fundamentals: bool
    tws_version: int
    master_client: int | None
    read_only_api: bool
    no_pacing: bool
    refuse_withdrawn: bool
    most_working_orders: int
    exchange_hours: bool
    restart_at: str | None
    faults: Path | None
    contracts: Path | None
    state: Path | None
    replay: tuple[Path, ...]
    ready_json: bool
    nonce_stdin: bool
    exit_with_parent: bool

    @property
    def opens_webapi(self) -> bool:
        return not self.no_webapi and self.webapi_port != _CLOSED


def _variable(name: str, meaning: str, **rest: Any) -> click.Option:
    """An option that the environment can set too: --tws-port as IBKR_SIM_TWS_PORT."""
    variable = f"IBKR_SIM_{name.upper().replace('-', '_')}"
    return click.Option([f"--{name}"], envvar=variable, show_envvar=True, help=meaning, **rest)


def _switch(name: str, meaning: str) -> click.Option:
    return _variable(name, meaning, is_flag=True)


def _checked(check: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    return lambda _context, _option, text: None if text is None else check(text)


_LOOPBACK: Final = _checked(loopback)
_IDS: Final = _checked(account_ids)
_HOUR: Final = _checked(hour)
OPTIONS: Final = (
    _variable("host", "Loopback address to listen on.", default="127.0.0.1", metavar="ADDRESS", callback=_LOOPBACK),
    _variable("tws-port", "TWS socket port; 0 takes any.", type=_PORT, default=4002, metavar="PORT"),
    _variable("webapi-port", "Web API port; 0 takes any, -1 none.", type=_PORT_OR_CLOSED, default=5000, metavar="PORT"),
    _switch("no-webapi", "Leave the Web API's door closed."),
    _switch("webapi-tls", "Web API over HTTPS, signed by itself."),
    _switch("webapi-login", "Be logged in at the Web API from the start."),
    _switch("one-user", "A session at the Web API takes TWS its market data (10197)."),
    _variable("control-port", "Control port; 0 takes any.", type=_PORT, default=CONTROL_PORT, metavar="PORT"),
    _variable("seed", "The same seed gives the same prices.", type=int, default=1),
    _variable("speed", "Simulated seconds per second.", type=_SPEED, default=1.0, metavar="FACTOR"),
    _variable(
        "accounts",
        "Account ids, DU99..., commas between. With several, IBKR refuses an order that names none (435).",
        show_default="DU9912345; an advisor's clients: DU9912345,DU9967890",
        metavar="IDS",
        callback=_IDS,
    ),
    _switch("advisor", "Add an advisor's account, DF9900001, whose clients the others are."),
    _variable("entitlement", "Market data the user has subscribed to.", type=_FEED, default="live"),
    _switch("fundamentals", "The user has subscribed to companies' figures (else 430)."),
    _variable(
        "tws-version", "Highest server version the TWS door offers.", type=_VERSION, default=200, metavar="VERSION"
    ),
    _variable("master-client", "The client id that hears of every client's orders.", type=_CLIENT_ID, metavar="ID"),
    _switch("read-only-api", "The TWS setting: no orders by API (321)."),
    _switch("no-pacing", "Lift IBKR's limits on how fast a client may ask."),
    _switch("refuse-withdrawn", "Refuse orders with eTradeOnly, firmQuoteOnly, nbboPriceCap (10268 to 10270)."),
    _variable(
        "most-working-orders",
        "Orders that may work in one contract, on one side, of one account; 0 for any number.",
        type=_COUNT,
        default=0,
        metavar="COUNT",
    ),
    _switch("exchange-hours", "Trade in the exchanges' hours, not round the clock."),
    _variable("restart-at", "Restart daily at this hour of New York.", metavar="HH:MM", callback=_HOUR),
    _variable("faults", "JSON list of faults to order at once.", type=_FILE),
    _variable("contracts", "CSV of further contracts: symbol, sec_type, ...", type=_FILE),
    _variable("state", "File in which orders, ids, positions and cash survive.", type=_FILE),
    click.Option(
        ["--replay"],
        type=_FILE,
        multiple=True,
        help="CSV or Parquet of quotes, trades or bars to follow; may be given several times.",
    ),
    _switch("ready-json", "Say on stdout, as JSON, when ready."),
    click.Option(["--nonce-stdin"], is_flag=True, help="Take the control port's secret from stdin's first line."),
    click.Option(["--exit-with-parent"], is_flag=True, help="End when stdin closes."),
)
