"""Early assignments of options, read from JSON."""

from __future__ import annotations

from typing import Any, Final

from ibkr_sim.control.orders import amount
from ibkr_sim.control.problems import Refused
from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.model import Rejected

_FIELDS: Final = frozenset({"account", "conid", "quantity"})


def assign(exchange: Exchange, body: object) -> dict[str, Any]:
    """Exercise options against an account that is short of them. Raises Refused (422)."""
    if not isinstance(body, dict) or body.keys() - _FIELDS:
        raise _invalid('Send {"conid": 900000001, "quantity": 1}, and "account" if it is not the first one.')
    conid, quantity = amount(body, "conid"), amount(body, "quantity")
    account = body.get("account", exchange.accounts[0])
    if conid is None or quantity is None or account not in exchange.accounts or exchange.contract(int(conid)) is None:
        raise _invalid("conid must be an option's, quantity how many contracts, account one of this simulator.")
    try:
        exchange.assign(account, int(conid), quantity)
    except Rejected as refusal:
        raise _invalid(refusal.text) from refusal
    held = exchange.position(account, int(conid))
    return {"account": account, "conid": int(conid), "position": str(held.quantity if held else 0)}


def _invalid(detail: str) -> Refused:
    return Refused(422, "invalid_assignment", detail)
