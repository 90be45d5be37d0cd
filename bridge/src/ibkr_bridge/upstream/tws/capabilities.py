"""What the TWS door can do through this service, and what it cannot, with the reason."""

from __future__ import annotations

from ibkr_bridge.domain.terms import TimeInForce
from ibkr_bridge.ports.upstream import Capabilities
from ibkr_bridge.upstream.tws.terms import TYPES

_SUPPORTED = frozenset(
    {
        "account.summary",
        "account.positions",
        "account.pnl",
        "contract.search",
        "executions",
        "market.depth",
        "market.option_model",
        "market.options",
        "market.scanner",
        "market.search",
        "market.ticks",
        "news",
        "market.quote",
        "market.stream",
        "market.history",
        "market.bars",
        "order.place",
        "order.change",
        "order.cancel",
        "order.preview",
        "order.combo",
        "order.good_after",
        "order.display_qty",
        "order.min_qty",
        "order.all_or_none",
        "order.hidden",
        "order.oca",
        "order.conditions",
        "order.algo",
        "order.adjust",
        *(f"order.type.{kind}" for kind in TYPES),
        *(f"order.tif.{time}" for time in TimeInForce),
    }
)
_MISSING = {
    "order.question": "TWS confirms its own warnings (gateway setting 'Bypass Order Precautions for API Orders').",
    "market.regulatory_snapshot": "TWS and IB Gateway do not speak the Web API, which GET /md/regsnapshot belongs to.",
    "oauth": "TWS and IB Gateway are logged in on their own screen.",
}


def capabilities(client_id: int) -> Capabilities:
    return Capabilities(door="tws", client_id=client_id, supported=_SUPPORTED, missing=_MISSING)
