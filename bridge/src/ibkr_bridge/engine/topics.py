"""What the engine publishes, and under which name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ibkr_bridge.domain.bars import Bar, What
from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.quote import Quote

QUOTES = "quotes"
BARS = "bars"
ORDERS = "orders"
PNL = "pnl"
SESSION = "session"
RECONCILIATION = "reconciliation"


def quote_topic(conid: int) -> str:
    return f"{QUOTES}.{conid}"


def bar_topic(conid: int) -> str:
    return f"{BARS}.{conid}"


@dataclass(frozen=True, slots=True)
class QuoteTick:
    """A quote as it now stands; `stale` says why it may no longer be true."""

    contract: Contract
    quote: Quote
    stale: str | None = None


@dataclass(frozen=True, slots=True)
class BarTick:
    """A bar of five seconds that has ended; without one, news of the line alone."""

    contract: Contract
    bar: Bar | None
    what: What
    source: str
    """`ibkr`, or `quotes` where it is made from them."""
    stale: str | None = None
    last: datetime | None = None
    """When the last bar of this line began."""
