"""Dividends and splits, read from JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from ibkr_sim.control.orders import amount, conid_of
from ibkr_sim.control.problems import Refused
from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.model import ActionKind, CorporateAction, Rejected

_FIELDS: Final = frozenset({"kind", "symbol", "conid", "amount", "at"})
_EXAMPLE: Final = 'Send {"kind": "dividend", "symbol": "AAPL", "amount": "0.26"}; of a split, the new shares of one.'


def announce(exchange: Exchange, body: object) -> dict[str, Any]:
    """Carry it out at once, or at the time that it names. Raises Refused (422)."""
    if not isinstance(body, dict) or body.keys() - _FIELDS or body.get("kind") not in tuple(ActionKind):
        raise _invalid(_EXAMPLE)
    value = amount(body, "amount")
    if value is None:
        raise _invalid(_EXAMPLE)
    action = CorporateAction(conid_of(exchange, body), ActionKind(body["kind"]), value, _moment(body.get("at")))
    try:
        exchange.announce(action)
    except Rejected as refusal:
        raise _invalid(refusal.text) from refusal
    return {
        "kind": action.kind.value,
        "conid": action.conid,
        "amount": str(action.amount),
        "at": action.at.isoformat() if action.at else None,
    }


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise _invalid("at must be a time such as 2026-03-02T15:00:00Z.") from None
    if moment.tzinfo is None:
        raise _invalid("at must name its time zone.")
    return moment


def _invalid(detail: str) -> Refused:
    return Refused(422, "invalid_corporate_action", detail)
