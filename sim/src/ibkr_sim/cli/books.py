"""Asks a running simulator for its books."""

from __future__ import annotations

import json

from ibkr_sim.cli.calling import call


def fetch(control_port: int) -> str:
    """The ledger as indented JSON. Raises OSError when no simulator answers."""
    return json.dumps(call(control_port, "GET", "/control/ledger"), indent=2)
