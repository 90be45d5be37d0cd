"""The command `ibkr-sim`."""

from __future__ import annotations

import sys
from typing import Any, Final

import click

from ibkr_sim.cli.assignments import assign
from ibkr_sim.cli.bulletins import bulletin
from ibkr_sim.cli.corporate import dividend, split
from ibkr_sim.cli.faults import clear_faults, fault, faults
from ibkr_sim.cli.halts import halt, resume
from ibkr_sim.cli.ledger import ledger
from ibkr_sim.cli.options import OPTIONS, Start
from ibkr_sim.cli.orders import cancel, order

# \b keeps the lines of a paragraph as they are.
HELP: Final = """
A SIMULATOR of Interactive Brokers for your laptop. Not a product of IBKR; no order ever leaves this machine.

Start it, and connect any TWS API client to port 4002 of 127.0.0.1 as you would to IB Gateway:

\b
    ibkr-sim serve
    python -c "import ib_async; ib = ib_async.IB(); ib.connect(port=4002); print(ib.positions())"

Or any client of the Client Portal Web API to port 5000:

\b
    ibkr-sim serve --webapi-login
    curl http://127.0.0.1:5000/v1/api/iserver/accounts

What the other commands do can be asked of its control port over HTTP as well:

\b
    its books                             ibkr-sim ledger           GET /control/ledger
    its clock                                                       GET and POST /control/clock
    bad days, on command                  ibkr-sim faults, fault    GET and POST /control/faults
    orders by hand, as if typed into TWS  ibkr-sim order, cancel    POST and DELETE /control/orders
    a halt of one contract                ibkr-sim halt, resume     POST /control/halts
    dividends and splits                  ibkr-sim dividend, split  POST /control/corporate-actions
    options assigned early                ibkr-sim assign           POST /control/assignments
    IBKR's bulletins                      ibkr-sim bulletin         GET and POST /control/bulletins
"""


class _InThisOrder(click.Group):
    """Shows its commands as they were given, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(self.commands)


@click.command(params=[*OPTIONS])
def serve(**chosen: Any) -> None:
    """Run the simulator until Ctrl-C.

    TWS API clients connect to port 4002. Web API clients find http://127.0.0.1:5000/v1/api, as they would a Client
    Portal Gateway: log in at http://127.0.0.1:5000 in a browser with any name, or start with --webapi-login.
    """
    from ibkr_sim.cli.serving import run  # noqa: PLC0415  --help and a mistyped option answer at once

    sys.exit(run(Start(**chosen)))


@click.group(
    cls=_InThisOrder,
    help=HELP,
    commands=[
        serve,
        ledger,
        fault,
        faults,
        clear_faults,
        order,
        cancel,
        halt,
        resume,
        dividend,
        split,
        assign,
        bulletin,
    ],
    context_settings={"show_default": True, "max_content_width": 100},
)
def main() -> None:
    """Nothing is common to all commands."""
