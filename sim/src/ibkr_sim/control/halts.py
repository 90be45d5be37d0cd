"""Halts of single contracts, read from JSON."""

from __future__ import annotations

from typing import Any, Final

from ibkr_sim.control.orders import conid_of
from ibkr_sim.control.problems import Refused
from ibkr_sim.exchange.exchange import Exchange

_FIELDS: Final = frozenset({"symbol", "conid", "halted"})


def halt(exchange: Exchange, body: object) -> dict[str, Any]:
    """Halt or resume, and tell how it now stands. Raises Refused (422)."""
    if not isinstance(body, dict) or body.keys() - _FIELDS or not isinstance(body.get("halted", True), bool):
        raise Refused(422, "invalid_halt", 'Send {"symbol": "AAPL", "halted": true}, or false to trade again.')
    conid = conid_of(exchange, body)
    if body.get("halted", True):
        exchange.halt(conid)
    else:
        exchange.resume(conid)
    return {"conid": conid, "halted": exchange.is_halted(conid)}
