"""What the engine publishes, and under which name."""

from __future__ import annotations

from dataclasses import dataclass

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.quote import Quote

QUOTES = "quotes"
ORDERS = "orders"
PNL = "pnl"
SESSION = "session"
RECONCILIATION = "reconciliation"


def quote_topic(conid: int) -> str:
    return f"{QUOTES}.{conid}"


@dataclass(frozen=True, slots=True)
class QuoteTick:
    """A quote as it now stands; `stale` says why it may no longer be true."""

    contract: Contract
    quote: Quote
    stale: str | None = None
