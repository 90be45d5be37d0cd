"""The options of `ibkr-sim serve`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

LOWEST: Final = 157
HIGHEST: Final = 200
TWS_PORT: Final = 4002
WEBAPI_PORT: Final = 5000
CLOSED: Final = -1


class Entitlement(StrEnum):
    LIVE = "live"
    DELAYED = "delayed"


Host = Annotated[str, typer.Option(envvar="IBKR_SIM_HOST", help="Loopback address to listen on.")]
TwsPort = Annotated[
    int, typer.Option(envvar="IBKR_SIM_TWS_PORT", min=0, max=65535, help="TWS socket port; 0 takes any.")
]
WebApiPort = Annotated[
    int,
    typer.Option(envvar="IBKR_SIM_WEBAPI_PORT", min=CLOSED, max=65535, help="Web API port; 0 takes any, -1 closes it."),
]
NoWebApi = Annotated[
    bool, typer.Option("--no-webapi", envvar="IBKR_SIM_NO_WEBAPI", help="Leave the Web API's door closed.")
]
WebApiTls = Annotated[
    bool, typer.Option("--webapi-tls", envvar="IBKR_SIM_WEBAPI_TLS", help="Web API over HTTPS, signed by itself.")
]
WebApiLogin = Annotated[
    bool,
    typer.Option("--webapi-login", envvar="IBKR_SIM_WEBAPI_LOGIN", help="Be logged in at the Web API from the start."),
]
OneUser = Annotated[
    bool,
    typer.Option(
        "--one-user", envvar="IBKR_SIM_ONE_USER", help="A session at the Web API takes TWS its market data (10197)."
    ),
]
ControlPort = Annotated[
    int, typer.Option(envvar="IBKR_SIM_CONTROL_PORT", min=0, max=65535, help="Control port; 0 takes any.")
]
Seed = Annotated[int, typer.Option(envvar="IBKR_SIM_SEED", help="The same seed gives the same prices.")]
Speed = Annotated[float, typer.Option(envvar="IBKR_SIM_SPEED", min=0, max=1000, help="Simulated seconds per second.")]
Accounts = Annotated[str, typer.Option(envvar="IBKR_SIM_ACCOUNTS", help="Account ids, DU99..., with commas between.")]
MarketData = Annotated[
    Entitlement, typer.Option(envvar="IBKR_SIM_ENTITLEMENT", help="Market data the user has subscribed to.")
]
TwsVersion = Annotated[
    int,
    typer.Option(
        envvar="IBKR_SIM_TWS_VERSION", min=LOWEST, max=HIGHEST, help="The highest server version the TWS door offers."
    ),
]
MasterClient = Annotated[
    int | None,
    typer.Option(envvar="IBKR_SIM_MASTER_CLIENT", min=0, help="The client id that hears of every client's orders."),
]
ReadOnlyApi = Annotated[
    bool,
    typer.Option("--read-only-api", envvar="IBKR_SIM_READ_ONLY_API", help="The TWS setting: no orders by API (321)."),
]
ExchangeHours = Annotated[
    bool,
    typer.Option(
        "--exchange-hours", envvar="IBKR_SIM_EXCHANGE_HOURS", help="Trade in the exchanges' hours, not round the clock."
    ),
]
FaultsFile = Annotated[
    Path | None, typer.Option("--faults", envvar="IBKR_SIM_FAULTS", help="JSON list of faults to order at once.")
]
ContractsFile = Annotated[
    Path | None,
    typer.Option("--contracts", envvar="IBKR_SIM_CONTRACTS", help="CSV of further contracts: symbol, sec_type, ..."),
]
StateFile = Annotated[
    Path | None,
    typer.Option("--state", envvar="IBKR_SIM_STATE", help="File in which orders, ids, positions and cash survive."),
]
Replay = Annotated[
    list[Path] | None,
    typer.Option("--replay", help="CSV or Parquet of quotes, trades or bars to follow; may be given several times."),
]
ReadyJson = Annotated[
    bool, typer.Option("--ready-json", envvar="IBKR_SIM_READY_JSON", help="Say on stdout, as JSON, when ready.")
]
NonceStdin = Annotated[
    bool, typer.Option("--nonce-stdin", help="Take the control port's secret from stdin's first line.")
]
ExitWithParent = Annotated[bool, typer.Option("--exit-with-parent", help="End when stdin closes.")]
